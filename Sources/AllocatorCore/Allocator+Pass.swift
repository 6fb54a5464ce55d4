package import MachineCore
internal import Model

/// With more candidates than this, going through all clients is as quick as sorting them.
private let candidatesSortedApart = 16

/// Where a pass goes.
struct PassPlan {
    /// Sorted; one may be there twice.
    let agents: [Int]
    /// Clients that look at all of them.
    let fresh: [Int]
}

extension Allocator {
    /// Allocates the rests of all candidates in the order of fairness and says to whom. The order
    /// changes with each allocation, so that several agents go to several frameworks in one pass.
    package mutating func allocate(at now: Instant) -> [Allocation] {
        guard let plan = beginPass(at: now) else { return [] }
        var result: [Allocation] = []
        var last = -1
        for agent in plan.agents where agent != last {
            last = agent
            serve(agent, fresh: plan.fresh, into: &result)
        }
        return result
    }

    /// Ends the filters that ran out and says where there is something to do; nil: nowhere.
    mutating func beginPass(at now: Instant) -> PassPlan? {
        pass += 1
        releaseFilters(at: now)
        guard !candidates.isEmpty || !fresh.isEmpty else { return nil }
        sorter.refresh()
        for client in fresh { clients[client].isFresh = false }
        let fresh = fresh.filter { clients[$0].isEligible }
        self.fresh.removeAll(keepingCapacity: true)
        var visited = candidates
        candidates.removeAll(keepingCapacity: true)
        if !fresh.isEmpty { visited += offerable.members }
        visited.sort()
        return PassPlan(agents: visited, fresh: fresh)
    }

    mutating func serve(_ agent: Int, fresh: [Int], into result: inout [Allocation]) {
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

    /// An agent's rest as a client sees it.
    func target(_ client: Int, on agent: Int) -> OfferTarget {
        OfferTarget(
            role: clients[client].role,
            capabilities: frameworks[clients[client].framework].capabilities,
            filters: filters(of: client, on: agent),
            mayBorrow: mayBorrow(clients[client].role, on: agent))
    }

    private mutating func offer(
        _ agent: Int, to client: Int, into result: inout [Allocation]
    ) {
        let framework = clients[client].framework
        guard !isSaturated(framework) else { return }
        let target = target(client, on: agent)
        guard let parts = agents[agent].takeOffer(for: target, minimum: options.minAllocatable)
        else { return }
        let role = target.role
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
