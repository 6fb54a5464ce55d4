/// A durable change of an agent's state: an entry of its journal. A snapshot is a list of them.
package enum AgentRecord: Equatable, Sendable {
    /// The master's name for this agent.
    case identified(AgentID)
    /// The machine's boot id at this start, and the resources that `--resources` named.
    case started(bootID: String, resources: Resources)
    /// An operation took effect (`finished`: its conversion and volume changes) or not (`failed`).
    case operationEnded(AgentOperation, OperationResult)
    /// The master has the result.
    case resultAcknowledged(OperationUUID)
    case frameworkStored(FrameworkDescription)
    case frameworkRemoved(FrameworkID)
    /// An executor's container, before it is launched; command executors have one, too.
    case executorStored(ExecutorRow)
    case executorRemoved(FrameworkID, ExecutorID)
    case taskStored(TaskRow)
    /// Its end is acknowledged: nothing is left to tell.
    case taskRemoved(TaskKey)
    case updateStored(StatusUpdate)
    case updateAcknowledged(TaskKey, UpdateUUID)
    /// These volumes are on the disk for good; until then a crash may take a new one's directory.
    case volumesPrepared([VolumeUUID])
    /// Before a transaction's work on the disk begins: a start after a crash goes on with it.
    case transactionBegun(AgentOperation)
    /// In a snapshot: volumes that a finished transaction has given up and that are not retired
    /// yet.
    case volumesDoomed(OperationUUID, [VolumeUUID])
    /// They are.
    case volumesDiscarded(OperationUUID)
    /// A snapshot's books and volumes as they are; `unprepared` are volumes, too.
    case snapshot(
        lastSequence: UInt64, total: Resources, volumes: [VolumeDescription],
        unprepared: [VolumeUUID] = [])
}

/// An executor in the agent's journal.
package struct ExecutorRow: Equatable, Sendable {
    package var framework: FrameworkID
    package var executor: ExecutorDescription
    package var container: ContainerID
    /// The sandbox, an absolute path.
    package var directory: String
    package var user: String?

    package init(
        framework: FrameworkID, executor: ExecutorDescription, container: ContainerID,
        directory: String, user: String? = nil
    ) {
        self.framework = framework
        self.executor = executor
        self.container = container
        self.directory = directory
        self.user = user
    }
}

/// A task in the agent's journal.
package struct TaskRow: Equatable, Sendable {
    package var framework: FrameworkID
    package var executor: ExecutorID
    package var task: TaskDescription
    /// Whether a kill was asked for, so that its end counts as TASK_KILLED after a restart, too.
    package var isKilled: Bool

    package init(
        framework: FrameworkID, executor: ExecutorID, task: TaskDescription,
        isKilled: Bool = false
    ) {
        self.framework = framework
        self.executor = executor
        self.task = task
        self.isKilled = isKilled
    }

    package var key: TaskKey { TaskKey(framework, task.id) }
}
