import MachineCore

/// Damage to bytes that a seed determines.
enum Mutation {
    /// One to four small changes: a bit, a byte, a piece dropped, doubled, moved, or a hard value.
    static func of(_ bytes: [UInt8], with random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(4) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            let end = min(bytes.count, place + 1 + random.below(12))
            switch random.below(7) {
            case 0: bytes[place] ^= 1 << UInt8(random.below(8))
            case 1: bytes[place] = UInt8(random.below(256))
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
            case 4: bytes.removeSubrange(place...)
            case 5: bytes.insert(contentsOf: hard[random.below(hard.count)].utf8, at: place)
            default: bytes.replaceSubrange(place..<end, with: hard[random.below(hard.count)].utf8)
            }
        }
        return bytes
    }

    private static let hard = [
        "1e300", "-1", "null", "NaN", "9223372036854775808", "\\ud800", "[[[[", "{}", "\"\"", "0.0",
        "\u{0}", "1e-400", "{\"type\":", "true", "\"Infinity\"", "18446744073709551616", ",,", ":",
    ]
}
