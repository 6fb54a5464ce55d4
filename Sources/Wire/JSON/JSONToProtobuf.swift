import Model

/// Turns a message's JSON into its wire form, in one pass; the errors are worded as Mesos's.
struct JSONToProtobuf {
    private let schema: Schema
    private let root: MessageSchema
    private var scanner: JSONScanner
    private var writer = ProtobufWriter()
    /// Where the reader is: fields, and elements of the repeated ones.
    private var path: [(field: FieldSchema, element: Int?)] = []
    private var missing: [String] = []

    /// How many missing fields an error lists.
    private static let missingLimit = 20

    private init(_ input: [UInt8], _ root: MessageSchema, _ schema: Schema) {
        self.schema = schema
        self.root = root
        scanner = JSONScanner(input)
    }

    static func convert(
        _ input: [UInt8], as root: MessageSchema, in schema: Schema
    ) throws(Refusal) -> [UInt8] {
        var conversion = JSONToProtobuf(input, root, schema)
        guard conversion.scanner.peek() == UInt8(ascii: "{") else {
            try conversion.scanner.skipValue(depth: 0)
            try conversion.scanner.expectEnd()
            throw conversion.failure("Expecting a JSON object")
        }
        try conversion.object(root, depth: 0)
        try conversion.end()
        return conversion.writer.bytes
    }

    /// The messages of an array, each in its wire form.
    static func convert(
        array input: [UInt8], of root: MessageSchema, in schema: Schema
    ) throws(Refusal) -> [[UInt8]] {
        var conversion = JSONToProtobuf(input, root, schema)
        var messages: [[UInt8]] = []
        try conversion.scanner.expect(UInt8(ascii: "["))
        if !conversion.scanner.take(UInt8(ascii: "]")) {
            repeat {
                conversion.writer = ProtobufWriter()
                try conversion.object(root, depth: 1)
                messages.append(conversion.writer.bytes)
            } while conversion.scanner.take(UInt8(ascii: ","))
            try conversion.scanner.expect(UInt8(ascii: "]"))
        }
        try conversion.end()
        return messages
    }

    /// Nothing may follow, and nothing may have been missing.
    private mutating func end() throws(Refusal) {
        try scanner.expectEnd()
        guard missing.isEmpty else {
            throw failure("Missing required fields: " + missing.joined(separator: ", "))
        }
    }

    private func failure(_ text: String) -> Refusal {
        let name = root.name.split(separator: ".").last ?? ""
        return Refusal(.invalid, "Failed to convert JSON into \(name) protobuf: \(text)")
    }

    private mutating func object(_ message: MessageSchema, depth: Int) throws(Refusal) {
        guard depth < JSONScanner.depthLimit else { throw scanner.tooDeep() }
        try scanner.expect(UInt8(ascii: "{"))
        var given: UInt64 = 0
        var present: UInt64 = 0
        if !scanner.take(UInt8(ascii: "}")) {
            repeat {
                let key = try scanner.string()
                try scanner.expect(UInt8(ascii: ":"))
                guard let index = message.index(name: key) else {
                    guard !message.isStrict else { throw unknown(key, of: message) }
                    try scanner.skipValue(depth: depth + 1)
                    continue
                }
                let field = message.fields[index]
                let bit: UInt64 = 1 << UInt64(index)
                guard given & bit == 0 else {
                    throw failure("Field '\(field.name)' is given twice")
                }
                given |= bit
                if try value(field, depth: depth + 1) {
                    present |= bit
                } else if message.isStrict, case .enumeration = field.kind {
                    throw failure("'\(field.name)' has no value of that name")
                }
            } while scanner.take(UInt8(ascii: ","))
            try scanner.expect(UInt8(ascii: "}"))
        }
        let absent = message.required & ~present
        if absent != 0 { note(absent, of: message) }
    }

    private func unknown(_ key: ArraySlice<UInt8>, of message: MessageSchema) -> Refusal {
        let name = String(decoding: key.prefix(64), as: UTF8.self)
        let known = message.fields.map(\.name).joined(separator: ", ")
        return failure("There is no field '\(name)' here: it has \(known)")
    }

    private mutating func note(_ absent: UInt64, of message: MessageSchema) {
        guard missing.count < JSONToProtobuf.missingLimit else { return }
        let prefix = path.map { step in
            step.element.map { "\(step.field.name)[\($0)]." } ?? "\(step.field.name)."
        }.joined()
        for (index, field) in message.fields.enumerated() where absent >> UInt64(index) & 1 == 1 {
            if missing.count < JSONToProtobuf.missingLimit { missing.append(prefix + field.name) }
        }
    }

    /// Writes a field's value; false when there is none.
    private mutating func value(_ field: FieldSchema, depth: Int) throws(Refusal) -> Bool {
        switch scanner.peek() {
        case UInt8(ascii: "n"):
            try scanner.literal("null")
            return false
        case UInt8(ascii: "["):
            guard field.isRepeated, !isMap(field) else { throw mismatch("array", field) }
            try scanner.expect(UInt8(ascii: "["))
            guard !scanner.take(UInt8(ascii: "]")) else { return true }
            var element = 0
            repeat {
                _ = try single(field, element: element, depth: depth + 1)
                element += 1
            } while scanner.take(UInt8(ascii: ","))
            try scanner.expect(UInt8(ascii: "]"))
            return true
        default:
            return try single(field, element: field.isRepeated ? 0 : nil, depth: depth)
        }
    }

    private func isMap(_ field: FieldSchema) -> Bool {
        if case .map = field.kind { return true }
        return false
    }

    private func mismatch(_ what: String, _ field: FieldSchema) -> Refusal {
        failure("Not expecting a JSON \(what) for field '\(field.name)'")
    }

    private mutating func single(
        _ field: FieldSchema, element: Int?, depth: Int
    ) throws(Refusal) -> Bool {
        guard let first = scanner.peek() else { throw scanner.syntaxError() }
        switch first {
        case UInt8(ascii: "{"):
            try message(field, element: element, depth: depth)
        case UInt8(ascii: "["): throw mismatch("array", field)
        case UInt8(ascii: "\""):
            let text = try scanner.string()
            return try string(text, field)
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            let isTrue = first == UInt8(ascii: "t")
            if isTrue { try scanner.literal("true") } else { try scanner.literal("false") }
            guard field.kind == .bool else { throw mismatch("boolean", field) }
            writer.tag(field.number, .varint)
            writer.varint(isTrue ? 1 : 0)
        case UInt8(ascii: "n"):
            try scanner.literal("null")
            return false
        default:
            let text = try scanner.number()
            try number(text, field)
        }
        return true
    }

    private mutating func message(
        _ field: FieldSchema, element: Int?, depth: Int
    ) throws(Refusal) {
        switch field.kind {
        case .message(let number):
            path.append((field, element))
            writer.tag(field.number, .delimited)
            let start = writer.open()
            try object(schema.messages[number], depth: depth)
            writer.close(start)
            path.removeLast()
        case .map(let number):
            try map(field, entry: schema.messages[number], depth: depth)
        case .double, .int32, .int64, .uint32, .uint64, .bool, .string, .bytes, .enumeration:
            throw mismatch("object", field)
        }
    }

    /// An object whose keys are the map's: each pair becomes a message of key (1) and value (2).
    private mutating func map(
        _ field: FieldSchema, entry: MessageSchema, depth: Int
    ) throws(Refusal) {
        guard depth < JSONScanner.depthLimit else { throw scanner.tooDeep() }
        try scanner.expect(UInt8(ascii: "{"))
        guard !scanner.take(UInt8(ascii: "}")) else { return }
        var keys: Set<ArraySlice<UInt8>> = []
        path.append((field, nil))
        repeat {
            let key = try scanner.string()
            try scanner.expect(UInt8(ascii: ":"))
            guard keys.insert(key).inserted else {
                let name = String(decoding: key, as: UTF8.self)
                throw failure("Key '\(name)' of field '\(field.name)' is given twice")
            }
            let mark = writer.bytes.count
            writer.tag(field.number, .delimited)
            let start = writer.open()
            writer.tag(1, .delimited)
            writer.delimited(key)
            if try single(entry.fields[1], element: nil, depth: depth + 1) {
                writer.close(start)
            } else {
                writer.truncate(to: mark)
            }
        } while scanner.take(UInt8(ascii: ","))
        path.removeLast()
        try scanner.expect(UInt8(ascii: "}"))
    }

    /// A string for a string, bytes, an enumeration or a number; false for an unknown name.
    private mutating func string(
        _ text: ArraySlice<UInt8>, _ field: FieldSchema
    ) throws(Refusal) -> Bool {
        switch field.kind {
        case .string:
            writer.tag(field.number, .delimited)
            writer.delimited(text)
        case .bytes:
            let content: [UInt8]
            do { content = try Base64.decode(text) } catch {
                let letter = Character(Unicode.Scalar(error.byte))
                throw failure(
                    "Failed to base64 decode bytes field '\(field.name)': "
                        + "Invalid character '\(letter)'")
            }
            writer.tag(field.number, .delimited)
            writer.delimited(content)
        case .enumeration(let number):
            let name = String(decoding: text, as: UTF8.self)
            guard let value = schema.enumerations[number].number(name) else { return false }
            writer.tag(field.number, .varint)
            writer.varint(UInt64(bitPattern: Int64(value)))
        case .double, .int32, .int64, .uint32, .uint64:
            try numericString(text, field)
        case .bool, .message, .map: throw mismatch("string", field)
        }
        return true
    }

    private mutating func numericString(
        _ text: ArraySlice<UInt8>, _ field: FieldSchema
    ) throws(Refusal) {
        if field.kind == .double, text.elementsEqual("Infinity".utf8) {
            writer.tag(field.number, .fixed64)
            writer.double(.infinity)
            return
        }
        guard let token = JSONScanner.wholeNumber(text) else {
            let shown = String(decoding: text.prefix(64), as: UTF8.self)
            throw failure(
                "Failed to parse '\(shown)' as a JSON number for field '\(field.name)': "
                    + "syntax error at line 1 near: \(shown)")
        }
        try number(token, field)
    }

    private mutating func number(
        _ text: ArraySlice<UInt8>, _ field: FieldSchema
    ) throws(Refusal) {
        let number = JSONNumber(text)
        let varint: UInt64?
        switch field.kind {
        case .double:
            guard let value = number.double else { throw outOfRange(text, field) }
            writer.tag(field.number, .fixed64)
            writer.double(value)
            return
        case .int32:
            varint = number.signed.flatMap { Int32(exactly: $0) }
                .map { UInt64(bitPattern: Int64($0)) }
        case .int64: varint = number.signed.map { UInt64(bitPattern: $0) }
        case .uint32: varint = number.unsigned.flatMap { UInt32(exactly: $0) }.map { UInt64($0) }
        case .uint64: varint = number.unsigned
        case .bool, .string, .bytes, .enumeration, .message, .map:
            throw mismatch("number", field)
        }
        guard let varint else { throw outOfRange(text, field) }
        writer.tag(field.number, .varint)
        writer.varint(varint)
    }

    private func outOfRange(_ text: ArraySlice<UInt8>, _ field: FieldSchema) -> Refusal {
        let shown = String(decoding: text.prefix(64), as: UTF8.self)
        return failure("Number \(shown) does not fit field '\(field.name)'")
    }
}
