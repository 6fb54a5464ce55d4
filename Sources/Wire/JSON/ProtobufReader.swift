/// Reads fields in protobuf's wire form.
struct ProtobufReader {
    /// The bytes are not a message in wire form.
    struct Malformed: Error {}

    let bytes: [UInt8]
    private(set) var position: Int
    let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position >= end }

    mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end, shift < 64 {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw Malformed()
    }

    mutating func fixed64() throws(Malformed) -> UInt64 {
        guard end - position >= 8 else { throw Malformed() }
        var value: UInt64 = 0
        for byte in bytes[position..<position + 8].reversed() { value = value << 8 | UInt64(byte) }
        position += 8
        return value
    }

    mutating func delimited() throws(Malformed) -> Range<Int> {
        let length = try varint()
        guard length <= UInt64(end - position) else { throw Malformed() }
        let start = position
        position += Int(length)
        return start..<position
    }

    /// One field: its number, its wire type and where its content is.
    mutating func field() throws(Malformed) -> (number: Int, type: UInt64, content: Range<Int>) {
        let tag = try varint()
        guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw Malformed() }
        let start = position
        let content: Range<Int>
        switch tag & 7 {
        case 0:
            _ = try varint()
            content = start..<position
        case 1:
            _ = try fixed64()
            content = start..<position
        case 2: content = try delimited()
        case 5:
            guard end - position >= 4 else { throw Malformed() }
            position += 4
            content = start..<position
        default: throw Malformed()
        }
        return (Int(tag >> 3), tag & 7, content)
    }
}
