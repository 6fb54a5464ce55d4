/// A collection of resources, indexed by what they are: adding, subtracting and containment cost
/// the same however many volumes it holds. Iteration follows the order of the slots, which the same
/// history always fills alike.
package struct Resources: Sendable {
    /// One piece of stuff. `copies` counts the holders of a shared volume; it is 1 for all else.
    package struct Entry: Sendable {
        package var resource: Resource
        package var copies: Int
    }

    private var slots: [Entry?] = []
    private var free: [Int] = []
    private var index: [ResourceKey: Int] = [:]
    private var names: [String: Amount] = [:]

    package init() {}

    package init(_ resources: some Sequence<Resource>) {
        for resource in resources { add(resource) }
    }

    package var isEmpty: Bool { index.isEmpty }

    /// How many distinct pieces.
    package var count: Int { index.count }

    /// The sum of a name's scalars, ranges and sets counted, over all reservations.
    package func total(of name: String) -> Amount { names[name] ?? .zero }

    /// All names with something of them, sorted.
    package var sortedNames: [String] { names.keys.sorted() }

    package func entry(_ key: ResourceKey) -> Entry? {
        guard let slot = index[key] else { return nil }
        return slots[slot]
    }

    /// The persistent volume of this name, if it is among them.
    package func volume(_ name: VolumeName) -> Resource? {
        first { $0.volumeName == name }
    }

    /// Adds one piece; an empty one vanishes. Shared volumes count another holder.
    package mutating func add(_ resource: Resource, copies: Int = 1) {
        guard !resource.value.isEmpty, copies > 0 else { return }
        let key = ResourceKey(resource)
        guard let slot = index[key] else {
            insert(Entry(resource: resource, copies: resource.isShared ? copies : 1), key)
            return
        }
        guard var entry = slots[slot] else { return }
        if resource.isShared {
            entry.copies += copies
        } else {
            account(entry.resource, minus: true)
            entry.resource.value = entry.resource.value.adding(resource.value)
            account(entry.resource, minus: false)
        }
        slots[slot] = entry
    }

    /// Removes one piece that `contains` affirms; refuses to change anything otherwise.
    @discardableResult
    package mutating func subtract(_ resource: Resource, copies: Int = 1) -> Bool {
        guard !resource.value.isEmpty else { return true }
        guard contains(resource, copies: copies) else { return false }
        let key = ResourceKey(resource)
        guard let slot = index[key], var entry = slots[slot] else { return false }
        if resource.isShared {
            entry.copies -= copies
            if entry.copies > 0 { slots[slot] = entry } else { remove(slot, key, entry) }
            return true
        }
        let rest = entry.resource.value.subtracting(resource.value)
        guard !rest.isEmpty else {
            remove(slot, key, entry)
            return true
        }
        account(entry.resource, minus: true)
        entry.resource.value = rest
        account(entry.resource, minus: false)
        slots[slot] = entry
        return true
    }

    /// Whether this much is there; an indivisible piece only with exactly its amount.
    package func contains(_ resource: Resource, copies: Int = 1) -> Bool {
        guard !resource.value.isEmpty else { return true }
        let key = ResourceKey(resource)
        guard let entry = entry(key) else { return false }
        if resource.isShared {
            return entry.copies >= copies && entry.resource.value == resource.value
        }
        return key.isDivisible
            ? entry.resource.value.contains(resource.value)
            : entry.resource.value == resource.value
    }

    private mutating func insert(_ entry: Entry, _ key: ResourceKey) {
        if let slot = free.popLast() {
            slots[slot] = entry
            index[key] = slot
        } else {
            index[key] = slots.count
            slots.append(entry)
        }
        account(entry.resource, minus: false)
    }

    private mutating func remove(_ slot: Int, _ key: ResourceKey, _ entry: Entry) {
        slots[slot] = nil
        free.append(slot)
        index[key] = nil
        account(entry.resource, minus: true)
    }

    private mutating func account(_ resource: Resource, minus: Bool) {
        let quantity = resource.value.quantity
        let old = names[resource.name] ?? .zero
        let new = minus ? old - quantity : old + quantity
        names[resource.name] = new == .zero ? nil : new
    }
}

extension Resources: Sequence {
    /// Each piece once, a shared volume too.
    package func makeIterator() -> AnyIterator<Resource> {
        var slot = 0
        let slots = self.slots
        return AnyIterator {
            while slot < slots.count {
                defer { slot += 1 }
                if let entry = slots[slot] { return entry.resource }
            }
            return nil
        }
    }

    /// Each piece with the number of its holders.
    package var entries: [Entry] { slots.compactMap(\.self) }
}

extension Resources: Equatable {
    package static func == (left: Resources, right: Resources) -> Bool {
        guard left.index.count == right.index.count else { return false }
        return left.slots.allSatisfy { entry in
            guard let entry else { return true }
            guard let other = right.entry(ResourceKey(entry.resource)) else { return false }
            return other.copies == entry.copies && other.resource.value == entry.resource.value
        }
    }
}

extension Resources {
    package mutating func add(_ other: Resources) {
        for entry in other.entries { add(entry.resource, copies: entry.copies) }
    }

    /// Removes everything of `other`, or nothing.
    @discardableResult
    package mutating func subtract(_ other: Resources) -> Bool {
        guard contains(other) else { return false }
        for entry in other.entries { subtract(entry.resource, copies: entry.copies) }
        return true
    }

    package func contains(_ other: Resources) -> Bool {
        other.entries.allSatisfy { contains($0.resource, copies: $0.copies) }
    }

    package func filter(_ isIncluded: (Resource) -> Bool) -> Resources {
        var result = Resources()
        for entry in entries where isIncluded(entry.resource) {
            result.add(entry.resource, copies: entry.copies)
        }
        return result
    }

    /// The same stuff held under an allocation role; nil: under none.
    package func allocated(to role: String?) -> Resources {
        var result = Resources()
        for entry in entries {
            result.add(entry.resource.with(allocationRole: role), copies: entry.copies)
        }
        return result
    }

    /// Without reservation, volume and allocation: what an agent's sum is compared by.
    package var bare: Resources {
        var result = Resources()
        for resource in self {
            var plain = Resource(
                resource.name, resource.value, isRevocable: resource.isRevocable,
                providerID: resource.providerID)
            if let source = resource.disk?.source { plain.disk = Disk(source: source) }
            result.add(plain)
        }
        return result
    }

    package func adding(_ other: Resources) -> Resources {
        var copy = self
        copy.add(other)
        return copy
    }

    /// What is left after removing `other`, or nil when it is not all there.
    package func subtracting(_ other: Resources) -> Resources? {
        var copy = self
        return copy.subtract(other) ? copy : nil
    }
}
