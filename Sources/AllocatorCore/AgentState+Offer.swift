internal import Model

/// For whom an offer is made up.
struct OfferTarget {
    let role: String
    let capabilities: FrameworkDescription.Capabilities
    /// What keeps the client from being offered this agent again.
    let filters: [Filter]
    /// Whether what is lent is for it.
    let mayBorrow: Bool

    /// The refusal that covers all of it.
    func filter(blocking parts: [Resources.Entry]) -> Filter? {
        filters.first { filter in
            parts.allSatisfy { filter.resources.contains($0.resource, copies: $0.copies) }
        }
    }

    /// What the client would have to be capable of to make sense of a resource; nil: it is.
    func missingCapability(
        for resource: Resource
    ) -> FrameworkDescription.Capabilities? {
        if resource.isRevocable, !capabilities.contains(.revocableResources) {
            return .revocableResources
        }
        if resource.isShared, !capabilities.contains(.sharedResources) { return .sharedResources }
        if resource.name == "gpus", !capabilities.contains(.gpuResources) { return .gpuResources }
        if resource.reservations.count >= 2, !capabilities.contains(.reservationRefinement) {
            return .reservationRefinement
        }
        return nil
    }

    func understands(_ resource: Resource) -> Bool {
        missingCapability(for: resource) == nil && (mayBorrow || !resource.isRevocable)
    }
}

/// Why a part of an agent's rest is not in a client's offer.
enum Withholding: Equatable {
    case reservedForOthers
    case capability(FrameworkDescription.Capabilities)
    /// The agent has GPUs, and the client can't use any.
    case agentHasGPUs
    /// Lent, and the client's role has reservations there.
    case ownRoleLends
    case belowMinimum
    /// Shared, in use, and nothing else is there that it could ride along with.
    case sharedInUse
    case filtered(Filter)

    static func == (left: Withholding, right: Withholding) -> Bool {
        switch (left, right) {
        case (.reservedForOthers, .reservedForOthers), (.agentHasGPUs, .agentHasGPUs),
            (.ownRoleLends, .ownRoleLends),
            (.belowMinimum, .belowMinimum), (.sharedInUse, .sharedInUse):
            true
        case (.capability(let one), .capability(let other)): one == other
        case (.filtered(let one), .filtered(let other)): one.sequence == other.sequence
        case (.reservedForOthers, _), (.capability, _), (.agentHasGPUs, _), (.belowMinimum, _),
            (.sharedInUse, _), (.filtered, _), (.ownRoleLends, _):
            false
        }
    }
}

/// Hears from the cutting of an offer what is left out and why, in the order of the checks.
protocol OfferNotes {
    /// Whether anyone wants to hear of what a pass need not even look at.
    static var areKept: Bool { get }
    mutating func note(_ entry: Resources.Entry, _ why: Withholding)
}

extension OfferNotes {
    mutating func note(_ entries: some Sequence<Resources.Entry>, _ why: Withholding) {
        guard Self.areKept else { return }
        for entry in entries { note(entry, why) }
    }
}

/// For a pass, which wants the offer only: nothing of it is left once it is compiled.
struct NoNotes: OfferNotes {
    static var areKept: Bool { false }
    mutating func note(_ entry: Resources.Entry, _ why: Withholding) {}
}

/// What of an agent's rest one client may have, in unallocated form.
struct OfferCut {
    var parts: [Resources.Entry] = []
    /// The roles of whose reservations something is among the parts.
    var owners: [String] = []
    var takesUnreserved = false
    /// Where shared volumes begin among the parts.
    var sharedFrom = 0
}

extension AgentState {
    /// Why nobody at all is offered anything.
    enum Obstacle { case inactive, nothingLeft, belowMinimum }

    /// Nil: there is something that someone might be offered.
    func obstacle(minimum: [ResourceQuantities]) -> Obstacle? {
        guard isActive else { return .inactive }
        if !reserved.isEmpty || hasIdleShared { return nil }
        guard !unreserved.isEmpty else { return .nothingLeft }
        let reaches = AgentState.reaches(minimum) { unreserved.total(of: $0) }
        return reaches ? nil : .belowMinimum
    }

    /// All of the rest that a client may have; nil: nothing, or nothing but what it has refused.
    ///
    /// Reserved resources are offered to their role and its subroles however little they are: an
    /// idle volume must be seen to be used or destroyed. The unreserved rest comes only if the
    /// whole offer reaches the minimum, and from an agent with GPUs only to who can use GPUs. A
    /// shared volume in use rides along with other resources; alone it would be offered forever.
    func cut(
        for target: OfferTarget, minimum: [ResourceQuantities], notes: inout some OfferNotes
    ) -> OfferCut? {
        var cut = OfferCut()
        if !reserved.isEmpty {
            for owner in Role.lineage(of: target.role) {
                guard let pool = reserved[owner] else { continue }
                let before = cut.parts.count
                appendUnderstood(of: pool, to: &cut.parts, target, &notes)
                if cut.parts.count > before { cut.owners.append(owner) }
            }
        }
        noteForeign(target, &notes)
        cut.takesUnreserved = appendUnreserved(to: &cut.parts, target, minimum, &notes)
        cut.sharedFrom = cut.parts.count
        appendShared(to: &cut.parts, target, &notes)
        guard !cut.parts.isEmpty else { return nil }
        if let filter = target.filter(blocking: cut.parts) {
            // Nothing but a shared volume that others were offered in this pass is new to this
            // client, and no later pass need come to look again.
            if cut.sharedFrom > 0 { appendSharedAgain(to: &cut.parts, target) }
            if target.filter(blocking: cut.parts) == nil { return cut }
            notes.note(cut.parts, .filtered(filter))
            return nil
        }
        return cut
    }

    /// Cuts an offer and takes it out of the rest. (One mutation, so that nothing is copied.)
    mutating func takeOffer(
        for target: OfferTarget, minimum: [ResourceQuantities]
    ) -> [Resources.Entry]? {
        var notes = NoNotes()
        guard let cut = cut(for: target, minimum: minimum, notes: &notes) else { return nil }
        take(cut, for: target)
        return cut.parts
    }

    private mutating func take(_ cut: OfferCut, for target: OfferTarget) {
        for owner in cut.owners {
            let rest = reserved[owner]?.filter { !target.understands($0) }
            reserved[owner] = rest?.isEmpty == false ? rest : nil
        }
        if cut.takesUnreserved { unreserved = unreserved.filter { !target.understands($0) } }
        for entry in cut.parts[cut.sharedFrom...] {
            sharedInUse.add(entry.resource)
            sharedOffered.add(entry.resource)
        }
    }

    private func appendUnderstood(
        of pool: Resources, to parts: inout [Resources.Entry], _ target: OfferTarget,
        _ notes: inout some OfferNotes
    ) {
        for entry in pool.entries {
            if let capability = target.missingCapability(for: entry.resource) {
                notes.note(entry, .capability(capability))
            } else if entry.resource.isRevocable, !target.mayBorrow {
                notes.note(entry, .ownRoleLends)
            } else {
                parts.append(entry)
            }
        }
    }

    /// A pass looks only at the role's own reservations and those above it.
    private func noteForeign<Notes: OfferNotes>(_ target: OfferTarget, _ notes: inout Notes) {
        guard Notes.areKept else { return }
        for owner in reserved.keys.sorted() where !Role.mayUse(target.role, reservedFor: owner) {
            notes.note(reserved[owner]?.entries ?? [], .reservedForOthers)
        }
    }

    private func appendUnreserved(
        to parts: inout [Resources.Entry], _ target: OfferTarget, _ minimum: [ResourceQuantities],
        _ notes: inout some OfferNotes
    ) -> Bool {
        guard !unreserved.isEmpty else { return false }
        guard !hasGPUs || target.capabilities.contains(.gpuResources) else {
            notes.note(unreserved.entries, .agentHasGPUs)
            return false
        }
        let reservedCount = parts.count
        appendUnderstood(of: unreserved, to: &parts, target, &notes)
        let reaches = AgentState.reaches(minimum) { name in
            var sum = Amount.zero
            for entry in parts where entry.resource.name == name {
                sum += entry.resource.value.quantity
            }
            return sum
        }
        if !reaches {
            notes.note(parts[reservedCount...], .belowMinimum)
            parts.removeSubrange(reservedCount...)
        }
        return parts.count > reservedCount
    }

    private func appendShared(
        to parts: inout [Resources.Entry], _ target: OfferTarget, _ notes: inout some OfferNotes
    ) {
        guard !shared.isEmpty else { return }
        let ridesAlong = !parts.isEmpty
        for entry in shared.entries {
            if let capability = target.missingCapability(for: entry.resource) {
                notes.note(entry, .capability(capability))
            } else if !Role.mayUse(target.role, reservedFor: entry.resource.role) {
                notes.note(entry, .reservedForOthers)
            } else if sharedOffered.contains(entry.resource) {
                continue
            } else if !ridesAlong, sharedInUse.contains(entry.resource) {
                notes.note(entry, .sharedInUse)
            } else {
                parts.append(entry)
            }
        }
    }

    /// Adds the shared volumes that were offered in this pass already.
    private func appendSharedAgain(to parts: inout [Resources.Entry], _ target: OfferTarget) {
        guard !sharedOffered.isEmpty else { return }
        parts += shared.entries.filter { entry in
            sharedOffered.contains(entry.resource) && target.understands(entry.resource)
                && Role.mayUse(target.role, reservedFor: entry.resource.role)
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
