import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// An agent comes or comes back. What it brings is what is: its books replace ours, its volumes are
// compared with the inventory, and the operations above its last number are sent again in order.

extension Master {
    mutating func register(_ connection: ConnectionID, _ registration: AgentRegistration) {
        guard let known = connections[connection] else {
            emit(.closeConnection(connection))
            return
        }
        guard known.agent == nil else {
            emit(.drop(.registeredTwice, "agent \(known.agent?.value ?? "")"))
            disconnect(connection)
            return
        }
        if let id = registration.description.id,
            lastRegistrations[id]?.isLater(than: registration, by: connection) == true
        {
            emit(.drop(.registrationLate, "agent \(id) at \(known.address)"))
            disconnect(connection)
            return
        }
        do throws(Refusal) {
            try check(registration)
        } catch {
            emit(.drop(.agentRefused, "agent at \(known.address): \(error.message)"))
            emit(
                .send(connection, .refused(error.message, isFinal: error.kind == .forbidden)))
            disconnect(connection)
            return
        }
        admit(connection, registration)
    }

    private func check(_ registration: AgentRegistration) throws(Refusal) {
        let limits = options.limits
        if let id = registration.description.id {
            try NameValidation.validate(id.value, limits: limits)
            guard ledger.agents[id]?.standing != .gone else {
                throw Refusal(.forbidden, "Agent has been marked gone")
            }
        }
        let isKnown = registration.description.id.map { ledger.agents[$0] != nil } ?? false
        if !isKnown {
            guard ledger.agents.count < limits.agents else {
                throw Refusal(.tooLarge, "there are \(ledger.agents.count) agents already")
            }
            guard !isStorageLow else { throw storageRefusal }
        }
        guard registration.volumes.count <= limits.volumesPerAgent,
            // It may hold back as many results as there may be operations under way.
            registration.results.count <= 2 * limits.pendingOperationsPerAgent,
            registration.operations.count <= 3 * limits.pendingOperationsPerAgent,
            registration.total.count <= limits.resourcesPerMessage,
            registration.lastSequence < UInt64.max / 2
        else {
            throw Refusal(.tooLarge, "the registration names too many things")
        }
        guard registration.total.allSatisfy({ $0.allocationRole == nil }) else {
            throw Refusal(.invalid, "an agent's books name no allocation")
        }
        guard registration.total.bare == registration.description.resources.bare else {
            throw Refusal(
                .invalid, "the agent's books do not add up to the resources that it has")
        }
    }

    private mutating func admit(_ connection: ConnectionID, _ registration: AgentRegistration) {
        let id = registration.description.id ?? newAgentID()
        touch(id)
        if let old = agents[id]?.connection { disconnect(old) }
        rescindOffers(of: id)
        let wasUnreachable = ledger.agents[id]?.standing == .unreachable
        if agents[id] == nil { agents[id] = MasterAgent(id: id) }
        // What was not sent never will be: the agent comes without it.
        agents[id]?.heldLaunches = []
        agents[id]?.recalled = []
        // Until its books are settled nothing is worked out from them.
        agents[id]?.isRegistered = false
        connections[connection]?.agent = id
        agents[id]?.connection = connection
        lastRegistrations[id] = LastRegistration(registration, by: connection)
        agents[id]?.reregisteredNanoseconds =
            ledger.agents[id] == nil ? nil : now.nanoseconds
        storeRow(id, registration)
        let timeout =
            options.agentPingTimeoutMilliseconds * Int64(max(1, options.maxAgentPingTimeouts))
        sendDiskRules(to: id)
        emit(.send(connection, .registered(id, pingTimeoutMilliseconds: timeout)))
        takeUp(registration, of: id)
        let unheard = unheardOperations(of: id, registration)
        let listed = listedStacks(of: id)
        settleResults(id, registration)
        settleBooks(id, registration, isExplained: !unheard.isEmpty)
        followLeases(ofUnheard: unheard, listed: listed)
        for row in unheard { audit(row, .finished, isRetold: true) }
        agents[id]?.isRegistered = true
        reviewTasks(id, registration, wasUnreachable: wasUnreachable)
        // The agent does not know of what is still pending.
        followVolumes(of: id)
        admitToAllocator(id)
        for row in ledger.pending(id) {
            emit(.send(connection, .applyOperation(row.operation)))
        }
        sendReleased(to: id)
        resumeErasures(on: id)
        if wasUnreachable { reportPending(of: id, as: .pending, "Agent is back") }
        agents[id]?.silentPings = 0
        ping(id)
    }

    private mutating func newAgentID() -> AgentID {
        var id = AgentID("\(clusterID)-S\(nextAgent)")
        while ledger.agents[id] != nil {
            nextAgent += 1
            id = AgentID("\(clusterID)-S\(nextAgent)")
        }
        nextAgent += 1
        return id
    }

    private mutating func storeRow(_ id: AgentID, _ registration: AgentRegistration) {
        let old = ledger.agents[id]
        var description = registration.description
        description.id = id
        let isBack = old?.standing == .admitted
        let row = AgentRow(
            id: id, description: description, standing: .admitted,
            sinceNanoseconds: (isBack ? old?.sinceNanoseconds : nil) ?? now.nanoseconds,
            registeredNanoseconds: old?.registeredNanoseconds ?? now.nanoseconds,
            lastSequence: max(old?.lastSequence ?? 0, registration.lastSequence))
        guard row != old else { return }
        store(.agentStored(row))
    }

    /// Takes up what an earlier master gave the agent and did not live to store. What has ended of
    /// that is in the agent's books already.
    private mutating func takeUp(_ registration: AgentRegistration, of id: AgentID) {
        for operation in registration.operations
        where operation.sequence > registration.lastSequence
            && ledger.operation(operation.uuid) == nil
        {
            store(
                .operationStored(
                    OperationRow(
                        agent: id, operation: operation, startedNanoseconds: now.nanoseconds)))
        }
    }

    /// Takes the results that the agent has kept for us.
    private mutating func settleResults(_ id: AgentID, _ registration: AgentRegistration) {
        agents[id]?.heldResults = []
        let operations = Dictionary(
            registration.operations.map { ($0.uuid, $0) }, uniquingKeysWith: { $1 })
        for result in registration.results {
            if let operation = operations[result.uuid], takeUpEnd(of: operation, result, on: id) {
                continue
            }
            guard let row = ledger.operation(result.uuid), row.agent == id,
                result.state == .finished
            else {
                operationEnded(id, result)
                continue
            }
            // Where the pieces do not fit, the agent's books replace ours in a moment.
            confirm(row, try? ledger.pieces(of: id, after: row.operation.conversion))
        }
        let lost = ledger.pending(id).filter {
            $0.operation.sequence <= registration.lastSequence
        }
        for row in lost {
            drop(row)
            abandon(row, as: .unknown, "the agent has no result of the operation any more")
        }
    }

    private mutating func settleBooks(
        _ id: AgentID, _ registration: AgentRegistration, isExplained: Bool
    ) {
        if let pieces = ledger.pieces(of: id, replacedBy: registration.total) {
            if !ledger.confirmed(id).isEmpty, !isExplained {
                emit(.drop(.booksDiffer, "agent \(id) has other resources than were known"))
            }
            storePieces(pieces)
        }
        reviewVolumes(registration.volumes, of: id)
        // What does not fit any more is sent all the same: the agent refuses it.
        var sequence = registration.lastSequence
        for row in ledger.pending(id) {
            sequence += 1
            guard row.operation.sequence != sequence else { continue }
            store(
                .operationStored(
                    OperationRow(
                        agent: id, operation: row.operation.numbered(sequence),
                        startedNanoseconds: row.startedNanoseconds, launches: row.launches)))
        }
        agents[id]?.nextSequence = sequence + 1
        recomputeTotal(id)
    }

    /// Gives the allocator an agent with what tasks and executors hold of it.
    private mutating func admitToAllocator(_ id: AgentID) {
        guard let agent = agents[id] else { return }
        var used: [(FrameworkID, Resources)] = []
        for key in agent.executors.sorted() {
            guard let booked = frameworks[key.framework]?.executors[key]?.booked else { continue }
            used.append((key.framework, booked))
        }
        for key in agent.tasks.sorted() {
            guard let booked = frameworks[key.framework]?.tasks[key.task]?.booked else { continue }
            used.append((key.framework, booked))
        }
        allocator.addAgent(id, total: agent.offerable, used: used)
    }
}

/// Where an agent stands. What it sent before that may arrive later, by a connection that it has
/// given up, and tells of a past that is settled.
struct LastRegistration {
    private let bootID: String
    private let number: UInt64
    private let connection: ConnectionID

    init(_ registration: AgentRegistration, by connection: ConnectionID) {
        bootID = registration.description.bootID
        number = registration.number
        self.connection = connection
    }

    /// Numbers can't be compared over a reboot; what was sent before it is seldom accepted after.
    func isLater(than other: AgentRegistration, by connection: ConnectionID) -> Bool {
        guard number > 0, other.number > 0, bootID == other.description.bootID else {
            return self.connection > connection
        }
        return number > other.number
    }
}

extension AgentOperation {
    /// The same operation with another number: the agent's journal is older than ours.
    fileprivate func numbered(_ sequence: UInt64) -> AgentOperation {
        AgentOperation(
            uuid: uuid, sequence: sequence, type: type, framework: framework, id: id,
            principal: principal, conversion: conversion, volumeChanges: volumeChanges,
            leaseMilliseconds: leaseMilliseconds, steps: steps)
    }
}
