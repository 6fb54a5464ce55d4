package import Model

/// A task as the master knows it.
package struct MasterTask: Equatable, Sendable {
    package let framework: FrameworkID
    /// Its resources change when a volume of it grows.
    package internal(set) var description: TaskDescription
    /// The order in which this master has heard of its tasks.
    package let number: UInt64
    /// Where it stands by now, as far as the agent has told.
    package internal(set) var state: TaskState
    /// The last few updates, the newest last.
    package internal(set) var statuses: [StatusUpdate] = []
    /// Since when its agent is away.
    package internal(set) var unreachableNanoseconds: Int64?
    /// What it holds; with the allocation role. Nothing after its end.
    package internal(set) var booked = Resources()

    /// It waits for this transaction: its agent has not been sent it.
    var transaction: OperationUUID?
    var isKillRequested = false
    var killGraceMilliseconds: Int64?

    static let keptStatuses = 8

    init(
        framework: FrameworkID, description: TaskDescription, number: UInt64, state: TaskState
    ) {
        self.framework = framework
        self.description = description
        self.number = number
        self.state = state
    }

    package var key: TaskKey { TaskKey(framework, description.id) }

    package var agent: AgentID { description.agent }

    /// Nil for a command task.
    package var executor: ExecutorID? { description.executor?.id }

    /// The update that the framework was told last or is to acknowledge.
    package var lastUpdate: StatusUpdate? { statuses.last }

    /// What its framework knows: the state of the last update.
    package var toldState: TaskState { lastUpdate?.state ?? state }

    mutating func append(_ update: StatusUpdate) {
        if let last = statuses.last, last.uuid != nil, last.uuid == update.uuid { return }
        if statuses.count >= MasterTask.keptStatuses { statuses.removeFirst() }
        statuses.append(update)
    }
}
