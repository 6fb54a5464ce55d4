package import Model

// What is reserved for some role and idle can be lent to others as revocable resources. It is a
// part of the agent's total here, beside the reserved resources that it is lent of: these are
// offered to their role as if nothing was lent. How much there is, the master says.

extension Allocator {
    /// Others may have so much, as revocable resources without reservation. Where clients hold more
    /// than that, they owe it.
    package mutating func setLendable(_ id: AgentID, _ lendable: Resources) {
        guard let agent = agentIndexes[id], agents[agent].lendable != lendable else { return }
        let old = agents[agent].lendable
        agents[agent].total.subtract(old)
        agents[agent].total.add(lendable)
        agents[agent].lendable = lendable
        agents[agent].reckon()
        if old.contains(lendable) { updateOfferable(agent) } else { markDirty(agent) }
    }

    /// What is lent counts in no share: a borrower may lose it at any time.
    func withoutLent(_ quantities: ResourceQuantities, of resources: Resources)
        -> ResourceQuantities
    {
        guard options.lendsIdle else { return quantities }
        var result = quantities
        for entry in resources.entries where entry.resource.isRevocable {
            result[entry.resource.name] -= entry.resource.amount
        }
        return result
    }

    /// How much of a name a client holds of an agent that is lent.
    func lent(_ name: String, to client: Int, on agent: Int) -> Amount {
        guard options.lendsIdle else { return .zero }
        let key = ResourceKey(
            Resource(
                name, .scalar(.zero), allocationRole: clients[client].role, isRevocable: true))
        return agents[agent].allocations[client]?.entry(key)?.resource.amount ?? .zero
    }

    /// A role borrows nothing where it has reservations of its own, or those above it have.
    func mayBorrow(_ role: String, on agent: Int) -> Bool {
        guard !agents[agent].lendable.isEmpty else { return true }
        return !Role.lineage(of: role).contains { agents[agent].total.isReserved(for: $0) }
    }
}
