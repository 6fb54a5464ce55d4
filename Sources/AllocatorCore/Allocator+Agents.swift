package import Model
internal import OrderedCollections

extension Allocator {
    /// An agent registered. `used` is what tasks on it hold, in allocated form; their frameworks
    /// need not be known yet.
    package mutating func addAgent(
        _ id: AgentID, total: Resources, used: [(FrameworkID, Resources)]
    ) {
        removeAgent(id)
        var state = AgentState(id: id, isActive: true, total: total)
        state.reckon()
        let agent = agents.insert(state)
        agentIndexes[id] = agent
        sorter.changeTotals(adding: counted(total), removing: ResourceQuantities())
        for (framework, resources) in used { allocateUsed(id, framework, resources) }
        markDirty(agent)
    }

    /// Forgets an agent and all that is allocated of it.
    package mutating func removeAgent(_ id: AgentID) {
        guard let agent = agentIndexes[id] else { return }
        for client in agents[agent].allocations.keys.sorted() {
            let names = agents[agent].allocations[client]?.sortedNames ?? []
            changeHolding(of: client, on: agent, names: names) {
                $0 = Resources()
                return true
            }
            removeIfUnused(client)
        }
        for client in 0..<clients.endIndex { removeFilters(of: client, on: agent) }
        trimTimers()
        sorter.changeTotals(adding: ResourceQuantities(), removing: counted(agents[agent].total))
        agentIndexes[id] = nil
        agents.remove(agent)
        offerable.set(agent, false)
    }

    /// An agent that is not reachable, or is drained, is offered to no one.
    package mutating func setAgentActive(_ id: AgentID, _ isActive: Bool) {
        guard let agent = agentIndexes[id], agents[agent].isActive != isActive else { return }
        agents[agent].isActive = isActive
        markDirty(agent)
    }

    /// The agent has something else than was thought. What clients hold stays theirs; where that is
    /// more than there is, the rest is nothing until they give it back.
    package mutating func setTotal(_ id: AgentID, total: Resources) {
        guard let agent = agentIndexes[id] else { return }
        let total = total.adding(agents[agent].lendable)
        sorter.changeTotals(adding: counted(total), removing: counted(agents[agent].total))
        agents[agent].total = total
        agents[agent].reckon()
        markDirty(agent)
    }

    /// Tasks or executors found on an agent at its registration hold this, in allocated form.
    package mutating func allocateUsed(
        _ id: AgentID, _ framework: FrameworkID, _ resources: Resources
    ) {
        guard let agent = agentIndexes[id] else { return }
        let framework = index(ofFramework: framework)
        for (role, part) in byAllocationRole(resources) {
            let client = client(of: framework, in: role)
            let allocated = part.allocated(to: role)
            changeHolding(of: client, on: agent, names: part.sortedNames) { held in
                held.add(allocated)
                return true
            }
            agents[agent].take(part)
        }
        removeFrameworkIfUnused(framework)
        updateOfferable(agent)
    }

    /// An operation of an ACCEPT: changes what a framework holds and the agent's total alike. The
    /// conversion is in allocated form, of one role.
    package mutating func convertAllocated(
        _ id: AgentID, framework: FrameworkID, conversion: ResourceConversion
    ) throws(Refusal) {
        guard let agent = agentIndexes[id] else {
            throw Refusal(.notFound, "agent '\(id)' is not known")
        }
        let plain = conversion.allocated(to: nil)
        let roles = byAllocationRole(conversion.consumed.adding(conversion.converted)).map(\.role)
        guard roles.count == 1, let role = roles.first else {
            throw Refusal(.invalid, "the resources of an operation must be allocated to one role")
        }
        guard let client = frameworkIndexes[framework].flatMap({ frameworks[$0].clients[role] }),
            agents[agent].allocations[client]?.contains(conversion.consumed) == true,
            agents[agent].total.contains(plain.consumed)
        else {
            throw Refusal(
                .conflict, "framework '\(framework)' does not hold these resources of '\(id)'")
        }
        for resource in plain.consumed where resource.isShared {
            let copies = agents[agent].sharedInUse.entry(ResourceKey(resource))?.copies
            guard copies == 1 else {
                throw Refusal(.conflict, "shared volume \(resource.text) is in use")
            }
        }
        let names = Set(conversion.consumed.sortedNames + conversion.converted.sortedNames)
        changeHolding(of: client, on: agent, names: names.sorted()) { held in
            held.subtract(conversion.consumed)
            held.add(conversion.converted)
            return true
        }
        convertTotal(of: agent, plain)
        convertShared(of: agent, plain)
        removeIfUnused(client)
    }

    /// An operator's operation: only on what nobody holds.
    package mutating func convertAvailable(
        _ id: AgentID, conversion: ResourceConversion
    ) throws(Refusal) {
        guard let agent = agentIndexes[id] else {
            throw Refusal(.notFound, "agent '\(id)' is not known")
        }
        guard agents[agent].isAvailable(conversion.consumed) else {
            let missing = conversion.consumed.first { !agents[agent].isAvailable(Resources([$0])) }
            throw Refusal(
                .conflict,
                "not enough unallocated resources: \(missing?.text ?? "these") is not there, "
                    + "in use or offered")
        }
        agents[agent].convertRest(conversion)
        convertTotal(of: agent, conversion)
        markDirty(agent)
    }

    /// An operator's operation on something that a framework holds together with something that
    /// nobody holds: both change, or nothing. `held` is in allocated form, of one role.
    package mutating func convertHeld(
        _ id: AgentID, framework: FrameworkID, held: ResourceConversion, rest: ResourceConversion
    ) throws(Refusal) {
        guard let agent = agentIndexes[id] else {
            throw Refusal(.notFound, "agent '\(id)' is not known")
        }
        let plain = held.allocated(to: nil)
        let whole = ResourceConversion(
            consumed: plain.consumed.adding(rest.consumed),
            converted: plain.converted.adding(rest.converted))
        guard let client = client(of: framework, holding: held.consumed),
            agents[agent].allocations[client]?.contains(held.consumed) == true,
            agents[agent].total.contains(whole.consumed)
        else {
            throw Refusal(
                .conflict, "framework '\(framework)' does not hold these resources of '\(id)'")
        }
        if let missing = rest.consumed.first(where: { !agents[agent].isAvailable(Resources([$0])) })
        {
            throw Refusal(
                .conflict,
                "not enough unallocated resources: \(missing.text) is not there, in use or offered")
        }
        changeHolding(of: client, on: agent, names: whole.consumed.sortedNames) {
            $0.subtract(held.consumed)
            $0.add(held.converted)
            return true
        }
        agents[agent].convertRest(rest)
        convertTotal(of: agent, whole)
        markDirty(agent)
    }

    /// A framework holds one thing instead of another, as an agent's total that `setTotal` brings
    /// will say; in allocated form, of one role. Nothing happens where it does not hold it.
    package mutating func exchangeHeld(
        _ id: AgentID, framework: FrameworkID, held: Resources, for other: Resources
    ) {
        guard let agent = agentIndexes[id], let client = client(of: framework, holding: held),
            agents[agent].allocations[client]?.contains(held) == true
        else { return }
        changeHolding(of: client, on: agent, names: held.sortedNames) {
            $0.subtract(held)
            $0.add(other)
            return true
        }
    }

    private func client(of framework: FrameworkID, holding resources: Resources) -> Int? {
        guard let role = resources.first(where: { _ in true })?.allocationRole else { return nil }
        return frameworkIndexes[framework].flatMap { frameworks[$0].clients[role] }
    }

    private mutating func convertTotal(of agent: Int, _ conversion: ResourceConversion) {
        agents[agent].total.subtract(conversion.consumed)
        agents[agent].total.add(conversion.converted)
        sorter.changeTotals(
            adding: counted(conversion.converted), removing: counted(conversion.consumed))
        if agents[agent].isOverallocated { agents[agent].reckon() }
    }

    /// A volume that became shared may be wanted by others, too.
    private mutating func convertShared(of agent: Int, _ conversion: ResourceConversion) {
        guard !agents[agent].isOverallocated else { return }
        for resource in conversion.consumed where resource.isShared {
            agents[agent].shared.subtract(resource)
            agents[agent].sharedInUse.subtract(resource)
        }
        for resource in conversion.converted where resource.isShared {
            agents[agent].shared.add(resource)
            agents[agent].sharedInUse.add(resource)
            markDirty(agent)
        }
    }
}
