/// A scalar quantity in thousandths, as Mesos rounds them: 1.0 cpus are 1,000.
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

    package var value: Double {
        Double(thousandths / 1000) + Double(thousandths % 1000) / 1000
    }

    package static let zero = Amount(thousandths: 0)

    package static func < (left: Amount, right: Amount) -> Bool {
        left.thousandths < right.thousandths
    }

    package static func + (left: Amount, right: Amount) -> Amount {
        Amount(thousandths: left.thousandths &+ right.thousandths)
    }

    package static func - (left: Amount, right: Amount) -> Amount {
        Amount(thousandths: left.thousandths &- right.thousandths)
    }
}
