package import MachineCore
package import Model
internal import OrderedCollections

extension Allocator {
    /// A framework holds this no more: an offer was declined or rescinded, a task ended. With a
    /// filter the same or less is not offered to it again in that role until the time is over.
    package mutating func recover(
        _ framework: FrameworkID, agent: AgentID, resources: Resources, filter: Span?,
        from origin: FilterOrigin = .decline, at now: Instant
    ) {
        guard let framework = frameworkIndexes[framework], let agent = agentIndexes[agent] else {
            return
        }
        for (role, part) in byAllocationRole(resources) {
            guard let client = frameworks[framework].clients[role] else { continue }
            let allocated = part.allocated(to: role)
            let wasHeld = changeHolding(of: client, on: agent, names: part.sortedNames) {
                $0.subtract(allocated)
            }
            guard wasHeld else { continue }
            agents[agent].give(part)
            markDirty(agent)
            if let filter, clients[client].isSubscribed {
                refuse(part, by: client, on: agent, for: filter, from: origin, at: now)
            }
            removeIfUnused(client)
        }
    }

    /// Changes what a client holds of an agent, and its share with it; false: nothing was changed.
    /// `names` are those of the resources that change.
    @discardableResult
    mutating func changeHolding(
        of client: Int, on agent: Int, names: [String], isServed: Bool = false,
        _ change: (inout Resources) -> Bool
    ) -> Bool {
        let before = held(by: client, on: agent, names)
        let isHolder = agents[agent].allocations[client] != nil
        let isChanged = change(&agents[agent].allocations[client, default: Resources()])
        let isHolderNow = agents[agent].allocations[client]?.isEmpty == false
        if !isHolderNow { agents[agent].allocations[client] = nil }
        guard isChanged else { return false }
        if isHolder != isHolderNow { clients[client].holdings += isHolderNow ? 1 : -1 }
        let after = held(by: client, on: agent, names)
        if isServed || before != after {
            sorter.changeHolding(
                of: clients[client].leaf, adding: after, removing: before, isServed: isServed)
        }
        return true
    }

    private func held(by client: Int, on agent: Int, _ names: [String]) -> ResourceQuantities {
        var result = ResourceQuantities()
        for name in names where !options.excludedResourceNames.contains(name) {
            let all = agents[agent].allocations[client]?.total(of: name) ?? .zero
            result[name] = all - lent(name, to: client, on: agent)
        }
        return result
    }

    /// What counts in a share.
    func counted(_ resources: Resources) -> ResourceQuantities {
        var result = withoutLent(resources.quantities, of: resources)
        for name in options.excludedResourceNames.sorted() { result[name] = .zero }
        return result
    }

    /// Resources in unallocated form by the role that they are allocated to, in the order of
    /// roles; what names none is of the role `*`.
    func byAllocationRole(_ resources: Resources) -> [(role: String, resources: Resources)] {
        var parts: [(role: String, resources: Resources)] = []
        for entry in resources.entries {
            let role = entry.resource.allocationRole ?? Role.unreserved
            var position = parts.count - 1
            while position >= 0, parts[position].role != role { position -= 1 }
            if position < 0 {
                parts.append((role, Resources()))
                position = parts.count - 1
            }
            parts[position].resources.add(
                entry.resource.with(allocationRole: nil), copies: entry.copies)
        }
        return parts.sorted { $0.role < $1.role }
    }

    // MARK: candidates

    /// Every client may want something of this agent.
    mutating func markDirty(_ agent: Int) {
        agents[agent].isDirty = true
        markCandidate(agent)
        updateOfferable(agent)
    }

    mutating func markCandidate(_ agent: Int) {
        guard !agents[agent].isCandidate else { return }
        agents[agent].isCandidate = true
        candidates.append(agent)
    }

    mutating func updateOfferable(_ agent: Int) {
        offerable.set(agent, agents[agent].obstacle(minimum: options.minAllocatable) == nil)
    }
}
