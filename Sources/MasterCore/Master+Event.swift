package import Model

extension Master {
    /// What happened to the master.
    package enum Event: Sendable {
        /// The first event of every life: fresh entropy, and the registry's rows in any order that
        /// names the cluster first; none at all on the very first start.
        case started(entropy: [UInt64], records: [MasterRecord])
        /// The deadline has come.
        case ticked
        /// A SUBSCRIBE call that Wire could read; answered with events on its stream.
        case frameworkSubscribed(StreamID, Subscription)
        /// The scheduler or the network ended the stream.
        case streamClosed(StreamID)
        /// `stream` is the call's `Mesos-Stream-Id`.
        case schedulerCalled(RequestID, FrameworkID, SchedulerCall, stream: String?)
        case operatorCalled(RequestID, OperatorCall, principal: String?)
        /// `address` is where the connection comes from, for messages only.
        case agentConnected(ConnectionID, address: String)
        case agentDisconnected(ConnectionID)
        case agentSaid(ConnectionID, AgentMessage)
        /// The registry's disk is nearly full (or has room again): what needs new rows is refused.
        case storageLow(Bool)
        /// A SUBSCRIBE of the operator API: the shell reads this master's state right after it, and
        /// publishes what follows.
        case operatorSubscribed(SubscriberID, Inventories)
        case operatorUnsubscribed(SubscriberID)
    }
}

/// What a SUBSCRIBE brings.
package struct Subscription: Equatable, Sendable {
    /// With the id, when the scheduler comes back under one.
    package var framework: FrameworkDescription
    package var suppressedRoles: [String]
    /// The stream's `Mesos-Stream-Id`, made by the shell: not to be guessed.
    package var streamUUID: String

    package init(
        framework: FrameworkDescription, suppressedRoles: [String] = [], streamUUID: String
    ) {
        self.framework = framework
        self.suppressedRoles = suppressedRoles
        self.streamUUID = streamUUID
    }
}

/// A call of the scheduler API other than SUBSCRIBE.
package enum SchedulerCall: Equatable, Sendable {
    case teardown
    /// `refuseSeconds` as the peer sent it; nil: Mesos's default.
    case accept(offers: [OfferID], operations: [OfferOperation], refuseSeconds: Double?)
    case decline(offers: [OfferID], refuseSeconds: Double?)
    /// No roles: all of them.
    case revive(roles: [String])
    case suppress(roles: [String])
    case kill(TaskID, agent: AgentID?, graceMilliseconds: Int64?)
    case shutdown(ExecutorID, agent: AgentID)
    case acknowledge(agent: AgentID, task: TaskID, uuid: UpdateUUID)
    /// No tasks: all of the framework's.
    case reconcile([TaskQuery])
    case message(agent: AgentID, executor: ExecutorID, data: Payload)
    case acknowledgeOperationStatus(OperationID, agent: AgentID?, uuid: String)
    /// No operations: all of the framework's.
    case reconcileOperations([OperationQuery])
    case updateFramework(FrameworkDescription, suppressedRoles: [String])
    case renewLeases(LeaseRenewal)
    /// All of it or nothing; told by an event.
    case transact(offers: [OfferID], TransactionRequest, refuseSeconds: Double?)
    /// REQUEST and the answers to inverse offers: taken, and without effect.
    case ignored
}

/// One task of a RECONCILE call.
package struct TaskQuery: Hashable, Sendable {
    package var task: TaskID
    package var agent: AgentID?

    package init(task: TaskID, agent: AgentID? = nil) {
        self.task = task
        self.agent = agent
    }
}

/// One operation of a RECONCILE_OPERATIONS call.
package struct OperationQuery: Hashable, Sendable {
    package var operation: OperationID
    package var agent: AgentID?

    package init(operation: OperationID, agent: AgentID? = nil) {
        self.operation = operation
        self.agent = agent
    }
}

/// A call of the operator API that changes something.
package enum OperatorCall: Equatable, Sendable {
    /// RESERVE_RESOURCES to SHRINK_VOLUME; a launch is refused. Answered when the agent has it.
    case apply(OfferOperation.Kind, agent: AgentID, leaseMilliseconds: Int64? = nil)
    case renewLeases(LeaseRenewal)
    /// All of it or nothing; answered when the agent has it.
    case transact(TransactionRequest, agent: AgentID)
    case teardown(FrameworkID)
    case markAgentGone(AgentID)
    case killTask(FrameworkID, TaskID, graceMilliseconds: Int64?)
    case lifecycle(LifecycleCall)
    case forgetVolume(VolumeUUID, ForgetNote)
}
