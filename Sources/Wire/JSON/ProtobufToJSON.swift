/// Turns a message's wire form into Mesos's JSON: fields in the order of their declaration, absent
/// ones with their declared default.
struct ProtobufToJSON {
    private let schema: Schema
    private let input: [UInt8]
    private(set) var output: [UInt8] = []
    /// The fields of the messages that are being written; each message has the top of the stack.
    private var found: [Found] = []

    private struct Found {
        let field: Int
        let type: UInt64
        let content: Range<Int>
    }

    private static let comma = UInt8(ascii: ",")
    private static let colon = UInt8(ascii: ":")

    init(_ input: [UInt8], in schema: Schema) {
        self.schema = schema
        self.input = input
        output.reserveCapacity(input.count * 2)
    }

    mutating func convert(as message: MessageSchema) throws(ProtobufReader.Malformed) {
        try write(message, 0..<input.count, depth: 0)
    }

    private mutating func write(
        _ message: MessageSchema, _ range: Range<Int>, depth: Int
    ) throws(ProtobufReader.Malformed) {
        guard depth <= JSONScanner.depthLimit else { throw ProtobufReader.Malformed() }
        let bottom = found.count
        let present = try collect(message, range)
        output.append(UInt8(ascii: "{"))
        let opening = output.count
        var next = bottom
        let top = found.count
        var wanted = present | message.printedWhenAbsent
        while wanted != 0 {
            let index = wanted.trailingZeroBitCount
            wanted &= wanted - 1
            let field = message.fields[index]
            if output.count > opening { output.append(ProtobufToJSON.comma) }
            output += field.jsonPrefix
            guard present >> UInt64(index) & 1 == 1 else {
                if let whenAbsent = field.jsonWhenAbsent { output += whenAbsent }
                continue
            }
            let first = next
            while next < top, found[next].field == index { next += 1 }
            try write(field, first..<next, depth: depth)
        }
        output.append(UInt8(ascii: "}"))
        found.removeSubrange(bottom...)
    }

    /// Puts a message's fields on the stack, sorted by declaration; bit n: field n is there.
    private mutating func collect(
        _ message: MessageSchema, _ range: Range<Int>
    ) throws(ProtobufReader.Malformed) -> UInt64 {
        var reader = ProtobufReader(input, range)
        let bottom = found.count
        var present: UInt64 = 0
        var isSorted = true
        var last = 0
        while !reader.isAtEnd {
            let item = try reader.field()
            guard let index = message.index(number: item.number) else { continue }
            let field = message.fields[index]
            guard matches(field, item.type) else { continue }
            if case .enumeration(let number) = field.kind, item.type == 0 {
                var value = ProtobufReader(input, item.content)
                let raw = Int32(truncatingIfNeeded: try value.varint())
                // A name of a later version counts as absent.
                guard schema.enumerations[number].json(raw) != nil else { continue }
            }
            if index < last { isSorted = false }
            last = index
            present |= 1 << UInt64(index)
            found.append(Found(field: index, type: item.type, content: item.content))
        }
        if !isSorted {
            found[bottom...].sort {
                ($0.field, $0.content.lowerBound) < ($1.field, $1.content.lowerBound)
            }
        }
        return present
    }

    private func matches(_ field: FieldSchema, _ type: UInt64) -> Bool {
        switch field.kind {
        case .double: type == 1 || field.isRepeated && type == 2
        case .int32, .int64, .uint32, .uint64, .bool, .enumeration:
            type == 0 || field.isRepeated && type == 2
        case .string, .bytes, .message, .map: type == 2
        }
    }

    private mutating func write(
        _ field: FieldSchema, _ items: Range<Int>, depth: Int
    ) throws(ProtobufReader.Malformed) {
        if case .map(let number) = field.kind {
            return try writeMap(schema.messages[number], items, depth: depth)
        }
        guard field.isRepeated else {
            // Of several the last one counts, as in protobuf.
            return try write(field.kind, found[items.upperBound - 1].content, depth: depth)
        }
        output.append(UInt8(ascii: "["))
        let opening = output.count
        for index in items {
            let item = found[index]
            if item.type == 2, isPackable(field.kind) {
                var packed = ProtobufReader(input, item.content)
                while !packed.isAtEnd {
                    let start = packed.position
                    _ = field.kind == .double ? try packed.fixed64() : try packed.varint()
                    if output.count > opening { output.append(ProtobufToJSON.comma) }
                    try write(field.kind, start..<packed.position, depth: depth)
                }
            } else {
                if output.count > opening { output.append(ProtobufToJSON.comma) }
                try write(field.kind, item.content, depth: depth)
            }
        }
        output.append(UInt8(ascii: "]"))
    }

    private func isPackable(_ kind: FieldKind) -> Bool {
        switch kind {
        case .double, .int32, .int64, .uint32, .uint64, .bool, .enumeration: true
        case .string, .bytes, .message, .map: false
        }
    }

    /// Entries sorted by key, so that equal messages give equal text.
    private mutating func writeMap(
        _ entry: MessageSchema, _ items: Range<Int>, depth: Int
    ) throws(ProtobufReader.Malformed) {
        var pairs: [(key: ArraySlice<UInt8>, value: Range<Int>)] = []
        for index in items {
            var reader = ProtobufReader(input, found[index].content)
            var key = input[0..<0]
            var value = 0..<0
            while !reader.isAtEnd {
                let item = try reader.field()
                if item.number == 1, item.type == 2 { key = input[item.content] }
                if item.number == 2, item.type == 2 { value = item.content }
            }
            pairs.append((key, value))
        }
        pairs.sort { $0.key.lexicographicallyPrecedes($1.key) }
        output.append(UInt8(ascii: "{"))
        let opening = output.count
        for pair in pairs {
            if output.count > opening { output.append(ProtobufToJSON.comma) }
            JSONText.append(string: pair.key, to: &output)
            output.append(ProtobufToJSON.colon)
            try write(entry.fields[1].kind, pair.value, depth: depth)
        }
        output.append(UInt8(ascii: "}"))
    }

    private mutating func write(
        _ kind: FieldKind, _ content: Range<Int>, depth: Int
    ) throws(ProtobufReader.Malformed) {
        var reader = ProtobufReader(input, content)
        switch kind {
        case .double:
            JSONText.append(Double(bitPattern: try reader.fixed64()), to: &output)
        case .int32, .int64:
            JSONText.append(Int64(bitPattern: try reader.varint()), to: &output)
        case .uint32, .uint64: JSONText.append(try reader.varint(), to: &output)
        case .bool: output += try reader.varint() == 0 ? "false".utf8 : "true".utf8
        case .enumeration(let number):
            let raw = Int32(truncatingIfNeeded: try reader.varint())
            output += schema.enumerations[number].json(raw) ?? Array("null".utf8)
        case .string: JSONText.append(string: input[content], to: &output)
        case .bytes:
            output.append(UInt8(ascii: "\""))
            Base64.encode(input[content], into: &output)
            output.append(UInt8(ascii: "\""))
        case .message(let number), .map(let number):
            try write(schema.messages[number], content, depth: depth + 1)
        }
    }
}
