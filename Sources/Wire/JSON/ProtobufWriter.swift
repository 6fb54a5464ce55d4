/// Appends fields in protobuf's wire form.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    /// The wire types that Mesos's messages need.
    enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case delimited = 2
    }

    mutating func tag(_ number: Int, _ type: WireType) {
        varint(UInt64(number) << 3 | type.rawValue)
    }

    mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    mutating func double(_ value: Double) {
        var bits = value.bitPattern
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: bits))
            bits >>= 8
        }
    }

    mutating func delimited(_ content: some Collection<UInt8>) {
        varint(UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    /// Appends fields that are written already; room for `capacity` bytes more is made at once.
    mutating func append(_ fields: [UInt8], capacity: Int = 0) {
        if capacity > 0 { bytes.reserveCapacity(bytes.count + fields.count + capacity) }
        bytes.append(contentsOf: fields)
    }

    /// Starts a message in the message; the result goes to `close`.
    mutating func open() -> Int {
        bytes.append(0)
        return bytes.count
    }

    /// Ends it: most messages are shorter than 128 bytes, and their length fits the byte kept free.
    mutating func close(_ start: Int) {
        let length = bytes.count - start
        guard length >= 0x80 else {
            bytes[start - 1] = UInt8(length)
            return
        }
        var header = ProtobufWriter()
        header.varint(UInt64(length))
        bytes.replaceSubrange(start - 1..<start, with: header.bytes)
    }

    /// Takes back what was written after the mark.
    mutating func truncate(to mark: Int) { bytes.removeSubrange(mark...) }
}
