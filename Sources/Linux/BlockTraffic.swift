/// What was read from and written to a block device, since it was made or since a control group
/// began to use it.
package struct BlockTraffic: Hashable, Sendable {
    package var readBytes: Int64 = 0
    package var writtenBytes: Int64 = 0
    package var reads: Int64 = 0
    package var writes: Int64 = 0
    /// The time of all requests from submission to completion; nil where it is not counted.
    package var waitMilliseconds: Int64?

    package init() {}

    /// Of a device; nil where the number is no block device's: that of a btrfs, for one.
    package static func of(_ device: DeviceNumber) -> BlockTraffic? {
        KernelText.line("/sys/dev/block/\(device)/stat").flatMap { BlockTraffic(statistics: $0) }
    }

    /// From a line of `/sys/block/*/stat`: its sectors have 512 bytes.
    package init?(statistics line: String) {
        let fields = line.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
        guard fields.count >= 8 else { return nil }
        reads = fields[0]
        readBytes = fields[2] &* 512
        writes = fields[4]
        writtenBytes = fields[6] &* 512
        waitMilliseconds = fields[3] &+ fields[7]
    }
}

/// How long processes of a control group waited for disks (PSI), in microseconds.
package struct DiskPressure: Hashable, Sendable {
    /// At least one of them.
    package let someMicroseconds: Int64
    /// All of them at once.
    package let fullMicroseconds: Int64

    /// From the text of `io.pressure`; nil for what is none.
    package init?(text: String) {
        var totals: [Substring: Int64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let kind = words.first, let total = words.last, total.hasPrefix("total="),
                let microseconds = Int64(total.dropFirst("total=".count))
            else { continue }
            totals[kind] = microseconds
        }
        guard let some = totals["some"], let full = totals["full"] else { return nil }
        someMicroseconds = some
        fullMicroseconds = full
    }
}

extension Cgroup {
    /// What its processes did on each device, ended ones too, by the device's number; nil where the
    /// kernel does not count it. In v1, what is written back later without a sync is the root
    /// group's.
    package func diskTraffic() -> [(device: DeviceNumber, traffic: BlockTraffic)]? {
        if layout.version == .v2 {
            return text("io", "io.stat").map { Self.traffic(ioStat: $0) }
        }
        let kinds = ["_recursive", ""]
        for kind in kinds {
            guard let bytes = text("blkio", "blkio.throttle.io_service_bytes\(kind)"),
                let operations = text("blkio", "blkio.throttle.io_serviced\(kind)")
            else { continue }
            return Self.traffic(serviceBytes: bytes, serviced: operations)
        }
        return nil
    }

    /// Nil where the kernel does not tell it for groups, or the group is in no unified hierarchy.
    package func diskPressure() -> DiskPressure? {
        guard let unified = layout.unified,
            let text = try? KernelText.read("\(unified)\(path)/io.pressure", limit: 4096)
        else { return nil }
        return DiskPressure(text: text)
    }

    private func text(_ controller: String, _ name: String) -> String? {
        file(controller, name).flatMap { try? KernelText.read($0, limit: 1 << 20) }
    }

    /// From lines like `7:1 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`.
    static func traffic(
        ioStat text: String
    ) -> [(device: DeviceNumber, traffic: BlockTraffic)] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let number = words.first.flatMap({ DeviceNumber(text: $0) }) else { return nil }
            var traffic = BlockTraffic()
            for word in words.dropFirst() {
                let parts = word.split(separator: "=")
                guard parts.count == 2, let value = Int64(parts[1]) else { continue }
                switch parts[0] {
                case "rbytes": traffic.readBytes = value
                case "wbytes": traffic.writtenBytes = value
                case "rios": traffic.reads = value
                case "wios": traffic.writes = value
                default: break
                }
            }
            return (number, traffic)
        }
    }

    /// From lines like `7:1 Read 4096`.
    static func traffic(
        serviceBytes: String, serviced: String
    ) -> [(device: DeviceNumber, traffic: BlockTraffic)] {
        var found: [DeviceNumber: BlockTraffic] = [:]
        var order: [DeviceNumber] = []
        for (text, isBytes) in [(serviceBytes, true), (serviced, false)] {
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 3, let number = DeviceNumber(text: words[0]),
                    let value = Int64(words[2])
                else { continue }
                if found[number] == nil { order.append(number) }
                var traffic = found[number] ?? BlockTraffic()
                switch (words[1], isBytes) {
                case ("Read", true): traffic.readBytes = value
                case ("Write", true): traffic.writtenBytes = value
                case ("Read", false): traffic.reads = value
                case ("Write", false): traffic.writes = value
                default: break
                }
                found[number] = traffic
            }
        }
        return order.compactMap { number in found[number].map { (number, $0) } }
    }
}

extension DeviceNumber {
    /// From `7:1`.
    package init?(text: Substring) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let major = UInt32(parts[0]), let minor = UInt32(parts[1]) else {
            return nil
        }
        self.init(major: major, minor: minor)
    }
}
