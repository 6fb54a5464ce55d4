internal import Model

/// What the allocator knows of one agent: its total, what clients hold of it, and the rest.
///
/// Invariant, unless `isOverallocated`: reserved + unreserved + allocations = total, a shared
/// volume counted once. A shared volume stays in `shared` while clients hold copies of it.
struct AgentState: Sendable {
    var id = AgentID("")
    var isActive = false
    var total = Resources()
    /// What others may borrow of what is reserved, revocable: a part of `total`.
    var lendable = Resources()
    /// What each client holds, in allocated form.
    var allocations: [Int: Resources] = [:]
    /// What nobody holds, by the role that it is reserved for; no pool is empty.
    var reserved: [String: Resources] = [:]
    /// What nobody holds and nobody has reserved.
    var unreserved = Resources()
    /// The total's shared volumes.
    var shared = Resources()
    /// The copies of shared volumes that clients hold.
    var sharedInUse = Resources()
    /// Clients hold more than the agent now says it has.
    var isOverallocated = false

    /// Whether it stands in `Allocator.candidates`.
    var isCandidate = false
    /// Whether every client may want something of it.
    var isDirty = false
    /// Clients that may want something of it, if it is not dirty.
    var waiting: [Int] = []
    /// Shared volumes that were offered in this pass: one offer each.
    var sharedOffered = Resources()

    var hasGPUs: Bool { total.total(of: "gpus") > .zero }

    /// Whether a shared volume is held by nobody.
    var hasIdleShared: Bool { shared.count > sharedInUse.count }

    /// What nobody holds, reservations in the order of their roles.
    var available: Resources {
        var result = unreserved
        for role in reserved.keys.sorted() {
            if let pool = reserved[role] { result.add(pool) }
        }
        for resource in shared where !sharedInUse.contains(resource) { result.add(resource) }
        return result
    }

    /// Whether nobody holds any of this.
    func isAvailable(_ resources: Resources) -> Bool {
        resources.allSatisfy { resource in
            if resource.isShared {
                return shared.contains(resource) && !sharedInUse.contains(resource)
            }
            return resource.reservations.isEmpty
                ? unreserved.contains(resource)
                : reserved[resource.role]?.contains(resource) ?? false
        }
    }

    /// Removes from the rest what someone now holds; what is not there is owed.
    mutating func take(_ resources: Resources) {
        for entry in resources.entries {
            let resource = entry.resource
            if resource.isShared {
                sharedInUse.add(resource, copies: entry.copies)
                if !shared.contains(resource) { isOverallocated = true }
            } else if !subtract(resource, copies: entry.copies) {
                isOverallocated = true
                subtractPart(of: resource)
            }
        }
    }

    /// Adds to the rest what is held no more.
    mutating func give(_ resources: Resources) {
        if isOverallocated { return reckon() }
        for entry in resources.entries {
            let resource = entry.resource
            if resource.isShared {
                sharedInUse.subtract(resource, copies: entry.copies)
            } else {
                add(resource, copies: entry.copies)
            }
        }
    }

    /// Works out the rest anew from the total and what the clients hold.
    mutating func reckon() {
        isOverallocated = false
        reserved = [:]
        unreserved = Resources()
        shared = Resources()
        sharedInUse = Resources()
        for entry in total.entries {
            if entry.resource.isShared {
                shared.add(entry.resource)
            } else {
                add(entry.resource, copies: entry.copies)
            }
        }
        for client in allocations.keys.sorted() {
            if let held = allocations[client] { take(held.allocated(to: nil)) }
        }
    }

    /// Puts a conversion of what nobody holds into effect; it was found available.
    mutating func convertRest(_ conversion: ResourceConversion) {
        for resource in conversion.consumed {
            if resource.isShared { shared.subtract(resource) } else { subtract(resource) }
        }
        for resource in conversion.converted {
            if resource.isShared { shared.add(resource) } else { add(resource) }
        }
    }

    private mutating func add(_ resource: Resource, copies: Int = 1) {
        if resource.reservations.isEmpty {
            unreserved.add(resource, copies: copies)
        } else {
            reserved[resource.role, default: Resources()].add(resource, copies: copies)
        }
    }

    @discardableResult
    private mutating func subtract(_ resource: Resource, copies: Int = 1) -> Bool {
        if resource.reservations.isEmpty { return unreserved.subtract(resource, copies: copies) }
        let role = resource.role
        guard reserved[role]?.subtract(resource, copies: copies) == true else { return false }
        if reserved[role]?.isEmpty == true { reserved[role] = nil }
        return true
    }

    /// Removes as much of it as there is; of an indivisible piece all.
    private mutating func subtractPart(of resource: Resource) {
        let key = ResourceKey(resource)
        let pool = resource.reservations.isEmpty ? unreserved : reserved[resource.role]
        guard let there = pool?.entry(key) else { return }
        subtract(there.resource, copies: there.copies)
        if key.isDivisible {
            add(there.resource.with(there.resource.value.subtracting(resource.value)))
        }
    }
}
