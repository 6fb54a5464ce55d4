/// A collection of resources in which adding, subtracting and containment cost the same however
/// many volumes it holds. Iteration follows the slots, which the same history always fills alike:
/// a new piece comes last, and the last one takes the slot of one that goes.
package struct Resources: Sendable {
    /// One piece. `copies` counts the holders of a shared volume, and how often an indivisible
    /// piece
    /// is there in sums over agents; it is 1 for all else.
    package struct Entry: Sendable {
        package var resource: Resource
        package var copies: Int
    }

    /// Each piece with the number of its holders.
    package private(set) var entries: [Entry] = []
    /// Nil below `ResourceIndex.threshold`.
    private(set) var index: ResourceIndex?
    private var names = NameTotals()

    package init() {}

    package init(_ resources: some Sequence<Resource>) {
        entries.reserveCapacity(resources.underestimatedCount)
        for resource in resources { add(resource) }
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// How many distinct pieces.
    package var count: Int { entries.count }

    /// The sum of a name's scalars, ranges and sets counted, over all reservations.
    package func total(of name: String) -> Amount { names[name]?.all ?? .zero }

    /// The part of `total(of:)` that is reserved, statically or dynamically.
    package func reserved(of name: String) -> Amount { names[name]?.reserved ?? .zero }

    /// The part of `total(of:)` that no one has reserved.
    package func unreserved(of name: String) -> Amount {
        guard let totals = names[name] else { return .zero }
        return totals.all - totals.reserved
    }

    /// All names with something of them, sorted.
    package var sortedNames: [String] {
        names.items.filter { $0.all > .zero }.map(\.name).sorted()
    }

    /// Each name with its sum over all reservations and the reserved part of it, in the order in
    /// which the names first came.
    package func forEachTotal(_ body: (_ name: String, _ all: Amount, _ reserved: Amount) -> Void) {
        for item in names.items where item.all > .zero {
            body(item.name, item.all, item.reserved)
        }
    }

    /// The piece of this stuff; the first one where indivisible pieces of several amounts are of
    /// it.
    package func entry(_ key: ResourceKey) -> Entry? {
        if let index { return index.slot(key, in: entries).map { entries[$0] } }
        return entries.first { $0.resource.isSameStuff(as: key.resource) }
    }

    /// Adds one piece; an empty one vanishes. Shared volumes count another holder.
    package mutating func add(_ resource: Resource, copies: Int = 1) {
        guard !resource.value.isEmpty, copies > 0 else { return }
        let hash = index == nil ? 0 : resource.identityHash
        let isDivisible = resource.isDivisible
        guard let slot = slot(of: resource, hash: hash) else {
            append(Entry(resource: resource, copies: isDivisible ? 1 : copies), hash)
            return
        }
        if isDivisible {
            let old = entries[slot].resource.value
            let new = old.adding(resource.value)
            entries[slot].resource.value = new
            account(resource, new.quantity - old.quantity)
        } else {
            entries[slot].copies += copies
            if !resource.isShared { account(resource, resource.value.quantity, copies) }
        }
    }

    /// Removes one piece that `contains` affirms; refuses to change anything otherwise.
    @discardableResult
    package mutating func subtract(_ resource: Resource, copies: Int = 1) -> Bool {
        guard !resource.value.isEmpty, copies > 0 else { return true }
        guard let slot = slot(of: resource), holds(resource, copies, at: slot) else {
            return false
        }
        if resource.isDivisible {
            let old = entries[slot].resource.value
            let rest = old.subtracting(resource.value)
            account(resource, rest.quantity - old.quantity)
            if rest.isEmpty { remove(slot) } else { entries[slot].resource.value = rest }
        } else {
            entries[slot].copies -= copies
            let isGone = entries[slot].copies == 0
            if !resource.isShared {
                account(resource, .zero - resource.value.quantity, copies)
            } else if isGone {
                account(resource, .zero - resource.value.quantity)
            }
            if isGone { remove(slot) }
        }
        return true
    }

    /// Whether this much is there; an indivisible piece only with exactly its amount.
    package func contains(_ resource: Resource, copies: Int = 1) -> Bool {
        guard !resource.value.isEmpty else { return true }
        guard let slot = slot(of: resource) else { return false }
        return holds(resource, copies, at: slot)
    }

    private func holds(_ resource: Resource, _ copies: Int, at slot: Int) -> Bool {
        resource.isDivisible
            ? entries[slot].resource.value.contains(resource.value)
            : entries[slot].copies >= copies
    }

    func slot(of resource: Resource) -> Int? {
        slot(of: resource, hash: index == nil ? 0 : resource.identityHash)
    }

    private func slot(of resource: Resource, hash: Int) -> Int? {
        if let index { return index.slot(of: resource, hash: hash, in: entries) }
        return entries.withUnsafeBufferPointer { entries in
            for slot in entries.indices where entries[slot].resource.isSamePiece(as: resource) {
                return slot
            }
            return nil
        }
    }

    /// Adds a piece of a stuff that is not there yet, as pieces of another collection are not.
    mutating func append(distinct entry: Entry) {
        append(entry, index == nil ? 0 : entry.resource.identityHash)
    }

    /// The same pieces held under another role; they must all be held under one role by now.
    mutating func move(toAllocationRole role: String?) {
        for slot in entries.indices { entries[slot].resource.allocationRole = role }
        if index != nil { index = ResourceIndex(entries) }
    }

    private mutating func append(_ entry: Entry, _ hash: Int) {
        entries.append(entry)
        let times = entry.resource.isShared ? 1 : entry.copies
        account(entry.resource, entry.resource.value.quantity, times)
        if index != nil {
            index?.append(entry.resource, hash: hash)
        } else if entries.count >= ResourceIndex.threshold {
            index = ResourceIndex(entries)
        }
    }

    private mutating func remove(_ slot: Int) {
        if index != nil, let last = entries.last {
            index?.remove(entries[slot].resource, at: slot, last: last.resource)
        }
        entries.swapAt(slot, entries.count - 1)
        entries.removeLast()
        if entries.isEmpty {
            names = NameTotals()
            index = nil
        }
    }

    private mutating func account(_ resource: Resource, _ difference: Amount, _ times: Int = 1) {
        names.add(
            resource.name, difference.multiplied(by: times),
            isReserved: !resource.reservations.isEmpty)
    }
}

extension Resources: Sequence {
    package struct Iterator: IteratorProtocol, Sendable {
        private let entries: [Entry]
        private var position = 0

        init(_ entries: [Entry]) { self.entries = entries }

        package mutating func next() -> Resource? {
            guard position < entries.count else { return nil }
            defer { position += 1 }
            return entries[position].resource
        }
    }

    /// Each piece once, a shared volume too.
    package func makeIterator() -> Iterator { Iterator(entries) }

    package var underestimatedCount: Int { entries.count }
}
