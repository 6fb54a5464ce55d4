internal import Model

/// For whom an offer is made up.
struct OfferTarget {
    let role: String
    let capabilities: FrameworkDescription.Capabilities
    /// What the client has refused of this agent, in unallocated form.
    let refused: [Resources]

    /// Whether a client of these capabilities can make sense of a resource.
    func understands(_ resource: Resource) -> Bool {
        if resource.isRevocable, !capabilities.contains(.revocableResources) { return false }
        if resource.isShared, !capabilities.contains(.sharedResources) { return false }
        if resource.name == "gpus", !capabilities.contains(.gpuResources) { return false }
        return resource.reservations.count < 2 || capabilities.contains(.reservationRefinement)
    }
}

extension AgentState {
    /// Whether there is something that someone might be offered.
    func isOfferable(minimum: [ResourceQuantities]) -> Bool {
        guard isActive else { return false }
        if !reserved.isEmpty || hasIdleShared { return true }
        return !unreserved.isEmpty && AgentState.reaches(minimum) { unreserved.total(of: $0) }
    }

    /// Takes all of the rest that a client may have, in unallocated form; nil: nothing, or nothing
    /// but what it has refused.
    ///
    /// Reserved resources are offered to their role and its subroles however little they are: an
    /// idle volume must be seen to be used or destroyed. The unreserved rest comes only if the whole
    /// offer reaches the minimum, and from an agent with GPUs only to who can use GPUs. A shared
    /// volume that is in use rides along with other resources; alone it would be offered forever.
    mutating func takeOffer(
        for target: OfferTarget, minimum: [ResourceQuantities]
    ) -> [Resource]? {
        var parts: [Resource] = []
        var owners: [String] = []
        if !reserved.isEmpty {
            AgentState.forEachOwner(of: target.role) { owner in
                guard let pool = reserved[owner] else { return }
                let before = parts.count
                for resource in pool where target.understands(resource) { parts.append(resource) }
                if parts.count > before { owners.append(owner) }
            }
        }
        let takesUnreserved = appendUnreserved(to: &parts, target, minimum)
        let sharedFrom = parts.count
        appendShared(to: &parts, target)
        guard !parts.isEmpty,
            !target.refused.contains(where: { refused in parts.allSatisfy { refused.contains($0) } }
            )
        else { return nil }
        for owner in owners {
            let rest = reserved[owner]?.filter { !target.understands($0) }
            reserved[owner] = rest?.isEmpty == false ? rest : nil
        }
        if takesUnreserved { unreserved = unreserved.filter { !target.understands($0) } }
        for resource in parts[sharedFrom...] {
            sharedInUse.add(resource)
            sharedOffered.add(resource)
        }
        return parts
    }

    private func appendUnreserved(
        to parts: inout [Resource], _ target: OfferTarget, _ minimum: [ResourceQuantities]
    ) -> Bool {
        guard !unreserved.isEmpty,
            !hasGPUs || target.capabilities.contains(.gpuResources)
        else { return false }
        let reservedCount = parts.count
        for resource in unreserved where target.understands(resource) { parts.append(resource) }
        let reaches = AgentState.reaches(minimum) { name in
            parts.reduce(.zero) { $1.name == name ? $0 + $1.value.quantity : $0 }
        }
        if !reaches { parts.removeSubrange(reservedCount...) }
        return parts.count > reservedCount
    }

    private func appendShared(to parts: inout [Resource], _ target: OfferTarget) {
        guard !shared.isEmpty else { return }
        let ridesAlong = !parts.isEmpty
        for resource in shared
        where target.understands(resource) && Role.mayUse(target.role, reservedFor: resource.role)
            && !sharedOffered.contains(resource)
            && (ridesAlong || !sharedInUse.contains(resource))
        {
            parts.append(resource)
        }
    }

    /// The role itself, then its ancestors from below.
    private static func forEachOwner(of role: String, _ body: (String) -> Void) {
        body(role)
        var rest = role[...]
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            body(String(rest))
        }
    }

    /// Whether amounts reach at least one of the minima.
    private static func reaches(
        _ minimum: [ResourceQuantities], _ amount: (String) -> Amount
    ) -> Bool {
        minimum.isEmpty
            || minimum.contains { $0.entries.allSatisfy { amount($0.name) >= $0.amount } }
    }
}
