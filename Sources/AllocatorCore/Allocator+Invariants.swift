internal import Model
internal import OrderedCollections

extension Allocator {
    /// What does not add up, in words; empty: all is well. Looks at everything: for simulations.
    package func checkInvariants() -> [String] {
        var problems: [String] = []
        var totals = ResourceQuantities()
        var held: [Int: ResourceQuantities] = [:]
        var holdings: [Int: Int] = [:]
        for (_, agent) in agentIndexes.sorted(by: { $0.key < $1.key }) {
            totals += counted(agents[agent].total)
            for client in agents[agent].allocations.keys.sorted() {
                let resources = agents[agent].allocations[client] ?? Resources()
                held[client, default: ResourceQuantities()] += counted(resources)
                holdings[client, default: 0] += 1
            }
            problems += checkAgent(agent)
        }
        if totals != sorter.totals { problems.append("the sorter's totals are not the agents'") }
        var filters = 0
        for (id, framework) in frameworkIndexes.sorted(by: { $0.key < $1.key }) {
            var ofFramework = 0
            for client in frameworks[framework].clients.values {
                problems += checkClient(client)
                if clients[client].holdings != holdings[client, default: 0] {
                    problems.append("\(id) \(clients[client].role): wrong number of holdings")
                }
                if sorter.nodes[clients[client].leaf].allocated
                    != held[client, default: ResourceQuantities()]
                {
                    problems.append("\(id) \(clients[client].role): wrong share")
                }
                ofFramework += clients[client].filterCount
            }
            if ofFramework != frameworks[framework].filterCount {
                problems.append("\(id): wrong number of filters")
            }
            filters += ofFramework
        }
        if filters != filterCount { problems.append("wrong number of filters") }
        if timers.count < filterCount { problems.append("a filter has no timer") }
        return problems + sorter.checkInvariants()
    }

    private func checkAgent(_ agent: Int) -> [String] {
        let state = agents[agent]
        var problems: [String] = []
        var sum = state.available
        let total = state.shared.adding(state.total.filter { !$0.isShared })
        for client in state.allocations.keys.sorted() {
            guard let resources = state.allocations[client] else { continue }
            if resources.isEmpty { problems.append("\(state.id): an empty allocation") }
            for entry in resources.allocated(to: nil).entries
            where !entry.resource.isShared || !sum.contains(entry.resource) {
                sum.add(entry.resource, copies: entry.resource.isShared ? 1 : entry.copies)
            }
        }
        if !state.isOverallocated, sum != total {
            problems.append("\(state.id): available and allocated are not the total")
        }
        if state.reserved.keys.sorted().contains(where: { state.reserved[$0]?.isEmpty == true }) {
            problems.append("\(state.id): an empty pool")
        }
        let isOfferable = state.obstacle(minimum: options.minAllocatable) == nil
        if offerable.contains(agent) != isOfferable {
            problems.append("\(state.id): offerable is \(!isOfferable)")
        }
        return problems
    }

    private func checkClient(_ index: Int) -> [String] {
        let client = clients[index]
        let framework = frameworks[client.framework]
        let name = "\(framework.id) \(client.role)"
        var problems: [String] = []
        let isEligible =
            framework.isRegistered && framework.isActive && client.isSubscribed
            && !client.isSuppressed
        if client.isEligible != isEligible { problems.append("\(name): wrongly eligible") }
        if sorter.nodes[client.leaf].eligible != (isEligible ? 1 : 0) {
            problems.append("\(name): the sorter does not know whether it is eligible")
        }
        if sorter.nodes[client.leaf].client != index { problems.append("\(name): wrong leaf") }
        let filters = client.filters.keys.sorted()
            .reduce(client.holds.count) { $0 + (client.filters[$1]?.count ?? 0) }
        if client.filterCount != filters { problems.append("\(name): wrong number of filters") }
        if !client.isSubscribed, client.holdings == 0 { problems.append("\(name): unused") }
        return problems
    }
}

extension Sorter {
    /// What does not add up in the tree.
    func checkInvariants() -> [String] {
        var problems: [String] = []
        var visited = 0
        var pending = [Sorter.root]
        while let index = pending.popLast() {
            visited += 1
            let node = nodes[index]
            pending += node.children
            if !isStale, index != Sorter.root, node.share != computedShare(of: index) {
                problems.append("sorter: the share of '\(node.name)' is out of date")
            }
            guard node.client < 0 else { continue }
            var sum = ResourceQuantities()
            for child in node.children { sum += nodes[child].allocated }
            if sum != node.allocated {
                problems.append("sorter: '\(node.name)' is not the sum of its children")
            }
            if node.eligible != node.children.reduce(0, { $0 + nodes[$1].eligible }) {
                problems.append("sorter: '\(node.name)' counts its eligible leaves wrongly")
            }
            let pairs = zip(node.children, node.children.dropFirst())
            if !isStale, !pairs.allSatisfy({ isBefore($0, $1) }) {
                problems.append("sorter: the children of '\(node.name)' are not in order")
            }
        }
        if visited != nodes.count { problems.append("sorter: nodes are lost") }
        return problems
    }
}
