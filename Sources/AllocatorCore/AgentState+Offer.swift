internal import Model

/// For whom an offer is made up.
struct OfferTarget {
    let role: String
    let capabilities: FrameworkDescription.Capabilities
    /// What the client has refused of this agent, in unallocated form.
    let refused: [Resources]

    /// Whether one refusal covers all of it.
    func hasRefused(_ parts: [Resources.Entry]) -> Bool {
        refused.contains { refused in
            parts.allSatisfy { refused.contains($0.resource, copies: $0.copies) }
        }
    }

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
    /// idle volume must be seen to be used or destroyed. The unreserved rest comes only if the
    /// whole offer reaches the minimum, and from an agent with GPUs only to who can use GPUs. A
    /// shared volume in use rides along with other resources; alone it would be offered forever.
    mutating func takeOffer(
        for target: OfferTarget, minimum: [ResourceQuantities]
    ) -> [Resources.Entry]? {
        var parts: [Resources.Entry] = []
        var owners: [String] = []
        if !reserved.isEmpty {
            for owner in Role.lineage(of: target.role) {
                guard let pool = reserved[owner] else { continue }
                let before = parts.count
                for entry in pool.entries where target.understands(entry.resource) {
                    parts.append(entry)
                }
                if parts.count > before { owners.append(owner) }
            }
        }
        let takesUnreserved = appendUnreserved(to: &parts, target, minimum)
        let sharedFrom = parts.count
        appendShared(to: &parts, target)
        guard !parts.isEmpty, !target.hasRefused(parts) else { return nil }
        for owner in owners {
            let rest = reserved[owner]?.filter { !target.understands($0) }
            reserved[owner] = rest?.isEmpty == false ? rest : nil
        }
        if takesUnreserved { unreserved = unreserved.filter { !target.understands($0) } }
        for entry in parts[sharedFrom...] {
            sharedInUse.add(entry.resource)
            sharedOffered.add(entry.resource)
        }
        return parts
    }

    private func appendUnreserved(
        to parts: inout [Resources.Entry], _ target: OfferTarget, _ minimum: [ResourceQuantities]
    ) -> Bool {
        guard !unreserved.isEmpty,
            !hasGPUs || target.capabilities.contains(.gpuResources)
        else { return false }
        let reservedCount = parts.count
        for entry in unreserved.entries where target.understands(entry.resource) {
            parts.append(entry)
        }
        let reaches = AgentState.reaches(minimum) { name in
            var sum = Amount.zero
            for entry in parts where entry.resource.name == name {
                sum += entry.resource.value.quantity
            }
            return sum
        }
        if !reaches { parts.removeSubrange(reservedCount...) }
        return parts.count > reservedCount
    }

    private func appendShared(to parts: inout [Resources.Entry], _ target: OfferTarget) {
        guard !shared.isEmpty else { return }
        let ridesAlong = !parts.isEmpty
        for entry in shared.entries
        where target.understands(entry.resource)
            && Role.mayUse(target.role, reservedFor: entry.resource.role)
            && !sharedOffered.contains(entry.resource)
            && (ridesAlong || !sharedInUse.contains(entry.resource))
        {
            parts.append(entry)
        }
    }

    /// Whether amounts reach at least one of the minima.
    private static func reaches(
        _ minimum: [ResourceQuantities], _ amount: (String) -> Amount
    ) -> Bool {
        minimum.isEmpty
            || minimum.contains { $0.items.allSatisfy { amount($0.name) >= $0.amount } }
    }
}
