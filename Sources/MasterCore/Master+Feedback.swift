import MachineCore
package import Model
import OrderedCollections

// What frameworks hear of operations that they gave an id: UPDATE_OPERATION_STATUS, its
// acknowledgement, and RECONCILE_OPERATIONS.

extension Master {
    /// An operation that never reached the agent: no UUID and no agent, as in Mesos.
    mutating func reportError(
        _ operation: OperationID?, to framework: FrameworkID, _ message: String
    ) {
        emit(.drop(.operationInvalid, "operation of \(framework): \(message)"))
        guard let operation else { return }
        sendStatus(
            OperationStatus(operation: operation, state: .error, message: message),
            to: framework)
    }

    /// The end of an operation, to be acknowledged by its framework.
    mutating func reportEnd(
        of operation: AgentOperation, _ state: OperationState, _ message: String?
    ) {
        guard let framework = operation.framework else { return }
        for (uuid, _) in operation.followed {
            guard var ended = frameworks[framework]?.operations[uuid] else { continue }
            ended.state = state
            ended.message = message
            ended.statusUUID = generator.uuid()
            frameworks[framework]?.operations[uuid] = ended
            tellEnd(uuid, to: framework)
        }
    }

    /// Tells the end of an operation, and sees to it that it is told again.
    private mutating func tellEnd(
        _ uuid: OperationUUID, to framework: FrameworkID,
        pauseMilliseconds: Int64 = retryMilliseconds.lowerBound
    ) {
        guard let operation = frameworks[framework]?.operations[uuid],
            let status = operation.statusUUID, frameworks[framework]?.stream != nil
        else { return }
        sendStatus(
            OperationStatus(
                operation: operation.id, state: operation.state, message: operation.message,
                uuid: status, agent: operation.agent), to: framework)
        let due = now + .milliseconds(pauseMilliseconds)
        frameworks[framework]?.operations[uuid]?.retryDue = due
        frameworks[framework]?.operations[uuid]?.retryMilliseconds = pauseMilliseconds
        timers.add(.feedback(framework, uuid), at: due)
    }

    /// The framework has had its time to acknowledge.
    mutating func tellEndAgain(_ uuid: OperationUUID, to framework: FrameworkID) {
        guard let operation = frameworks[framework]?.operations[uuid] else { return }
        tellEnd(
            uuid, to: framework,
            pauseMilliseconds: min(
                2 * operation.retryMilliseconds, Self.retryMilliseconds.upperBound))
    }

    /// Between two tellings of one end; Mesos's agents have the same.
    private static let retryMilliseconds: ClosedRange<Int64> = 10_000...600_000

    /// Takes up what an agent has kept: the end of an operation that its framework did not
    /// acknowledge to the master before this one. False: it is none, or nobody waits for it.
    mutating func takeUpEnd(
        of operation: AgentOperation, _ result: OperationResult, on agent: AgentID
    ) -> Bool {
        let followed = operation.followed
        guard ledger.operation(result.uuid) == nil, let first = followed.first,
            let id = operation.framework, let framework = frameworks[id], !framework.isEnding
        else { return false }
        agents[agent]?.heldResults.insert(result.uuid)
        guard framework.operations[first.uuid] == nil else { return true }
        for (uuid, name) in followed {
            frameworks[id]?.operations[uuid] = FrameworkOperation(
                id: name, agent: agent, transaction: operation.transactionUUID,
                state: result.state)
        }
        reportEnd(of: operation, result.state, result.message)
        return true
    }

    /// An agent that is gone takes along what it has done: ends that nobody has acknowledged yet
    /// are told anew.
    mutating func reportGone(_ agent: AgentID) {
        for framework in frameworks.values {
            for (uuid, operation) in framework.operations
            where operation.agent == agent && operation.state != .goneByOperator {
                var gone = operation
                gone.state = .goneByOperator
                gone.message = "the agent has been marked gone"
                gone.statusUUID = generator.uuid()
                frameworks[framework.id]?.operations[uuid] = gone
                tellEnd(uuid, to: framework.id)
            }
        }
    }

    /// Lets an agent forget a result that it may keep for this acknowledgement.
    mutating func acknowledgeHeld(_ uuid: OperationUUID, of agent: AgentID) {
        guard agents[agent]?.heldResults.contains(uuid) == true else { return }
        touch(agent)
        acknowledgeResult(uuid, of: agent)
    }

    /// Tells the frameworks that an agent's pending operations are now in this state.
    mutating func reportPending(of agent: AgentID, as state: OperationState, _ message: String) {
        for row in ledger.pending(agent) {
            guard let framework = row.operation.framework else { continue }
            for (uuid, id) in row.operation.followed {
                guard let followed = frameworks[framework]?.operations[uuid],
                    followed.state != state
                else { continue }
                frameworks[framework]?.operations[uuid]?.state = state
                sendStatus(
                    OperationStatus(
                        operation: id, state: state, message: message, agent: agent),
                    to: framework)
            }
        }
    }

    /// A scheduler that comes back hears again what it has not acknowledged.
    mutating func resendOperationStatuses(_ id: FrameworkID) {
        guard let framework = frameworks[id] else { return }
        for uuid in framework.operations.keys { tellEnd(uuid, to: id) }
    }

    mutating func acknowledgeOperation(
        _ id: FrameworkID, _ operation: OperationID, _ uuid: String
    ) {
        let found = frameworks[id]?.operations.first {
            $0.value.id == operation && $0.value.statusUUID == uuid
        }
        guard let found else {
            emit(.drop(.operationUnknown, "acknowledgement of \(operation) by \(id)"))
            return
        }
        frameworks[id]?.operations[found.key] = nil
        forgetDestroyed(found.key)
        guard let transaction = found.value.transaction else {
            return acknowledgeHeld(found.key, of: found.value.agent)
        }
        // The agent keeps the end of a transaction until all steps are acknowledged.
        let isLast = frameworks[id]?.operations.values.allSatisfy {
            $0.transaction != transaction
        }
        if isLast == true { acknowledgeHeld(transaction, of: found.value.agent) }
    }

    mutating func reconcileOperations(_ id: FrameworkID, _ queries: [OperationQuery]) {
        guard let framework = frameworks[id] else { return }
        guard !queries.isEmpty else {
            for operation in framework.operations.values {
                sendStatus(
                    OperationStatus(
                        operation: operation.id, state: operation.state,
                        message: operation.message, agent: operation.agent), to: id)
            }
            return
        }
        for query in queries {
            let known = framework.operations.values.last { $0.id == query.operation }
            let status =
                known.map {
                    OperationStatus(
                        operation: $0.id, state: $0.state, message: $0.message,
                        agent: $0.agent)
                } ?? unknownOperation(query)
            sendStatus(status, to: id)
        }
    }

    private func unknownOperation(_ query: OperationQuery) -> OperationStatus {
        let state: OperationState
        let message: String
        if let agent = query.agent {
            switch whereabouts(of: agent) {
            case .registered: (state, message) = (.unknown, "Operation is unknown")
            case .recovered: (state, message) = (.recovering, "Agent is recovered")
            case .unreachable: (state, message) = (.unreachable, "Agent is unreachable")
            case .gone: (state, message) = (.goneByOperator, "Agent marked gone by operator")
            case .unknown:
                (state, message) = (.unknown, "Both operation and agent are unknown")
            }
        } else {
            (state, message) = (.unknown, "Operation is unknown and no 'agent_id' was provided")
        }
        return OperationStatus(
            operation: query.operation, state: state, message: "Reconciliation: \(message)",
            agent: query.agent)
    }

    private mutating func sendStatus(_ status: OperationStatus, to framework: FrameworkID) {
        guard let stream = frameworks[framework]?.stream else { return }
        emit(.sendEvent(stream, .updateOperationStatus(status)))
    }
}

/// Where an agent is, as far as reconciliation asks.
enum Whereabouts {
    case registered, recovered, unreachable, gone, unknown
}

extension Master {
    /// Why an agent is not there, for listings; nil: it is registered.
    package func absence(of agent: AgentID) -> String? {
        switch whereabouts(of: agent) {
        case .registered: agents[agent]?.isConnected == true ? nil : "disconnected"
        case .recovered: "recovering"
        case .unreachable: "unreachable"
        case .gone: "gone"
        case .unknown: "unknown"
        }
    }

    func whereabouts(of agent: AgentID) -> Whereabouts {
        switch ledger.agents[agent]?.standing {
        case .admitted: agents[agent]?.isRegistered == true ? .registered : .recovered
        case .unreachable: .unreachable
        case .gone: .gone
        case nil: .unknown
        }
    }
}
