package import MachineCore
internal import Model

/// With more candidates than this, going through all clients is as quick as sorting them.
private let candidatesSortedApart = 16

extension Allocator {
    /// Allocates the rests of all candidates in the order of fairness and says to whom. The order
    /// changes with each allocation, so that several agents go to several frameworks in one pass.
    package mutating func allocate(at now: Instant) -> [Allocation] {
        pass += 1
        releaseFilters(at: now)
        guard !candidates.isEmpty || !fresh.isEmpty else { return [] }
        sorter.refresh()
        for client in fresh { clients[client].isFresh = false }
        let fresh = fresh.filter { clients[$0].isEligible }
        self.fresh.removeAll(keepingCapacity: true)
        var visited = candidates
        candidates.removeAll(keepingCapacity: true)
        if !fresh.isEmpty { visited += offerable.members }
        visited.sort()
        var result: [Allocation] = []
        var last = -1
        for agent in visited where agent != last {
            last = agent
            serve(agent, fresh: fresh, into: &result)
        }
        return result
    }

    private mutating func serve(_ agent: Int, fresh: [Int], into result: inout [Allocation]) {
        let isDirty = agents[agent].isDirty
        let few = agents[agent].waiting + fresh
        agents[agent].isCandidate = false
        agents[agent].isDirty = false
        agents[agent].waiting = []
        agents[agent].sharedOffered = Resources()
        guard offerable.contains(agent) else { return }
        if isDirty || few.count > candidatesSortedApart {
            var walk = Sorter.Walk(sorter)
            while offerable.contains(agent), let client = walk.next(in: sorter) {
                offer(agent, to: client, into: &result)
            }
            return
        }
        let sorted = few.filter { clients[$0].isEligible }
            .sorted { sorter.precedes(clients[$0].leaf, clients[$1].leaf) }
        for client in sorted { offer(agent, to: client, into: &result) }
    }

    private mutating func offer(
        _ agent: Int, to client: Int, into result: inout [Allocation]
    ) {
        let framework = clients[client].framework
        guard !isSaturated(framework) else { return }
        let role = clients[client].role
        let target = OfferTarget(
            role: role, capabilities: frameworks[framework].capabilities,
            refused: refused(by: client, on: agent))
        guard let parts = agents[agent].takeOffer(for: target, minimum: options.minAllocatable)
        else { return }
        var resources = Resources()
        for entry in parts {
            resources.add(entry.resource.with(allocationRole: role), copies: entry.copies)
        }
        changeHolding(of: client, on: agent, names: resources.sortedNames, isServed: true) { held in
            if held.isEmpty { held = resources } else { held.add(resources) }
            return true
        }
        updateOfferable(agent)
        result.append(
            Allocation(
                framework: frameworks[framework].id, role: role, agent: agents[agent].id,
                resources: resources))
    }
}
