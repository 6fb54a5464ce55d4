import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// Connections of agents, their messages, pings, and what happens when an agent stays silent.

extension Master {
    mutating func agentSaid(_ connection: ConnectionID, _ message: AgentMessage) {
        if case .register(let registration) = message {
            register(connection, registration)
            return
        }
        guard let id = connections[connection]?.agent else {
            let address = connections[connection]?.address ?? "an unknown connection"
            emit(.drop(.agentNotRegistered, "message from \(address)"))
            disconnect(connection)
            return
        }
        touch(id)
        switch message {
        case .register:
            break
        case .operationResult(let result):
            operationEnded(id, result)
        case .statusUpdate(let update, let latestState):
            takeUpdate(update, latestState: latestState, from: id)
        case .executorMessage(let framework, let executor, let data):
            guard let stream = frameworks[framework]?.stream else {
                emit(.drop(.frameworkNotConnected, "message of \(executor) to \(framework)"))
                return
            }
            emit(.sendEvent(stream, .message(agent: id, executor: executor, data: data)))
        case .executorExited(let framework, let executor, let status):
            executorExited(
                ExecutorKey(framework: framework, agent: id, executor: executor), status)
        case .pong(let number):
            guard agents[id]?.pingNumber == number else { return }
            agents[id]?.isPongDue = false
            agents[id]?.silentPings = 0
        case .volumeReport(let reports):
            noteReports(reports, from: id)
            growByRules(reports, on: id)
        case .volumeErased(let uuid, let failure):
            volumeErased(uuid, failure: failure, on: id)
        case .usageAlarm(let alarm):
            tell(alarm, of: id)
        }
    }

    mutating func agentDisconnected(_ connection: ConnectionID) {
        guard let known = connections.removeValue(forKey: connection), let id = known.agent,
            agents[id]?.connection == connection
        else { return }
        touch(id)
        agents[id]?.connection = nil
        for row in ledger.pending(id) { keep(row) }
        rescindOffers(of: id)
        allocator.setAgentActive(id, false)
    }

    /// Closes a connection; its agent may come back by another one.
    mutating func disconnect(_ connection: ConnectionID) {
        emit(.closeConnection(connection))
        agentDisconnected(connection)
    }

    mutating func ping(_ id: AgentID) {
        guard let agent = agents[id] else { return }
        agents[id]?.pingNumber += 1
        agents[id]?.isPongDue = true
        if let connection = agent.connection {
            emit(.send(connection, .ping(agent.pingNumber + 1)))
        }
        let due = now + .milliseconds(options.agentPingTimeoutMilliseconds)
        agents[id]?.pingDue = due
        timers.add(.ping(id), at: due)
    }

    mutating func pingDue(_ id: AgentID) {
        guard let agent = agents[id] else { return }
        if agent.isPongDue || !agent.isConnected { agents[id]?.silentPings += 1 }
        if (agents[id]?.silentPings ?? 0) >= options.maxAgentPingTimeouts {
            loseAgent(id, because: "health check timed out")
        } else {
            ping(id)
        }
    }

    /// The agent is unreachable: what it runs may run on or not.
    mutating func loseAgent(_ id: AgentID, because reason: String) {
        guard let row = ledger.agents[id] else { return }
        retire(id, row, as: .unreachable)
        audit(.agentUnreachable, agent: id, message: reason)
        for key in (agents[id]?.tasks ?? []).sorted() { loseTask(key, because: reason) }
        reportPending(of: id, as: .unreachable, "Agent is unreachable")
        forget(id)
    }

    /// By an operator: the agent never comes back. Its volumes stay listed, as lost ones.
    mutating func markGone(_ id: AgentID, principal: String?) throws(Refusal) {
        guard let row = ledger.agents[id] else {
            throw Refusal(.notFound, "there is no agent \(id)")
        }
        guard row.standing != .gone else { return }
        let connection = agents[id]?.connection
        retire(id, row, as: .gone)
        audit(.agentGone, agent: id, principal: principal)
        for framework in frameworks.keys { abandonTasks(of: framework, on: id) }
        for operation in ledger.pending(id) {
            drop(operation)
            abandon(operation, as: .goneByOperator, "the agent has been marked gone")
        }
        reportGone(id)
        if let pieces = ledger.pieces(of: id, replacedBy: Resources()) {
            storePieces(pieces)
        }
        for volume in ledger.volumes(of: id) { setLost(volume) }
        if let connection {
            emit(.send(connection, .refused("Agent has been marked gone", isFinal: true)))
        }
        forget(id)
        dropOldestGone()
    }

    private mutating func retire(_ id: AgentID, _ row: AgentRow, as standing: AgentRow.Standing) {
        touch(id)
        var row = row
        row.standing = standing
        row.sinceNanoseconds = now.nanoseconds
        if let agent = agents[id] { row.lastSequence = agent.nextSequence - 1 }
        store(.agentStored(row))
        rescindOffers(of: id)
    }

    /// Removes an agent from everything but the ledger and tells all frameworks.
    private mutating func forget(_ id: AgentID) {
        guard let agent = agents[id] else { return }
        for key in agent.executors.sorted() { removeExecutor(key) }
        allocator.removeAgent(id)
        if let connection = agent.connection { disconnect(connection) }
        agents[id] = nil
        for framework in frameworks.values {
            guard let stream = framework.stream else { continue }
            emit(.sendEvent(stream, .failure(agent: id, executor: nil, status: nil)))
        }
        for framework in frameworks.keys { completeIfEnded(framework) }
    }

    /// The registry keeps so many gone agents that their ids are refused for long, but not for
    /// ever.
    private mutating func dropOldestGone() {
        let gone = ledger.agents.values.filter { $0.standing == .gone }
        guard gone.count > options.limits.goneAgents else { return }
        let oldest = gone.min { ($0.sinceNanoseconds, $0.id) < ($1.sinceNanoseconds, $1.id) }
        guard let oldest else { return }
        for volume in ledger.volumes(of: oldest.id) {
            guard let row = ledger.volumes[volume] else { continue }
            volumeReports[volume] = nil
            store(.volumeRemoved(volume))
            audit(.volumeForgotten, of: row, message: "its agent is gone, the longest of many")
        }
        store(.agentRemoved(oldest.id))
        lastRegistrations[oldest.id] = nil
    }

    /// An operation whose result nobody will ever tell.
    mutating func abandon(_ row: OperationRow, as state: OperationState, _ reason: String) {
        if let request = waiting.removeValue(forKey: row.operation.uuid) {
            emit(.answer(request, .refused(Refusal(.conflict, reason))))
        }
        audit(row, .unknown, reason)
        dropLaunches(of: row, because: reason)
        reportEnd(of: row.operation, state, reason)
        endTransaction(row, state, reason)
    }
}
