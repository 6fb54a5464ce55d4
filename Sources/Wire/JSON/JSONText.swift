/// Single values as JSON text, in Mesos's form.
enum JSONText {
    private static let hexadecimal = Array("0123456789abcdef".utf8)

    /// UTF-8 text in quotation marks.
    static func append(string: some Collection<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in string {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
            case 0x0A: output += "\\n".utf8
            case 0x0D: output += "\\r".utf8
            case 0x09: output += "\\t".utf8
            case 0..<0x20, 0x7F:
                output += "\\u00".utf8
                output += [hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// Always with a point or an exponent (`8.0`); what JSON has no number for, as a string.
    static func append(_ value: Double, to output: inout [UInt8]) {
        if value.isNaN {
            output += "\"NaN\"".utf8
        } else if value.isInfinite {
            output += value < 0 ? "\"-Infinity\"".utf8 : "\"Infinity\"".utf8
        } else {
            output += value.description.utf8
        }
    }

    static func append(_ value: some BinaryInteger, to output: inout [UInt8]) {
        output += value.description.utf8
    }
}
