// A segment file, all numbers little-endian:
//
//     header, 64 bytes: magic 8 | first sequence 8 | salt 8 | snapshot's end 8 | checksum 4 | 0
//     batch, many:      magic 4 | payload bytes 4 | first sequence 8 | records 4
//                       | payload checksum 4 | header checksum 4 | 0 (4)
//                       then each record: bytes 4, content; zeros up to a multiple of 8
//     zeros:            preallocated space
//
// Checksums begin with the salt, which is random and secret, so that no record's content can be
// taken for a batch when a torn tail is searched.

/// The first bytes of a segment.
struct SegmentHeader: Hashable, Sendable {
    static let size = 64
    static let magic: UInt64 = 0x0A31_4E4A_4C46_4448  // "HDFLJN1\n"

    /// The sequence of the first record in it.
    var firstSequence: UInt64
    var salt: UInt64
    /// Where the snapshot that replaces all earlier segments ends; 0: it goes on from the last one.
    var snapshotEnd: Int

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(little: Self.magic)
        bytes.append(little: firstSequence)
        bytes.append(little: salt)
        bytes.append(little: UInt64(snapshotEnd))
        bytes.append(little: bytes.checksum(salt: 0))
        bytes.append(contentsOf: repeatElement(0, count: Self.size - bytes.count))
        return bytes
    }

    init(firstSequence: UInt64, salt: UInt64, snapshotEnd: Int) {
        self.firstSequence = firstSequence
        self.salt = salt
        self.snapshotEnd = snapshotEnd
    }

    /// Nil where the bytes are not a segment's beginning.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.size, bytes.little(UInt64.self, at: 0) == Self.magic,
            bytes.little(UInt32.self, at: 32) == bytes[0..<32].checksum(salt: 0),
            let end = Int(exactly: bytes.little(UInt64.self, at: 24)), end <= bytes.count
        else { return nil }
        firstSequence = bytes.little(UInt64.self, at: 8)
        salt = bytes.little(UInt64.self, at: 16)
        snapshotEnd = end
    }
}

/// The first bytes of a batch.
struct BatchHeader: Hashable, Sendable {
    static let size = 32
    static let magic: UInt32 = 0x4854_4248  // "HBTH"

    var payloadBytes: Int
    var firstSequence: UInt64
    var records: Int
    var payloadChecksum: UInt32

    /// Bytes in the file, padding included.
    var extent: Int { Self.size + (payloadBytes + 7) & ~7 }

    /// Nil where the bytes at `offset` are not a batch's beginning.
    init?(_ bytes: [UInt8], at offset: Int, salt: UInt64) {
        guard offset + Self.size <= bytes.count,
            bytes.little(UInt32.self, at: offset) == Self.magic,
            bytes.little(UInt32.self, at: offset + 24)
                == bytes[offset..<offset + 24].checksum(salt: salt)
        else { return nil }
        payloadBytes = Int(bytes.little(UInt32.self, at: offset + 4))
        firstSequence = bytes.little(UInt64.self, at: offset + 8)
        records = Int(bytes.little(UInt32.self, at: offset + 16))
        payloadChecksum = bytes.little(UInt32.self, at: offset + 20)
    }
}

/// A batch as bytes and back.
enum Batch {
    /// Bytes that the records take in the file.
    static func extent(of records: [[UInt8]]) -> Int {
        let payload = records.reduce(0) { $0 + 4 + $1.count }
        return BatchHeader.size + (payload + 7) & ~7
    }

    static func encode(_ records: [[UInt8]], firstSequence: UInt64, salt: UInt64) -> [UInt8] {
        let extent = extent(of: records)
        var payload: [UInt8] = []
        payload.reserveCapacity(extent)
        for record in records {
            payload.append(little: UInt32(record.count))
            payload.append(contentsOf: record)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(extent)
        bytes.append(little: BatchHeader.magic)
        bytes.append(little: UInt32(payload.count))
        bytes.append(little: firstSequence)
        bytes.append(little: UInt32(records.count))
        bytes.append(little: payload.checksum(salt: salt))
        bytes.append(little: bytes.checksum(salt: salt))
        bytes.append(little: UInt32(0))
        bytes.append(contentsOf: payload)
        bytes.append(contentsOf: repeatElement(0, count: extent - bytes.count))
        return bytes
    }

    /// The records of a whole batch; nil where the payload is not what was written.
    static func decode(
        _ header: BatchHeader, in bytes: [UInt8], at offset: Int, salt: UInt64
    ) -> [[UInt8]]? {
        guard offset + header.extent <= bytes.count else { return nil }
        let start = offset + BatchHeader.size
        let payload = bytes[start..<start + header.payloadBytes]
        guard payload.checksum(salt: salt) == header.payloadChecksum else { return nil }
        var records: [[UInt8]] = []
        var position = payload.startIndex
        while position + 4 <= payload.endIndex {
            let count = Int(bytes.little(UInt32.self, at: position))
            position += 4
            guard position + count <= payload.endIndex else { return nil }
            records.append(Array(payload[position..<position + count]))
            position += count
        }
        return position == payload.endIndex && records.count == header.records ? records : nil
    }
}

extension [UInt8] {
    mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    func little<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int) -> Integer {
        withUnsafeBytes { bytes in
            Integer(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }
    }
}

extension Sequence<UInt8> {
    func checksum(salt: UInt64) -> UInt32 {
        var checksum = Checksum()
        checksum.update(salt)
        checksum.update(self)
        return checksum.value
    }
}
