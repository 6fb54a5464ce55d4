import Model

/// What an agent knows of a container beyond its executor's row; gone when the agent restarts.
struct ContainerRun: Equatable, Sendable {
    enum Phase: Hashable, Sendable { case starting, running }

    /// Why the agent ends a container.
    enum Cause: Hashable, Sendable {
        /// The framework wants it so.
        case killed
        /// The executor or the whole framework is shut down.
        case shutdown
        case registrationTimeout
        case reregistrationTimeout
        case maxCompletionTime
        case unhealthy
        case diskLimit(message: String, status: Payload)
    }

    let key: ExecutorKey
    let kind: ExecutorDescription.Kind
    var phase: Phase
    /// A serialized TaskStatus with its `container_status`.
    var status = Payload()
    var cause: Cause?
    var stream: ExecutorStreamID?
    /// Tasks that its executor knows.
    var delivered: Set<TaskID> = []
    /// Whether any task was ever delivered.
    var hasWorked = false
    var hasChecks = false
    /// What the last health check said.
    var isHealthy: Bool?
}

extension Payload {
    /// The message that both make up: serialized messages merge when they are concatenated, the
    /// later one's fields win.
    func merged(with other: Payload) -> Payload { Payload(bytes + other.bytes) }
}
