/// The text of a JSON number as the numbers that it can stand for.
struct JSONNumber {
    private let text: String
    private let isWhole: Bool

    init(_ bytes: ArraySlice<UInt8>) {
        text = String(decoding: bytes, as: UTF8.self)
        isWhole = bytes.allSatisfy { $0 == UInt8(ascii: "-") || ($0 >= 0x30 && $0 <= 0x39) }
    }

    /// Nil when it is larger than any double.
    var double: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// Nil when it has a fraction or does not fit; `5e9` and `5.0` are whole.
    var signed: Int64? {
        isWhole ? Int64(text) : double.flatMap { Int64(exactly: $0) }
    }

    /// Nil when it is negative, has a fraction or does not fit.
    var unsigned: UInt64? {
        isWhole ? UInt64(text) : double.flatMap { UInt64(exactly: $0) }
    }
}
