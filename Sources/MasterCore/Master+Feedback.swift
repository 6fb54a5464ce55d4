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
        guard let framework = operation.framework,
            let followed = frameworks[framework]?.operations[operation.uuid]
        else { return }
        let uuid = generator.uuid()
        frameworks[framework]?.operations[operation.uuid]?.state = state
        frameworks[framework]?.operations[operation.uuid]?.message = message
        frameworks[framework]?.operations[operation.uuid]?.statusUUID = uuid
        sendStatus(
            OperationStatus(
                operation: followed.id, state: state, message: message, uuid: uuid,
                agent: followed.agent), to: framework)
    }

    /// Tells the frameworks that an agent's pending operations are now in this state.
    mutating func reportPending(of agent: AgentID, as state: OperationState, _ message: String) {
        for row in ledger.pending(agent) {
            guard let framework = row.operation.framework,
                let followed = frameworks[framework]?.operations[row.operation.uuid],
                followed.state != state
            else { continue }
            frameworks[framework]?.operations[row.operation.uuid]?.state = state
            sendStatus(
                OperationStatus(
                    operation: followed.id, state: state, message: message, agent: agent),
                to: framework)
        }
    }

    /// A scheduler that comes back hears again what it has not acknowledged.
    mutating func resendOperationStatuses(_ id: FrameworkID) {
        guard let framework = frameworks[id] else { return }
        for operation in framework.operations.values {
            guard let uuid = operation.statusUUID else { continue }
            sendStatus(
                OperationStatus(
                    operation: operation.id, state: operation.state,
                    message: operation.message, uuid: uuid, agent: operation.agent), to: id)
        }
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
