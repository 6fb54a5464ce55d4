/// Amounts by resource name, without reservations: what quotas, shares and minimums are made of.
/// Names are sorted; a name without an amount is not there.
package struct ResourceQuantities: Hashable, Sendable {
    package struct Item: Hashable, Sendable {
        package let name: String
        package var amount: Amount

        package init(name: String, amount: Amount) {
            self.name = name
            self.amount = amount
        }
    }

    package private(set) var items: [Item] = []

    package init() {}

    /// Amounts of one name are added; those of nothing or less vanish.
    package init(_ pairs: some Sequence<(String, Amount)>) {
        var items: [Item] = []
        for (name, amount) in pairs { items.append(Item(name: name, amount: amount)) }
        items.sort { $0.name < $1.name }
        for item in items {
            if let last = self.items.last, last.name == item.name {
                self.items[self.items.count - 1].amount += item.amount
            } else {
                self.items.append(item)
            }
        }
        self.items.removeAll { $0.amount <= .zero }
    }

    package var isEmpty: Bool { items.isEmpty }

    /// Zero for a name that is not there; setting zero or less removes it.
    package subscript(name: String) -> Amount {
        get {
            let place = place(of: name)
            return place < items.count && items[place].name == name ? items[place].amount : .zero
        }
        set {
            let place = place(of: name)
            let isThere = place < items.count && items[place].name == name
            switch (isThere, newValue > .zero) {
            case (true, true): items[place].amount = newValue
            case (true, false): items.remove(at: place)
            case (false, true): items.insert(Item(name: name, amount: newValue), at: place)
            case (false, false): break
            }
        }
    }

    /// Whether there is at least as much of every name.
    package func contains(_ other: ResourceQuantities) -> Bool {
        other.items.allSatisfy { self[$0.name] >= $0.amount }
    }

    package static func + (
        left: ResourceQuantities, right: ResourceQuantities
    ) -> ResourceQuantities {
        merged(left, right) { $0 + $1 }
    }

    /// The rest, of each name never less than nothing.
    package static func - (
        left: ResourceQuantities, right: ResourceQuantities
    ) -> ResourceQuantities {
        merged(left, right) { $0 - $1 }
    }

    package static func += (left: inout ResourceQuantities, right: ResourceQuantities) {
        left = left + right
    }

    package static func -= (left: inout ResourceQuantities, right: ResourceQuantities) {
        left = left - right
    }

    private static func merged(
        _ left: ResourceQuantities, _ right: ResourceQuantities,
        by combine: (Amount, Amount) -> Amount
    ) -> ResourceQuantities {
        var result = ResourceQuantities()
        result.items.reserveCapacity(max(left.items.count, right.items.count))
        func append(_ name: String, _ amount: Amount) {
            if amount > .zero { result.items.append(Item(name: name, amount: amount)) }
        }
        var (i, j) = (0, 0)
        while i < left.items.count || j < right.items.count {
            let mine = i < left.items.count ? left.items[i] : nil
            let theirs = j < right.items.count ? right.items[j] : nil
            if let mine, theirs.map({ mine.name < $0.name }) ?? true {
                append(mine.name, combine(mine.amount, .zero))
                i += 1
            } else if let theirs, mine.map({ theirs.name < $0.name }) ?? true {
                append(theirs.name, combine(.zero, theirs.amount))
                j += 1
            } else if let mine, let theirs {
                append(mine.name, combine(mine.amount, theirs.amount))
                i += 1
                j += 1
            }
        }
        return result
    }

    /// The place of a name, or where it would be inserted.
    private func place(of name: String) -> Int {
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if items[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension ResourceQuantities {
    /// `cpus:1;mem:32`; scalars only.
    package init(parsing text: String) throws(Refusal) {
        var pairs: [(String, Amount)] = []
        for part in text.split(separator: ";") {
            let sides = part.split(separator: ":", omittingEmptySubsequences: false)
            guard sides.count == 2, let amount = Amount(parsing: sides[1]) else {
                throw Refusal(.invalid, "'\(part)' is not of the form name:amount")
            }
            let name = String(sides[0].trimmed)
            guard !name.isEmpty, !pairs.contains(where: { $0.0 == name }) else {
                throw Refusal(.invalid, "'\(text)' has a name that is empty or there twice")
            }
            pairs.append((name, amount))
        }
        self.init(pairs)
    }

    /// `cpus:0.01|mem:32`: any one of them is enough; of an empty text, none.
    package static func alternatives(
        parsing text: String
    ) throws(Refusal) -> [ResourceQuantities] {
        var result: [ResourceQuantities] = []
        for part in text.split(separator: "|") where !part.trimmed.isEmpty {
            result.append(try ResourceQuantities(parsing: String(part)))
        }
        return result
    }

    /// `cpus:1;mem:32`, which parses back.
    package var text: String {
        items.map { "\($0.name):\($0.amount.text)" }.joined(separator: ";")
    }
}
