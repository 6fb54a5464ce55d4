import Model
import Testing

/// What is one piece, what merges, and what is counted.
@Suite struct ResourcePieceTests {
    @Test func amountsOfOneStuffMerge() {
        let resources = Resources([reserved("cpus", 1, "a"), reserved("cpus", 2, "a")])
        #expect(resources.entries.map(\.resource) == [reserved("cpus", 3, "a")])
    }

    @Test func anyDifferenceInTheStackKeepsApart() {
        let pieces = [
            reserved("cpus", 1, "a"), reserved("cpus", 1, "b"), reserved("cpus", 1, "a", "a/x"),
            reserved("cpus", 1, "a", principal: "p"),
            reserved("cpus", 1, "a", labels: [.init("k", nil)]),
            reserved("cpus", 1, "a", labels: [.init("k", "")]),
        ]
        #expect(Resources(pieces).count == pieces.count)
    }

    @Test func labelsAreAMultiset() {
        let (a, b) = (Labels.Label("a", nil), Labels.Label("b", nil))
        #expect(Labels([a, b, a]) == Labels([a, a, b]))
        #expect(Labels([a, a, b]) != Labels([a, b, b]))
        #expect(Labels([a]) != Labels([a, a]))
        let mine = reserved("cpus", 1, "r", labels: [a, b])
        #expect(Resources([mine]).contains(reserved("cpus", 1, "r", labels: [b, a])))
    }

    @Test func aVolumeIsOnePieceWithItsAmount() {
        var resources = Resources([volume("v", 64)])
        #expect(!resources.contains(volume("v", 63)))
        #expect(!resources.contains(volume("v", 65)))
        #expect(resources.contains(volume("v", 64, path: "elsewhere", principal: "p")))
        #expect(!resources.contains(volume("w", 64)))
        resources.add(volume("w", 64))
        #expect(resources.count == 2)
    }

    @Test func aMountDiskIsIndivisibleAndAPathDiskIsNot() {
        let mount = reserved("disk", 100, "a").with(disk: Disk(source: .init(.mount, root: "/m")))
        let path = reserved("disk", 100, "a").with(disk: Disk(source: .init(.path, root: "/p")))
        let ten = Amount(thousandths: 10_000)
        #expect(!Resources([mount]).contains(mount.with(amount: ten)))
        #expect(Resources([path]).contains(path.with(amount: ten)))
        #expect(Resources([mount, mount.with(amount: ten)]).count == 2)
        #expect(!Disk(source: .init(.block)).isDivisible)
        #expect(Disk(source: .init(.raw, profile: "p")).isDivisible)
        #expect(!Disk(source: .init(.raw, id: "i")).isDivisible)
    }

    @Test func equalIndivisiblePiecesOfSeveralAgentsAreCounted() {
        var sum = Resources([volume("v", 64), volume("v", 64)])
        #expect(sum.total(of: "disk") == Amount(thousandths: 128_000))
        #expect(sum.entries.map(\.copies) == [2])
        sum.subtract(volume("v", 64))
        #expect(sum == Resources([volume("v", 64)]))
    }

    @Test func aSharedVolumeIsCountedByHoldersAndTakesItsDiskOnce() {
        let shared = volume("v", 64).with(isShared: true)
        var resources = Resources([shared, shared])
        #expect(resources.entries.map(\.copies) == [2])
        #expect(resources.total(of: "disk") == Amount(thousandths: 64_000))
        #expect(resources.contains(shared, copies: 2))
        #expect(!resources.contains(shared, copies: 3))
        #expect(!resources.contains(volume("v", 64)))
        resources.subtract(shared)
        #expect(resources.contains(shared))
        #expect(resources.total(of: "disk") == Amount(thousandths: 64_000))
        resources.subtract(shared)
        #expect(resources.isEmpty && resources.total(of: "disk") == .zero)
    }

    @Test func aKeyFindsAVolumeOfWhateverAmount() {
        for others in [0, 40] {
            var resources = Resources((0..<others).map { volume("w\($0)") })
            resources.add(volume("v", 64))
            let found = resources.entry(ResourceKey(volume("v", 65, path: "x")))
            #expect(found?.resource == volume("v", 64))
            #expect(resources.entry(ResourceKey(volume("u"))) == nil)
        }
    }

    @Test func nothingVanishes() {
        let nothing: [Resource] = [
            Resource("cpus", .scalar(.zero)), Resource("ports", .ranges(Ranges())),
            Resource("s", .set([])),
        ]
        #expect(Resources(nothing).isEmpty)
        #expect(Resources().contains(Resources(nothing)))
    }

    @Test func anEmptyDiskIsNoDifference() {
        let plain = reserved("disk", 1, "a")
        #expect(ResourceKey(plain) == ResourceKey(plain.with(disk: Disk())))
        #expect(ResourceKey(plain).hashValue == ResourceKey(plain.with(disk: Disk())).hashValue)
        var many = Resources((0..<40).map { volume("v\($0)") })
        many.add(plain)
        many.add(plain.with(disk: Disk()))
        #expect(many.count == 41)
    }

    @Test func aDiskIsAValue() {
        let disk = Disk(persistence: .init(id: "v"), source: .init(.path, root: "/p"))
        var copy = disk
        copy.persistence = nil
        copy.volume = .init(containerPath: "x")
        #expect(disk.persistence?.id == "v" && disk.volume == nil)
        #expect(copy.source == disk.source && copy != disk)
        #expect(copy == Disk(volume: .init(containerPath: "x"), source: disk.source))
    }

    @Test func usableIsUnreservedAndTheLineage() {
        let whole = Resources([
            Resource("cpus", .scalar(Amount(thousandths: 1))), reserved("cpus", 2, "eng"),
            reserved("cpus", 3, "eng", "eng/db"), reserved("cpus", 4, "eng/web"),
            reserved("cpus", 5, "engine"),
        ])
        #expect(whole.usable(by: "eng/db").total(of: "cpus") == Amount(thousandths: 5_001))
        #expect(whole.usable(by: "*").total(of: "cpus") == Amount(thousandths: 1))
        #expect(whole.usable(by: "eng/db/x").total(of: "cpus") == Amount(thousandths: 5_001))
    }

    @Test func totalsDoNotWrapRound() {
        let huge = Resource("mem", .scalar(.largest))
        var resources = Resources()
        for _ in 0..<20_000 { resources.add(huge) }
        #expect(resources.total(of: "mem") == Amount(thousandths: .max))
        #expect(resources.contains(huge))
    }

    @Test func manyNamesAreCountedApart() {
        var resources = Resources()
        for round in 1...2 {
            for number in 0..<100 { resources.add(reserved("n\(number)", Int64(round), "a")) }
            #expect(resources.checkInvariants() == [])
        }
        #expect(resources.sortedNames.count == 100)
        #expect(resources.reserved(of: "n99") == Amount(thousandths: 3000))
        #expect(resources.unreserved(of: "n99") == .zero && resources.total(of: "n100") == .zero)
        var names: [String] = []
        resources.forEachTotal { name, all, _ in if all.thousandths == 3000 { names.append(name) } }
        #expect(names == (0..<100).map { "n\($0)" })
    }

    @Test func partsUnderSeveralRolesComeTogetherUnderOne() {
        let cpus = Resource("cpus", .scalar(Amount(thousandths: 1000)))
        let mixed = Resources([cpus.with(allocationRole: "a"), cpus.with(allocationRole: "b")])
        let together = mixed.allocated(to: "c")
        #expect(together.map(\.detailedText) == ["cpus(allocated: c):2"])
        let many = Resources((0..<40).map { volume("v\($0)") }).allocated(to: "db")
        #expect(many.checkInvariants() == [])
        #expect(many.contains(volume("v7").with(allocationRole: "db")))
        #expect(!many.contains(volume("v7")))
    }

    @Test func theIndexSurvivesThresholdsBothWays() {
        var resources = Resources()
        for round in 0..<3 {
            for number in 0..<40 { resources.add(volume("v\(number)", 10 + Int64(round))) }
            #expect(resources.checkInvariants() == [])
            #expect(resources.volume(VolumeName(role: "db", id: "v39")) != nil)
            for number in (0..<40).reversed() {
                let isRemoved = resources.subtract(volume("v\(number)", 10 + Int64(round)))
                #expect(isRemoved)
            }
            #expect(resources.isEmpty)
        }
    }
}
