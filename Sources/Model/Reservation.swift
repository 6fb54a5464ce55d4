/// Key and value pairs whose order does not matter: kept sorted, so that equality is a multiset's.
package struct Labels: Hashable, Sendable {
    package struct Label: Hashable, Comparable, Sendable {
        package let key: String
        package let value: String?

        package init(_ key: String, _ value: String?) {
            self.key = key
            self.value = value
        }

        package static func < (left: Label, right: Label) -> Bool {
            if left.key != right.key { return left.key < right.key }
            guard let mine = left.value else { return right.value != nil }
            guard let theirs = right.value else { return false }
            return mine < theirs
        }
    }

    package let sorted: [Label]

    package init(_ labels: [Label] = []) { sorted = labels.sorted() }

    package var isEmpty: Bool { sorted.isEmpty }
}

/// One level of a reservation stack.
package struct Reservation: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case fixed, dynamic }

    /// `fixed` is what Mesos calls STATIC: from `--resources`, never changed by a call.
    package var kind: Kind
    package var role: String
    package var principal: String?
    package var labels: Labels

    package init(
        _ kind: Kind = .dynamic, role: String, principal: String? = nil, labels: Labels = Labels()
    ) {
        self.kind = kind
        self.role = role
        self.principal = principal
        self.labels = labels
    }
}
