internal import Glibc
internal import Journal
package import Linux
package import Model

/// The history of one volume in a file of fixed size: a ring of points for each step, each point
/// with a checksum, and which limits were crossed.
///
/// A point's place follows from its time, so that nothing has to be kept beside it and what is cut
/// off by a crash is one point. Points are not synced: a power failure may take the last ones.
/// Nothing is held open: there may be thousands of volumes.
package struct UsageHistoryFile: Sendable {
    private static let magic = Array("HFUSAGE1".utf8)
    private static let headerBytes = 64
    private static let pointBytes = 48

    package let path: String

    /// `<directory>/<uuid>`; nil for what is no UUID: it would lead elsewhere.
    package init?(directory: String, uuid: VolumeUUID) {
        let isPlain = uuid.value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isPlain, !uuid.value.isEmpty, uuid.value.utf8.count <= 64 else { return nil }
        path = "\(directory)/\(uuid.value)"
    }

    /// The length that it never exceeds.
    package static var bytesAtMost: Int {
        headerBytes + UsageStep.allCases.reduce(0) { $0 + $1.capacity } * pointBytes
    }

    private static func place(_ step: UsageStep, _ index: Int) -> Int {
        var start = headerBytes
        for finer in UsageStep.allCases where finer.rawValue < step.rawValue {
            start += finer.capacity * pointBytes
        }
        return start + index * pointBytes
    }

    /// The points that are whole, in no order; none where there is no file.
    package func points(_ step: UsageStep) -> [UsagePoint] {
        guard let file = try? OpenFile(path: path, flags: O_RDONLY) else { return [] }
        let length = step.capacity * Self.pointBytes
        var bytes = [UInt8](repeating: 0, count: length)
        let start = Self.place(step, 0)
        let count = bytes.withUnsafeMutableBytes {
            pread(file.descriptor, $0.baseAddress, length, start)
        }
        return (0..<max(0, count) / Self.pointBytes).compactMap { index in
            let first = index * Self.pointBytes
            return Self.decode(bytes[first..<(first + Self.pointBytes)], step, index)
        }
    }

    /// Stores points; the file is made with the first.
    package func write(_ writes: [UsageRollup.Write]) throws(SystemError) {
        let file = try OpenFile(path: path, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
        for write in writes {
            let slot = write.point.time / Int64(write.step.rawValue)
            guard slot >= 0 else { continue }
            let index = Int(slot % Int64(write.step.capacity))
            try Self.put(
                Self.encode(write.point, slot: slot), Self.place(write.step, index), file)
        }
    }

    /// What was crossed when it was stored last.
    package func alarms() -> UsageAlarms {
        guard let file = try? OpenFile(path: path, flags: O_RDONLY) else { return UsageAlarms() }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = bytes.withUnsafeMutableBytes {
            pread(file.descriptor, $0.baseAddress, $0.count, 0)
        }
        guard count == bytes.count, Array(bytes[..<8]) == Self.magic,
            Self.number(bytes[12..<16], UInt32.self) == Self.checksum(bytes[..<12])
        else { return UsageAlarms() }
        // Up to 3 it is the number of 80, 90 and 95 % that were crossed: an earlier version's.
        let percent = bytes[8] <= 3 ? [0, 80, 90, 95][Int(bytes[8])] : Int(bytes[8])
        return UsageAlarms(percent: percent, isFillingSoon: bytes[9] == 1)
    }

    package func write(_ alarms: UsageAlarms) throws(SystemError) {
        let file = try OpenFile(path: path, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
        var bytes = Self.magic
        bytes += [UInt8(clamping: alarms.percent), alarms.isFillingSoon ? 1 : 0, 0, 0]
        bytes += Self.bytes(Self.checksum(bytes[...]))
        try Self.put(bytes, 0, file)
    }

    private static func put(
        _ bytes: [UInt8], _ place: Int, _ file: OpenFile
    ) throws(SystemError) {
        do throws(WriteFailure) { try file.write(bytes, at: place) } catch { throw error.cause }
    }

    // MARK: points

    private static func encode(_ point: UsagePoint, slot: Int64) -> [UInt8] {
        var bytes = Self.bytes(UInt32(truncatingIfNeeded: slot))
        for value in [
            point.lastBytes, point.minBytes, point.maxBytes, point.limitBytes,
            point.usedInodes ?? -1,
        ] {
            bytes += Self.bytes(value)
        }
        return bytes + Self.bytes(checksum(bytes[...]))
    }

    /// Nil for what was never written or is not whole.
    private static func decode(
        _ bytes: ArraySlice<UInt8>, _ step: UsageStep, _ index: Int
    ) -> UsagePoint? {
        let start = bytes.startIndex
        let field = { (offset: Int) in
            number(bytes[(start + offset)..<(start + offset + 8)], Int64.self)
        }
        let end = start + pointBytes
        guard number(bytes[(end - 4)..<end], UInt32.self) == checksum(bytes[..<(end - 4)]) else {
            return nil
        }
        let slot = Int64(number(bytes[start..<(start + 4)], UInt32.self))
        guard Int(slot) % step.capacity == index, slot > 0 else { return nil }
        let inodes = field(36)
        return UsagePoint(
            time: slot * Int64(step.rawValue), lastBytes: field(4), minBytes: field(12),
            maxBytes: field(20), limitBytes: field(28), usedInodes: inodes < 0 ? nil : inodes)
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func number<Number: FixedWidthInteger>(
        _ bytes: ArraySlice<UInt8>, _ type: Number.Type
    ) -> Number {
        bytes.reversed().reduce(0) { ($0 << 8) | Number(truncatingIfNeeded: $1) }
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var checksum = Checksum()
        checksum.update(bytes)
        return checksum.value
    }
}
