/// JSON objects of texts and whole numbers only: all that an owner file needs.
enum FlatJSON {
    enum Value: Hashable, Sendable {
        case text(String)
        case number(Int64)
    }

    /// One member a line, in the order given.
    static func encode(_ members: [(String, Value)]) -> [UInt8] {
        let lines = members.map { key, value in
            switch value {
            case .text(let text): "  \(quoted(key)): \(quoted(text))"
            case .number(let number): "  \(quoted(key)): \(number)"
            }
        }
        return Array("{\n\(lines.joined(separator: ",\n"))\n}\n".utf8)
    }

    /// Nil for anything else than such an object; of a member given twice the last counts.
    static func decode(_ bytes: [UInt8]) -> [String: Value]? {
        var reader = Reader(bytes)
        return reader.object()
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }

    private struct Reader {
        private let bytes: [UInt8]
        private var position = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func object() -> [String: Value]? {
            var members: [String: Value] = [:]
            guard take("{") else { return nil }
            if !take("}") {
                repeat {
                    guard let key = text(), take(":"), let value = value() else { return nil }
                    members[key] = value
                } while take(",")
                guard take("}") else { return nil }
            }
            skipSpace()
            return position == bytes.count ? members : nil
        }

        private mutating func skipSpace() {
            while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) {
                position += 1
            }
        }

        private mutating func take(_ mark: Unicode.Scalar) -> Bool {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: mark) else {
                return false
            }
            position += 1
            return true
        }

        private mutating func value() -> Value? {
            skipSpace()
            guard position < bytes.count else { return nil }
            if bytes[position] == UInt8(ascii: "\"") { return text().map { .text($0) } }
            let start = position
            while position < bytes.count,
                bytes[position] == UInt8(ascii: "-") || (0x30...0x39).contains(bytes[position])
            {
                position += 1
            }
            return Int64(String(decoding: bytes[start..<position], as: UTF8.self))
                .map { .number($0) }
        }

        private mutating func text() -> String? {
            guard take("\"") else { return nil }
            var result: [UInt8] = []
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                switch byte {
                case UInt8(ascii: "\""): return String(validating: result, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let escaped = escape() else { return nil }
                    result.append(contentsOf: String(escaped).utf8)
                default: result.append(byte)
                }
            }
            return nil
        }

        private mutating func escape() -> Unicode.Scalar? {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
                return Unicode.Scalar(byte)
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "u"):
                guard position + 4 <= bytes.count else { return nil }
                let digits = String(decoding: bytes[position..<(position + 4)], as: UTF8.self)
                position += 4
                return UInt32(digits, radix: 16).flatMap { Unicode.Scalar($0) }
            default: return nil
            }
        }
    }
}
