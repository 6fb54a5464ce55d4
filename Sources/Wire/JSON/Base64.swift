/// Base64 as RFC 4648 has it; reading takes the URL alphabet and missing padding, too.
enum Base64 {
    /// A byte that does not belong there.
    struct InvalidByte: Error { let byte: UInt8 }

    private static let letters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    static func encode(_ bytes: ArraySlice<UInt8>, into output: inout [UInt8]) {
        var index = bytes.startIndex
        let end = bytes.endIndex
        while end - index >= 3 {
            let group =
                Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8 | Int(bytes[index + 2])
            for shift in [18, 12, 6, 0] { output.append(letters[group >> shift & 63]) }
            index += 3
        }
        let padding = UInt8(ascii: "=")
        switch end - index {
        case 1:
            let group = Int(bytes[index]) << 16
            output += [letters[group >> 18], letters[group >> 12 & 63], padding, padding]
        case 2:
            let group = Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8
            output += [
                letters[group >> 18], letters[group >> 12 & 63], letters[group >> 6 & 63], padding,
            ]
        default: break
        }
    }

    static func decode(_ text: ArraySlice<UInt8>) throws(InvalidByte) -> [UInt8] {
        var text = text
        var padding = 0
        while padding < 2, text.last == UInt8(ascii: "=") {
            text.removeLast()
            padding += 1
        }
        var output: [UInt8] = []
        output.reserveCapacity(text.count * 3 / 4)
        var group: UInt32 = 0
        var count = 0
        for byte in text {
            let value = values[Int(byte)]
            guard value != 0xFF else { throw InvalidByte(byte: byte) }
            group = group << 6 | UInt32(value)
            count += 1
            if count & 3 == 0 {
                output.append(UInt8(truncatingIfNeeded: group >> 16))
                output.append(UInt8(truncatingIfNeeded: group >> 8))
                output.append(UInt8(truncatingIfNeeded: group))
            }
        }
        switch count & 3 {
        case 2: output.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3:
            output.append(UInt8(truncatingIfNeeded: group >> 10))
            output.append(UInt8(truncatingIfNeeded: group >> 2))
        case 1: throw InvalidByte(byte: UInt8(ascii: "="))
        default: break
        }
        return output
    }
}
