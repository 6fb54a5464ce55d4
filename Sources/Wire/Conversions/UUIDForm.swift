package import Model

private let hexadecimal = Array("0123456789abcdef".utf8)

/// A UUID's 36 characters, as the cores have it, from its sixteen bytes on the wire; nil for
/// another number of bytes.
package func uuidText(_ bytes: some Collection<UInt8>) -> String? {
    guard bytes.count == 16 else { return nil }
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for (index, byte) in bytes.enumerated() {
        if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
        text.append(hexadecimal[Int(byte >> 4)])
        text.append(hexadecimal[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// A UUID's sixteen bytes; of a text that is no UUID (a simulation's) its own bytes.
package func uuidBytes(_ text: String) -> [UInt8] {
    let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }
    guard text.utf8.count == 36, digits.count == 32 else { return Array(text.utf8) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    for index in stride(from: 0, to: 32, by: 2) {
        guard let high = hexadecimalValue(digits[index]),
            let low = hexadecimalValue(digits[index + 1])
        else { return Array(text.utf8) }
        bytes.append(high << 4 | low)
    }
    return bytes
}

/// The text, or `invalid` in Mesos's words.
package func checkedUUID(_ bytes: some Collection<UInt8>) throws(Refusal) -> String {
    guard let text = uuidText(bytes) else { throw Refusal(.invalid, "Not a valid UUID") }
    return text
}

private func hexadecimalValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
