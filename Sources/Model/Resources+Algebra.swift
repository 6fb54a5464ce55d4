extension Resources: Equatable {
    package static func == (left: Resources, right: Resources) -> Bool {
        guard left.entries.count == right.entries.count else { return false }
        return left.entries.allSatisfy { entry in
            guard let slot = right.slot(of: entry.resource) else { return false }
            return right.entries[slot].copies == entry.copies
                && right.entries[slot].resource.value == entry.resource.value
        }
    }
}

extension Resources {
    package mutating func add(_ other: Resources) {
        if isEmpty {
            self = other
            return
        }
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
            result.append(distinct: entry)
        }
        return result
    }

    /// The same stuff held under an allocation role; nil: under none.
    package func allocated(to role: String?) -> Resources {
        let current = entries.first?.resource.allocationRole
        if entries.allSatisfy({ $0.resource.allocationRole == current }) {
            if current == role { return self }
            var result = self
            result.move(toAllocationRole: role)
            return result
        }
        var result = Resources()
        for entry in entries {
            result.add(entry.resource.with(allocationRole: role), copies: entry.copies)
        }
        return result
    }

    /// Without reservation, volume and allocation: what an agent's sum is compared by. Of a shared
    /// volume its disk once, as it takes disk once.
    package var bare: Resources {
        var result = Resources()
        for entry in entries {
            let resource = entry.resource
            var plain = Resource(
                resource.name, resource.value, isRevocable: resource.isRevocable,
                providerID: resource.providerID)
            if let source = resource.disk?.source { plain.disk = Disk(source: source) }
            result.add(plain, copies: resource.isShared ? 1 : entry.copies)
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
