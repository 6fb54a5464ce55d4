package import Model

extension Master {
    /// What the shell is to do, in this order: a record is on disk before later actions leave.
    package enum Action: Equatable, Sendable {
        case store(MasterRecord)
        case answer(RequestID, Answer)
        /// The stream is answered 200 with this one ERROR event and ends.
        case refuseSubscription(StreamID, String)
        /// The first event of an accepted stream is `subscribed`.
        case sendEvent(StreamID, SchedulerEvent)
        case closeStream(StreamID)
        case send(ConnectionID, MasterMessage)
        case closeConnection(ConnectionID)
        /// For every subscriber of the operator API that wants such an event.
        case publish(OperatorEvent)
        /// There are too many subscribers.
        case closeSubscriber(SubscriberID)
        /// A peer's message led to nothing; for the log and the counters.
        case drop(DropReason, String)
    }

    /// Why a peer's message was dropped.
    package enum DropReason: String, Hashable, Sendable, CaseIterable {
        case notStarted = "not_started"
        case agentNotRegistered = "agent_not_registered"
        case agentRefused = "agent_refused"
        case agentUnreachable = "agent_unreachable"
        case registeredTwice = "registered_twice"
        case registrationLate = "registration_late"
        case offerInvalid = "offer_invalid"
        case operationInvalid = "operation_invalid"
        case operationUnknown = "operation_unknown"
        case frameworkUnknown = "framework_unknown"
        case frameworkNotConnected = "framework_not_connected"
        case executorUnknown = "executor_unknown"
        case taskUnknown = "task_unknown"
        case volumeUnknown = "volume_unknown"
        case booksDiffer = "books_differ"
    }
}

/// The answer to a scheduler's or operator's call.
package enum Answer: Equatable, Sendable {
    /// 202.
    case accepted
    /// 202 with the UUID of an operation that the agent has not confirmed in time.
    case acceptedPending(OperationUUID)
    /// 200.
    case done
    /// 200 with what was done.
    case transacted(Transaction)
    case refused(Refusal)
}

/// An event of the scheduler API.
package enum SchedulerEvent: Equatable, Sendable {
    case subscribed(FrameworkID, heartbeatMilliseconds: Int64)
    case offers([OfferMessage])
    case rescind(OfferID)
    /// `unreachableNanoseconds`: since when its agent is away, where that is the reason.
    case update(StatusUpdate, unreachableNanoseconds: Int64?)
    case updateOperationStatus(OperationStatus)
    /// The end of a transaction.
    case transaction(Transaction)
    case message(agent: AgentID, executor: ExecutorID, data: Payload)
    /// An agent was removed, or one executor of it ended (with its wait status).
    case failure(agent: AgentID, executor: ExecutorID?, status: Int32?)
    case error(String)
    case heartbeat
}

/// An offer as its framework sees it.
package struct OfferMessage: Equatable, Sendable {
    package var offer: Offer
    package var agent: AgentDescription
    /// The framework's executors that run on the agent.
    package var executors: [ExecutorID]

    package init(offer: Offer, agent: AgentDescription, executors: [ExecutorID]) {
        self.offer = offer
        self.agent = agent
        self.executors = executors
    }
}

/// Resources of one agent, held for one framework under one role until it answers.
package struct Offer: Equatable, Sendable {
    package let id: OfferID
    package let framework: FrameworkID
    package let role: String
    package let agent: AgentID
    /// With the allocation role.
    package let resources: Resources
    /// Nanoseconds since 1970.
    package let createdNanoseconds: Int64
}

/// Feedback on an operation.
package struct OperationStatus: Equatable, Sendable {
    package var operation: OperationID
    package var state: OperationState
    package var message: String?
    /// Nil: needs no acknowledgement.
    package var uuid: String?
    package var agent: AgentID?

    package init(
        operation: OperationID, state: OperationState, message: String? = nil,
        uuid: String? = nil, agent: AgentID? = nil
    ) {
        self.operation = operation
        self.state = state
        self.message = message
        self.uuid = uuid
        self.agent = agent
    }
}
