import Model
import Testing

@Suite struct LimitsValidationTests {
    private func refusal(_ limits: VolumeLimits) -> String? {
        var volume = volume("v")
        volume.disk?.limits = limits
        do throws(Refusal) {
            try OfferOperation.Kind.create([volume]).validate(by: .operator(principal: nil))
            return nil
        } catch {
            return error.message
        }
    }

    @Test func whatIsOutOfRangeIsNamedWithTheRange() {
        #expect(refusal(VolumeLimits()) == nil)
        let least = VolumeLimits(
            rates: DiskRates(readBytes: 65_536, writtenBytes: .max, reads: 10, writes: 1000),
            inodes: 16)
        #expect(refusal(least) == nil)
        for (limits, words) in [
            (
                VolumeLimits(rates: DiskRates(readBytes: 65_535)),
                "'limits.read_bytes_per_second' is 65535 and must be at least 65536"
            ),
            (VolumeLimits(rates: DiskRates(writtenBytes: -1)), "write_bytes_per_second' is -1"),
            (VolumeLimits(rates: DiskRates(reads: 0)), "reads_per_second' is 0 and must be 10 to"),
            (VolumeLimits(rates: DiskRates(writes: 1 << 32)), "must be 10 to 4294967295"),
            (VolumeLimits(inodes: 15), "'limits.inodes' is 15 and must be 16 to 4294967295"),
        ] as [(VolumeLimits, String)] {
            #expect(refusal(limits)?.contains(words) == true, "\(refusal(limits) ?? "taken")")
        }
    }

    @Test func onlyAVolumeHasLimits() {
        var plain = volume("v")
        plain.disk = Disk(source: .init(.path, root: "/d"), limits: VolumeLimits(inodes: 20))
        #expect(throws: Refusal.self) { try plain.validate() }
    }

    /// Who writes a volume down need not know of its limits, and takes none from it.
    @Test func limitsTellNoVolumeFromAnother() throws {
        var limited = volume("v")
        limited.disk?.limits = VolumeLimits(inodes: 20)
        var total = Resources([limited])
        #expect(total.contains(volume("v")))
        let kind = OfferOperation.Kind.grow(
            volume: volume("v"), addition: volume("v").withoutVolume)
        guard case .grow(let own, _) = kind.resolved(in: total) else {
            Issue.record("another kind")
            return
        }
        #expect(own.disk?.limits == VolumeLimits(inodes: 20))
        let isTaken = total.subtract(volume("v"))
        #expect(isTaken)
        #expect(total.isEmpty)
    }
}
