package import Model

/// Amounts by resource name, reservations and volumes aside; sorted by name, none of them zero.
package struct ResourceQuantities: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let name: String
        package var amount: Amount
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    package init(_ amounts: [(name: String, amount: Amount)]) {
        for (name, amount) in amounts { add(name, amount) }
    }

    /// The sums of a collection, a shared volume counted once.
    package init(_ resources: Resources) {
        entries = resources.sortedNames.map { Entry(name: $0, amount: resources.total(of: $0)) }
    }

    package var isEmpty: Bool { entries.isEmpty }

    package func amount(of name: String) -> Amount {
        let position = position(of: name)
        guard position < entries.count, entries[position].name == name else { return .zero }
        return entries[position].amount
    }

    /// Adds a signed amount; what comes to zero vanishes.
    package mutating func add(_ name: String, _ amount: Amount) {
        guard amount != .zero else { return }
        let position = position(of: name)
        guard position < entries.count, entries[position].name == name else {
            entries.insert(Entry(name: name, amount: amount), at: position)
            return
        }
        entries[position].amount = entries[position].amount + amount
        if entries[position].amount == .zero { entries.remove(at: position) }
    }

    package mutating func add(_ other: ResourceQuantities) {
        for entry in other.entries { add(entry.name, entry.amount) }
    }

    package mutating func subtract(_ other: ResourceQuantities) {
        for entry in other.entries { add(entry.name, .zero - entry.amount) }
    }

    /// A few names at most: a linear search beats a binary one.
    private func position(of name: String) -> Int {
        var position = 0
        while position < entries.count, entries[position].name < name { position += 1 }
        return position
    }
}
