package import MesosAPI
package import Model

extension OperationState {
    /// UNSUPPORTED, which only old agents say, counts as dropped.
    package init(_ message: Mesos_V1_OperationState) {
        switch message {
        case .operationPending: self = .pending
        case .operationFinished: self = .finished
        case .operationFailed: self = .failed
        case .operationError: self = .error
        case .operationDropped, .operationUnsupported: self = .dropped
        case .operationUnreachable: self = .unreachable
        case .operationGoneByOperator: self = .goneByOperator
        case .operationRecovering: self = .recovering
        case .operationUnknown: self = .unknown
        }
    }
}

extension Mesos_V1_OperationState {
    package init(_ state: OperationState) {
        switch state {
        case .pending: self = .operationPending
        case .finished: self = .operationFinished
        case .failed: self = .operationFailed
        case .error: self = .operationError
        case .dropped: self = .operationDropped
        case .unreachable: self = .operationUnreachable
        case .goneByOperator: self = .operationGoneByOperator
        case .recovering: self = .operationRecovering
        case .unknown: self = .operationUnknown
        }
    }
}

extension Mesos_V1_OperationStatus {
    /// Feedback on an operation; `uuid` in text form, nil when nothing is to be acknowledged.
    package init(
        operation: OperationID?, state: OperationState, message: String? = nil,
        uuid: String? = nil, agent: AgentID? = nil, converted: [Resource] = []
    ) {
        self.init()
        if let operation { operationID.value = operation.value }
        self.state = Mesos_V1_OperationState(state)
        if let message { self.message = message }
        if let uuid { self.uuid.value = Bytes.data(uuidBytes(uuid)) }
        if let agent { agentID.value = agent.value }
        convertedResources = Mesos_V1_Resource.list(converted, form: .postRefinement)
    }
}

extension Mesos_V1_Operation {
    /// An operation in flight, for GET_OPERATIONS.
    package init(_ operation: AgentOperation, agent: AgentID, state: OperationState) {
        self.init()
        if let framework = operation.framework { frameworkID.value = framework.value }
        agentID.value = agent.value
        info = Mesos_V1_Offer.Operation(operation)
        latestStatus = Mesos_V1_OperationStatus(operation: operation.id, state: state)
        uuid.value = Bytes.data(uuidBytes(operation.uuid.value))
    }
}

extension Mesos_V1_Offer.Operation {
    /// What was asked for, read off what the operation takes and makes.
    package init(_ operation: AgentOperation) {
        self.init()
        type = TypeEnum(operation.type)
        if let id = operation.id { self.id.value = id.value }
        let consumed = Mesos_V1_Resource.list(operation.conversion.consumed, form: .postRefinement)
        let converted = Mesos_V1_Resource.list(
            operation.conversion.converted, form: .postRefinement)
        switch operation.type {
        case .reserve: reserve.resources = converted
        case .unreserve: unreserve.resources = consumed
        case .create: create.volumes = converted
        case .destroy: destroy.volumes = consumed
        case .grow:
            for resource in consumed {
                if resource.disk.hasPersistence {
                    growVolume.volume = resource
                } else {
                    growVolume.addition = resource
                }
            }
        case .transact: break
        case .shrink:
            for resource in consumed where resource.disk.hasPersistence {
                shrinkVolume.volume = resource
            }
            for resource in converted where !resource.disk.hasPersistence {
                shrinkVolume.subtract = resource.scalar
            }
        }
    }
}

extension Mesos_V1_Offer {
    /// An offer as its framework sees it. `form` depends on the framework's capabilities.
    package init(
        id: OfferID, framework: FrameworkID, role: String, agent: AgentDescription,
        agentID: AgentID, resources: some Sequence<Resource>, executors: [ExecutorID],
        form: ReservationForm
    ) {
        let info: Mesos_V1_AgentInfo = agent.payload.message()
        self.init()
        self.id.value = id.value
        frameworkID.value = framework.value
        self.agentID.value = agentID.value
        hostname = agent.hostname
        url.scheme = "http"
        url.address.hostname = agent.hostname
        url.address.ip = agent.address
        url.address.port = Int32(clamping: agent.port)
        url.path = "/slave(1)"
        self.resources = Mesos_V1_Resource.list(resources, form: form)
        attributes = info.attributes
        if info.hasDomain { domain = info.domain }
        executorIds = executors.map { executor in
            var id = Mesos_V1_ExecutorID()
            id.value = executor.value
            return id
        }
        if form == .postRefinement { allocationInfo.role = role }
    }
}
