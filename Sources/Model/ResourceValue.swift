/// What a resource holds: an amount, ranges of numbers, or a set of names (kept sorted).
package enum ResourceValue: Hashable, Sendable {
    case scalar(Amount)
    case ranges(Ranges)
    case set([String])

    package var kind: Kind {
        switch self {
        case .scalar: .scalar
        case .ranges: .ranges
        case .set: .set
        }
    }

    package enum Kind: Hashable, Sendable { case scalar, ranges, set }

    package var isEmpty: Bool {
        switch self {
        case .scalar(let amount): amount <= .zero
        case .ranges(let ranges): ranges.isEmpty
        case .set(let items): items.isEmpty
        }
    }

    /// False also for values of different kinds.
    package func contains(_ other: ResourceValue) -> Bool {
        switch (self, other) {
        case (.scalar(let mine), .scalar(let theirs)): mine >= theirs
        case (.ranges(let mine), .ranges(let theirs)): mine.contains(theirs)
        case (.set(let mine), .set(let theirs)): Set(mine).isSuperset(of: theirs)
        case (.scalar, _), (.ranges, _), (.set, _): false
        }
    }

    /// The sum; a value of another kind leaves this one as it is.
    package func adding(_ other: ResourceValue) -> ResourceValue {
        switch (self, other) {
        case (.scalar(let mine), .scalar(let theirs)): .scalar(mine + theirs)
        case (.ranges(let mine), .ranges(let theirs)): .ranges(mine + theirs)
        case (.set(let mine), .set(let theirs)): .set(Set(mine).union(theirs).sorted())
        case (.scalar, _), (.ranges, _), (.set, _): self
        }
    }

    /// The rest, never below nothing; a value of another kind leaves this one as it is.
    package func subtracting(_ other: ResourceValue) -> ResourceValue {
        switch (self, other) {
        case (.scalar(let mine), .scalar(let theirs)): .scalar(max(.zero, mine - theirs))
        case (.ranges(let mine), .ranges(let theirs)): .ranges(mine - theirs)
        case (.set(let mine), .set(let theirs)): .set(Set(mine).subtracting(theirs).sorted())
        case (.scalar, _), (.ranges, _), (.set, _): self
        }
    }

    /// A set of these items, sorted; nil when one occurs twice.
    package init?(items: [String]) {
        let sorted = items.sorted()
        guard zip(sorted, sorted.dropFirst()).allSatisfy({ $0 != $1 }) else { return nil }
        self = .set(sorted)
    }

    /// An amount for comparisons of shares: a range's and a set's is its count.
    package var quantity: Amount {
        switch self {
        case .scalar(let amount): amount
        case .ranges(let ranges):
            Amount(thousandths: Int64(min(ranges.count, 900_000_000_000)) * 1000)
        case .set(let items): Amount(thousandths: Int64(items.count) * 1000)
        }
    }
}
