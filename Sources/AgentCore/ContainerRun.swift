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
    /// Tasks whose resources and volumes the container has been given.
    var prepared: Set<TaskID> = []
    /// The update that the launcher works on, by the tasks that wait for it; nil: none.
    var update: [TaskID]?
    /// What the container is to hold differs from what it was last told.
    var needsUpdate = false
    /// Several tasks in one update have failed: the next ones bring one task each, so that none
    /// fails for another's fault.
    var isStepwise = false
    /// Whether any task was ever delivered.
    var hasWorked = false
    var hasChecks = false
    /// What the last health check said.
    var isHealthy: Bool?

    /// Whether an executor that runs since before the agent's start has not come back yet.
    var isRecovering: Bool { hasWorked && stream == nil }
}

extension Payload {
    /// The message that both make up: serialized messages merge when they are concatenated, the
    /// later one's fields win.
    func merged(with other: Payload) -> Payload { Payload(bytes + other.bytes) }
}
