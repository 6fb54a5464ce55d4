/// A scalar quantity in thousandths, as Mesos rounds them: 1.0 cpus are 1,000. Sums and differences
/// stop at the ends of Int64 instead of wrapping round.
package struct Amount: Hashable, Comparable, Sendable, AdditiveArithmetic {
    package var thousandths: Int64

    package init(thousandths: Int64) { self.thousandths = thousandths }

    /// The largest amount that is taken from outside: sums of 10,000 of them still fit.
    package static let largest = Amount(thousandths: 900_000_000_000_000)

    /// Rounds to thousandths; nil for no amount: not a number, infinite, negative, too large.
    package init?(_ value: Double) {
        guard value.isFinite, value >= 0, value <= 900_000_000_000 else { return nil }
        thousandths = Int64((value * 1000).rounded())
    }

    /// A decimal number, also with an exponent; nil for anything else, and for what is more than
    /// nothing and would become nothing.
    init?(parsing text: some StringProtocol) {
        let digits = text.trimmed
        guard digits.isDecimal, let value = Double(String(digits)) else { return nil }
        self.init(value)
        if thousandths == 0, value != 0 { return nil }
    }

    package var value: Double {
        Double(thousandths / 1000) + Double(thousandths % 1000) / 1000
    }

    package static let zero = Amount(thousandths: 0)

    package static func < (left: Amount, right: Amount) -> Bool {
        left.thousandths < right.thousandths
    }

    package static func + (left: Amount, right: Amount) -> Amount {
        let (sum, overflow) = left.thousandths.addingReportingOverflow(right.thousandths)
        return Amount(thousandths: overflow ? (right.thousandths > 0 ? .max : .min) : sum)
    }

    package static func - (left: Amount, right: Amount) -> Amount {
        let (rest, overflow) = left.thousandths.subtractingReportingOverflow(right.thousandths)
        return Amount(thousandths: overflow ? (right.thousandths > 0 ? .min : .max) : rest)
    }

    func multiplied(by count: Int) -> Amount {
        if count == 1 { return self }
        let (product, overflow) = thousandths.multipliedReportingOverflow(by: Int64(count))
        return Amount(thousandths: overflow ? (thousandths > 0 ? .max : .min) : product)
    }
}
