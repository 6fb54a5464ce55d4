package import Model

/// One open SUBSCRIBE response of an executor; the shell numbers them.
package struct ExecutorStreamID: Hashable, Sendable {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }
}

/// One call of an executor that awaits its answer; the shell numbers them.
package struct ExecutorRequestID: Hashable, Sendable {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }
}

/// What an executor calls once it is subscribed.
package enum ExecutorCall: Equatable, Sendable {
    case update(StatusUpdate)
    case message(Payload)
    case heartbeat
}

/// What the agent tells an executor on its stream.
package enum ExecutorEvent: Equatable, Sendable {
    case subscribed(ExecutorSubscription)
    case launch(TaskDescription)
    case kill(TaskID, graceMilliseconds: Int64?)
    /// The agent has the update in its journal.
    case acknowledged(TaskID, UpdateUUID)
    case message(Payload)
    case shutdown
    case error(String)
    case heartbeat
}

/// The first event of a stream.
package struct ExecutorSubscription: Equatable, Sendable {
    package var executor: ExecutorDescription
    package var framework: FrameworkDescription
    /// With its id.
    package var agent: AgentDescription
    package var container: ContainerID

    package init(
        executor: ExecutorDescription, framework: FrameworkDescription, agent: AgentDescription,
        container: ContainerID
    ) {
        self.executor = executor
        self.framework = framework
        self.agent = agent
        self.container = container
    }
}
