/// A set of small numbers, kept as bits and listed in ascending order.
struct IndexBits: Sendable {
    private var words: [UInt64] = []

    func contains(_ index: Int) -> Bool {
        index >> 6 < words.count && words[index >> 6] & (1 << UInt64(index & 63)) != 0
    }

    mutating func set(_ index: Int, _ isMember: Bool) {
        if index >> 6 >= words.count {
            guard isMember else { return }
            words.append(contentsOf: repeatElement(0, count: (index >> 6) + 1 - words.count))
        }
        let bit: UInt64 = 1 << UInt64(index & 63)
        if isMember { words[index >> 6] |= bit } else { words[index >> 6] &= ~bit }
    }

    /// All members, ascending.
    var members: [Int] {
        var result: [Int] = []
        for (position, word) in words.enumerated() where word != 0 {
            var rest = word
            while rest != 0 {
                result.append(position << 6 | rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
        return result
    }
}
