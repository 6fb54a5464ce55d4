import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// Invariants, for tests and simulations; each violation is a sentence.
//
// - An agent's confirmed books add up to its resources, and so does its total.
// - Its total is confirmed + pending, and the allocator's total; what is held and what is free
//   make it up.
// - Whatever the allocator counts as held is in an offer, a task or an executor.
// - Tasks, executors and offers are on admitted agents, and the indexes both ways agree.
// - Every stack of reservations in the confirmed books has one row, and every row a resource; but
//   one with a lease may have none while others are refined from it.
// - A result that an agent keeps is awaited by a framework, and its operation is not pending.
// - What is lent to tasks that are not recalled is at most what is reserved and idle.
// - The numbers of an agent's pending operations have no gap and end before the next one.

extension Master {
    /// Of the agents that the last event concerned.
    package func touchedViolations() -> [String] {
        touchedAgents.sorted().flatMap { violations(of: $0) }
    }

    /// Of everything.
    package func violations() -> [String] {
        var found = ledger.agents.keys.flatMap { violations(of: $0) }
        found += allocator.checkInvariants()
        for framework in frameworks.values { found += violations(of: framework) }
        for offer in offers.keys.sorted() {
            guard let offer = offers[offer] else { continue }
            if frameworks[offer.framework]?.offers.contains(offer.id) != true {
                found.append("offer \(offer.id) is not among its framework's")
            }
            if agents[offer.agent]?.offers.contains(offer.id) != true {
                found.append("offer \(offer.id) is not among its agent's")
            }
            if frameworks[offer.framework]?.isConnected != true {
                found.append("offer \(offer.id) is made to a framework that is not connected")
            }
        }
        for agent in agents.keys where ledger.agents[agent]?.standing != .admitted {
            found.append("agent \(agent) is not admitted by the ledger")
        }
        for agent in agents.values {
            for uuid in agent.heldResults.sorted() {
                let isFollowed = frameworks.values.contains { framework in
                    framework.operations[uuid] != nil
                        || framework.operations.values.contains { $0.transaction == uuid }
                }
                if ledger.operation(uuid) != nil || !isFollowed {
                    found.append("agent \(agent.id) keeps the result \(uuid) for nobody")
                }
            }
        }
        for uuid in waiting.keys.sorted() where ledger.operation(uuid) == nil {
            found.append("a call waits for operation \(uuid), which is not pending")
        }
        return found + transactionViolations()
    }

    private func violations(of id: AgentID) -> [String] {
        guard let row = ledger.agents[id], let agent = agents[id] else { return [] }
        var found: [String] = []
        let confirmed = ledger.confirmed(id)
        if agent.isRegistered, confirmed.bare != row.description.resources.bare {
            found.append("agent \(id): the confirmed books do not add up to its resources")
        }
        if agent.total.bare != confirmed.bare {
            found.append("agent \(id): the total does not add up to the confirmed books")
        }
        var expected = confirmed
        for operation in ledger.pending(id)
        where !agent.skippedOperations.contains(operation.operation.uuid) {
            do throws(Refusal) {
                try expected.apply(operation.operation.conversion)
            } catch {
                found.append("agent \(id): \(operation.operation.uuid) does not fit: \(error)")
            }
        }
        if expected != agent.total {
            found.append("agent \(id): the total is not what is confirmed and pending")
        }
        var sequence = agent.nextSequence
        // Until it is back the numbers of an earlier master's provisional ones are missing.
        for operation in ledger.pending(id).reversed() where agent.isRegistered {
            sequence -= 1
            if operation.operation.sequence != sequence {
                found.append("agent \(id): pending operations have a gap before \(sequence + 1)")
                break
            }
        }
        return found + reservationViolations(of: id) + holdingViolations(of: agent)
            + trashViolations(of: agent)
    }

    private func reservationViolations(of id: AgentID) -> [String] {
        var found: [String] = []
        for resource in ledger.confirmed(id) where !resource.reservations.isEmpty {
            if ledger.reservation(on: id, resource.reservations) == nil {
                found.append("agent \(id): \(resource.text) is of a reservation without a row")
            }
        }
        for row in ledger.reservations(of: id) where !ledger.holds(row.stack, on: id) {
            if row.lease != nil, ledger.isRefined(row.stack, on: id) { continue }
            found.append("agent \(id): reservation \(row.uuid) holds nothing")
        }
        return found
    }

    private func holdingViolations(of agent: MasterAgent) -> [String] {
        var found: [String] = []
        var held: [FrameworkID: Resources] = [:]
        for key in agent.tasks.sorted() {
            guard let task = frameworks[key.framework]?.tasks[key.task], task.agent == agent.id
            else {
                found.append("agent \(agent.id): task \(key.task) is not its framework's")
                continue
            }
            if task.state.isTerminal, !task.booked.isEmpty {
                found.append("task \(key.task) has ended and holds \(task.booked.detailedText)")
            }
            held[key.framework, default: Resources()].add(task.booked)
        }
        for key in agent.executors.sorted() {
            guard let executor = frameworks[key.framework]?.executors[key] else {
                found.append("agent \(agent.id): executor \(key.executor) is not known")
                continue
            }
            held[key.framework, default: Resources()].add(executor.booked)
        }
        for id in agent.offers.sorted() {
            guard let offer = offers[id] else {
                found.append("agent \(agent.id): offer \(id) is not known")
                continue
            }
            if !agent.isConnected { found.append("offer \(id) is of an agent without connection") }
            held[offer.framework, default: Resources()].add(offer.resources)
        }
        guard agent.isRegistered else { return found }
        for framework in frameworks.keys {
            let booked = held[framework] ?? Resources()
            if allocator.allocated(agent.id, framework) != booked {
                found.append(
                    "agent \(agent.id): \(framework) holds \(booked.detailedText), the allocator"
                        + " says \(allocator.allocated(agent.id, framework).detailedText)")
            }
        }
        return found + sumViolations(of: agent, held) + lentTooMuch(on: agent.id)
    }

    /// Held and free make up the total, unless a failed operation took back what tasks hold.
    private func sumViolations(
        of agent: MasterAgent, _ held: [FrameworkID: Resources]
    ) -> [String] {
        var inUse = Resources()
        for framework in held.keys.sorted() {
            guard let resources = held[framework] else { continue }
            for resource in resources {
                let plain = resource.with(allocationRole: nil)
                if plain.isShared, inUse.contains(plain) { continue }
                inUse.add(plain)
            }
        }
        inUse = inUse.filter { !$0.isRevocable }
        let free = allocator.available(agent.id).filter { !$0.isRevocable }
        let sum = free.adding(inUse)
        guard agent.total.contains(inUse), sum != agent.offerable else { return [] }
        return [
            "agent \(agent.id): \(sum.detailedText) held and free is not"
                + " \(agent.offerable.detailedText)"
        ]
    }

    private func violations(of framework: MasterFramework) -> [String] {
        var found: [String] = []
        for task in framework.sortedTasks {
            if agents[task.agent]?.tasks.contains(task.key) != true {
                found.append("task \(task.description.id) is not among its agent's")
            }
        }
        for key in framework.executors.keys.sorted() {
            if agents[key.agent]?.executors.contains(key) != true {
                found.append("executor \(key.executor) is not among its agent's")
            }
        }
        if let stream = framework.stream, streams[stream] != framework.id {
            found.append("framework \(framework.id): its stream is another's")
        }
        if framework.isEnding != (ledger.frameworks[framework.id]?.isRemoved == true) {
            found.append("framework \(framework.id): the ledger says otherwise of its removal")
        }
        return found
    }
}
