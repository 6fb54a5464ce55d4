internal import MachineCore
package import Model
internal import OrderedCollections

extension Allocator {
    /// A framework subscribed; one that is known already is updated.
    package mutating func addFramework(
        _ id: FrameworkID, roles: [String], suppressed: [String],
        capabilities: FrameworkDescription.Capabilities, isActive: Bool
    ) {
        let framework = index(ofFramework: id)
        frameworks[framework].isRegistered = true
        frameworks[framework].isActive = isActive
        updateFramework(id, roles: roles, suppressed: suppressed, capabilities: capabilities)
    }

    /// Takes over new roles, suppressed roles and capabilities. What it holds in a role that it
    /// leaves stays allocated until it is recovered.
    package mutating func updateFramework(
        _ id: FrameworkID, roles: [String], suppressed: [String],
        capabilities: FrameworkDescription.Capabilities
    ) {
        guard let framework = frameworkIndexes[id], frameworks[framework].isRegistered else {
            return
        }
        let hasNewCapabilities = frameworks[framework].capabilities != capabilities
        frameworks[framework].capabilities = capabilities
        for role in roles { _ = client(of: framework, in: role) }
        let subscribed = Set(roles)
        let silent = Set(suppressed)
        for (role, client) in frameworks[framework].clients {
            clients[client].isSubscribed = subscribed.contains(role)
            clients[client].isSuppressed = silent.contains(role)
            updateEligibility(of: client)
            if hasNewCapabilities { markFresh(client) }
            if !clients[client].isSubscribed { removeFilters(of: client, withHolds: true) }
            removeIfUnused(client)
        }
        trimTimers()
    }

    /// Forgets a framework. What it holds stays allocated until it is recovered, because its tasks
    /// run on until they are killed.
    package mutating func removeFramework(_ id: FrameworkID) {
        guard let framework = frameworkIndexes[id] else { return }
        updateFramework(
            id, roles: [], suppressed: [], capabilities: frameworks[framework].capabilities)
        frameworks[framework].isRegistered = false
        frameworks[framework].isActive = false
        removeFrameworkIfUnused(framework)
    }

    /// A framework that is not connected is offered nothing, and its filters are forgotten.
    package mutating func setFrameworkActive(_ id: FrameworkID, _ isActive: Bool) {
        guard let framework = frameworkIndexes[id], frameworks[framework].isRegistered else {
            return
        }
        frameworks[framework].isActive = isActive
        for client in frameworks[framework].clients.values {
            updateEligibility(of: client)
            if !isActive { removeFilters(of: client, withHolds: true) }
        }
        trimTimers()
    }

    /// Offers are wanted again in these roles, or in all if none is named: ends suppression and
    /// clears filters.
    package mutating func revive(_ id: FrameworkID, roles: [String]) {
        for client in subscribedClients(of: id, in: roles) {
            clients[client].isSuppressed = false
            removeFilters(of: client, withHolds: false)
            updateEligibility(of: client)
            markFresh(client)
        }
        trimTimers()
    }

    /// No offers are wanted in these roles, or in none at all if none is named, until a revive.
    package mutating func suppress(_ id: FrameworkID, roles: [String]) {
        for client in subscribedClients(of: id, in: roles) {
            clients[client].isSuppressed = true
            updateEligibility(of: client)
        }
    }

    private func subscribedClients(of id: FrameworkID, in roles: [String]) -> [Int] {
        guard let framework = frameworkIndexes[id] else { return [] }
        let all = frameworks[framework].clients
        let chosen = roles.isEmpty ? Array(all.values) : roles.compactMap { all[$0] }
        return chosen.filter { clients[$0].isSubscribed }
    }

    // MARK: clients

    /// A framework's index; made when it is not known yet.
    mutating func index(ofFramework id: FrameworkID) -> Int {
        if let index = frameworkIndexes[id] { return index }
        let index = frameworks.insert(FrameworkState(id: id))
        frameworkIndexes[id] = index
        return index
    }

    /// The client of a framework in a role; made when it is not there yet.
    mutating func client(of framework: Int, in role: String) -> Int {
        if let client = frameworks[framework].clients[role] { return client }
        let client = clients.insert(Client(framework: framework, role: role))
        frameworks[framework].clients[role] = client
        clients[client].leaf = sorter.insert(
            client: client, name: frameworks[framework].id.value, role: role)
        return client
    }

    /// A client goes when it neither is subscribed nor holds anything; with the last one goes a
    /// framework that is not registered.
    mutating func removeIfUnused(_ client: Int) {
        guard !clients[client].isSubscribed, clients[client].holdings == 0 else { return }
        let framework = clients[client].framework
        frameworks[framework].clients.removeValue(forKey: clients[client].role)
        sorter.remove(clients[client].leaf)
        clients.remove(client)
        removeFrameworkIfUnused(framework)
    }

    mutating func removeFrameworkIfUnused(_ framework: Int) {
        guard !frameworks[framework].isRegistered, frameworks[framework].clients.isEmpty else {
            return
        }
        frameworkIndexes[frameworks[framework].id] = nil
        frameworks.remove(framework)
    }

    /// Why a client is offered nothing of any agent; nil: it is eligible.
    func obstacle(to client: Int) -> Client.Obstacle? {
        guard frameworks[clients[client].framework].isActive else { return .frameworkInactive }
        guard clients[client].isSubscribed else { return .notSubscribed }
        return clients[client].isSuppressed ? .suppressed : nil
    }

    /// Who becomes eligible looks at every agent.
    private mutating func updateEligibility(of client: Int) {
        let isEligible = obstacle(to: client) == nil
        guard clients[client].isEligible != isEligible else { return }
        clients[client].isEligible = isEligible
        sorter.setEligible(clients[client].leaf, isEligible)
        if isEligible { markFresh(client) }
    }

    mutating func markFresh(_ client: Int) {
        guard !clients[client].isFresh else { return }
        clients[client].isFresh = true
        fresh.append(client)
    }
}
