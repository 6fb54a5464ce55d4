/// What may be done on a disk in a second at most; nil: as much as the disk can.
package struct DiskRates: Hashable, Sendable {
    package var readBytes: Int64?
    package var writtenBytes: Int64?
    package var reads: Int64?
    package var writes: Int64?

    package init(
        readBytes: Int64? = nil, writtenBytes: Int64? = nil, reads: Int64? = nil,
        writes: Int64? = nil
    ) {
        self.readBytes = readBytes
        self.writtenBytes = writtenBytes
        self.reads = reads
        self.writes = writes
    }

    package var isEmpty: Bool { self == DiskRates() }

    /// The smaller of each two.
    package func stricter(_ other: DiskRates) -> DiskRates {
        func least(_ left: Int64?, _ right: Int64?) -> Int64? {
            guard let left, let right else { return left ?? right }
            return min(left, right)
        }
        return DiskRates(
            readBytes: least(readBytes, other.readBytes),
            writtenBytes: least(writtenBytes, other.writtenBytes),
            reads: least(reads, other.reads), writes: least(writes, other.writes))
    }

    /// Below these a mount or the end of a container would take hours.
    package static let leastBytes: Int64 = 65_536
    package static let leastOperations: Int64 = 10
    /// What the kernel keeps of operations a second.
    package static let mostOperations = Int64(UInt32.max)

    /// Throws `invalid` with the field that is out of range, and with the range.
    package func validate() throws(Refusal) {
        try VolumeLimits.check(
            readBytes, "read_bytes_per_second", Self.leastBytes...Int64.max)
        try VolumeLimits.check(
            writtenBytes, "write_bytes_per_second", Self.leastBytes...Int64.max)
        let operations = Self.leastOperations...Self.mostOperations
        try VolumeLimits.check(reads, "reads_per_second", operations)
        try VolumeLimits.check(writes, "writes_per_second", operations)
    }
}

/// What a persistent volume may do and hold beside its size, from CREATE on.
///
/// No part of what tells one volume from another: who writes a volume down need not know of them.
package struct VolumeLimits: Hashable, Sendable {
    package var rates: DiskRates
    /// Files, directories and links; nil: as many as the file system has room for.
    package var inodes: Int64?

    package init(rates: DiskRates = DiskRates(), inodes: Int64? = nil) {
        self.rates = rates
        self.inodes = inodes
    }

    package var isEmpty: Bool { rates.isEmpty && inodes == nil }

    /// The root directory is one of them.
    package static let leastInodes: Int64 = 16
    package static let mostInodes = Int64(UInt32.max)

    /// Throws `invalid` with the field that is out of range, and with the range.
    package func validate() throws(Refusal) {
        try rates.validate()
        try Self.check(inodes, "inodes", Self.leastInodes...Self.mostInodes)
    }

    fileprivate static func check(
        _ value: Int64?, _ name: String, _ range: ClosedRange<Int64>
    ) throws(Refusal) {
        guard let value, !range.contains(value) else { return }
        let rule =
            range.upperBound == Int64.max
            ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        throw Refusal(
            .invalid, "Invalid DiskInfo: 'limits.\(name)' is \(value) and must be \(rule)")
    }
}

extension VolumeLimits: CustomStringConvertible {
    /// `write 10485760 B/s, 1000 inodes`.
    package var description: String {
        var parts: [String] = []
        if let bytes = rates.readBytes { parts.append("read \(bytes) B/s") }
        if let bytes = rates.writtenBytes { parts.append("write \(bytes) B/s") }
        if let count = rates.reads { parts.append("\(count) reads/s") }
        if let count = rates.writes { parts.append("\(count) writes/s") }
        if let inodes { parts.append("\(inodes) inodes") }
        return parts.joined(separator: ", ")
    }
}
