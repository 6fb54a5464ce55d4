import Model

/// Reads JSON from left to right in time proportional to its length; nesting is bounded by its user
/// and by `skipValue`. Every failure names the line and the place.
struct JSONScanner {
    /// Values may be nested this deep, as in protobuf's own readers.
    static let depthLimit = 100

    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next byte that is not a space; nil at the end.
    mutating func peek() -> UInt8? {
        while position < bytes.count {
            let byte = bytes[position]
            if byte > 0x20 { return byte }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position += 1
        }
        return nil
    }

    /// Takes the byte if it is the next one that is not a space.
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(Refusal) {
        guard take(byte) else { throw syntaxError() }
    }

    mutating func expectEnd() throws(Refusal) {
        guard peek() == nil else { throw syntaxError() }
    }

    mutating func literal(_ text: StaticString) throws(Refusal) {
        let length = text.utf8CodeUnitCount
        let matches = text.withUTF8Buffer { bytes[position...].prefix(length).elementsEqual($0) }
        guard matches else { throw syntaxError() }
        position += length
    }

    /// The text of a number, as RFC 8259 allows it.
    mutating func number() throws(Refusal) -> ArraySlice<UInt8> {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[position - whole] != UInt8(ascii: "0") else {
            throw syntaxError()
        }
        if current == UInt8(ascii: ".") {
            position += 1
            guard digits() > 0 else { throw syntaxError() }
        }
        if let exponent = current, exponent | 0x20 == UInt8(ascii: "e") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            guard digits() > 0 else { throw syntaxError() }
        }
        return bytes[start..<position]
    }

    /// The number that is the whole of a string's content; nil when that is something else.
    static func wholeNumber(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var scanner = JSONScanner(Array(text))
        guard let token = try? scanner.number(), scanner.position == text.count else { return nil }
        return token
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func digits() -> Int {
        let start = position
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            position += 1
        }
        return position - start
    }

    /// The content of a string; without escapes it is a slice of the input, not a copy.
    mutating func string() throws(Refusal) -> ArraySlice<UInt8> {
        try expect(UInt8(ascii: "\""))
        let start = position
        var isASCII = true
        while let byte = current {
            if byte == UInt8(ascii: "\"") {
                let content = bytes[start..<position]
                if !isASCII { try checkUTF8(content) }
                position += 1
                return content
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw syntaxError() }
            if byte >= 0x80 { isASCII = false }
            position += 1
        }
        throw syntaxError()
    }

    private mutating func escapedString(from start: Int) throws(Refusal) -> ArraySlice<UInt8> {
        var content = Array(bytes[start..<position])
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                try checkUTF8(content[...])
                return content[...]
            case UInt8(ascii: "\\"): try escape(into: &content)
            case 0..<0x20:
                position -= 1
                throw syntaxError()
            default: content.append(byte)
            }
        }
        throw syntaxError()
    }

    private mutating func escape(into content: inout [UInt8]) throws(Refusal) {
        guard let letter = current else { throw syntaxError() }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(letter)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content += try escapedScalar().utf8
        default:
            position -= 1
            throw syntaxError()
        }
    }

    /// What follows `\u`: four digits, or a pair of surrogates.
    private mutating func escapedScalar() throws(Refusal) -> String {
        let first = try hexadecimal()
        if first & 0xFC00 == 0xD800 {
            try literal("\\u")
            let second = try hexadecimal()
            guard second & 0xFC00 == 0xDC00,
                let scalar = Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
            else { throw syntaxError() }
            return String(scalar)
        }
        guard let scalar = Unicode.Scalar(first) else { throw syntaxError() }
        return String(scalar)
    }

    private mutating func hexadecimal() throws(Refusal) -> UInt32 {
        guard bytes.count - position >= 4 else { throw syntaxError() }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw syntaxError()
            }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }

    private func checkUTF8(_ content: ArraySlice<UInt8>) throws(Refusal) {
        guard String(validating: content, as: UTF8.self) != nil else {
            throw Refusal(
                .invalid, "Failed to parse body into JSON: a string at line \(line) is not UTF-8")
        }
    }

    /// Reads over a value that nobody wants, checking its form.
    mutating func skipValue(depth: Int) throws(Refusal) {
        guard depth < JSONScanner.depthLimit else { throw tooDeep() }
        switch peek() {
        case UInt8(ascii: "{"):
            position += 1
            if take(UInt8(ascii: "}")) { return }
            repeat {
                _ = try string()
                try expect(UInt8(ascii: ":"))
                try skipValue(depth: depth + 1)
            } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            position += 1
            if take(UInt8(ascii: "]")) { return }
            repeat { try skipValue(depth: depth + 1) } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"))
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: _ = try number()
        }
    }

    private var line: Int {
        1 + bytes.prefix(position).reduce(0) { $1 == 0x0A ? $0 + 1 : $0 }
    }

    /// Mesos's words: the line, and what stands there.
    func syntaxError() -> Refusal {
        let rest = bytes[position...].prefix(64).prefix { $0 != 0x0A }.filter { $0 >= 0x20 }
        return Refusal(
            .invalid,
            "Failed to parse body into JSON: syntax error at line \(line) near: "
                + String(decoding: rest, as: UTF8.self))
    }

    func tooDeep() -> Refusal {
        Refusal(
            .invalid,
            "Failed to parse body into JSON: nested deeper than \(JSONScanner.depthLimit) levels")
    }
}
