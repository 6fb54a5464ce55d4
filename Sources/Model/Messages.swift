/// What an agent tells its master.
package enum AgentMessage: Equatable, Sendable {
    /// The first message of every connection.
    case register(AgentRegistration)
    /// An operation's result; sent again at each registration until acknowledged.
    case operationResult(OperationResult)
    /// A task's state; sent again with backoff until the framework has acknowledged it.
    /// `latestState` is where the task stands by now.
    case statusUpdate(StatusUpdate, latestState: TaskState)
    case executorMessage(FrameworkID, ExecutorID, Payload)
    /// An executor ended, with its wait status when that is known.
    case executorExited(FrameworkID, ExecutorID, status: Int32?)
    /// The answer to `ping`.
    case pong(UInt64)
    /// How a volume is limited, and what a task can use of it; when that is known or changes.
    case volumeReport([VolumeReport])
    /// The answer to `eraseVolume`; nil: nothing of its data is left.
    case volumeErased(VolumeUUID, failure: String?)
    /// A volume or disk has crossed a threshold; told once.
    case usageAlarm(UsageAlarm)
}

/// What an agent brings to a (re-)registration.
package struct AgentRegistration: Equatable, Sendable {
    package var description: AgentDescription
    /// Its books after all conversions; without allocation.
    package var total: Resources
    /// The number of the last operation in its journal; 0: none yet.
    package var lastSequence: UInt64
    /// Results that the master has not acknowledged.
    package var results: [OperationResult]
    /// Those whose end the master has not acknowledged, by their numbers; those above
    /// `lastSequence` have not ended yet.
    package var operations: [AgentOperation]
    package var volumes: [VolumeDescription]
    package var frameworks: [FrameworkDescription]
    package var executors: [ExecutorReport]
    package var tasks: [TaskReport]
    /// Rises from one registration to the next for as long as the machine is up, over restarts of
    /// the agent; 0: not known.
    package var number: UInt64

    package init(
        description: AgentDescription, total: Resources, lastSequence: UInt64 = 0,
        results: [OperationResult] = [], operations: [AgentOperation] = [],
        volumes: [VolumeDescription] = [],
        frameworks: [FrameworkDescription] = [], executors: [ExecutorReport] = [],
        tasks: [TaskReport] = [], number: UInt64 = 0
    ) {
        self.description = description
        self.total = total
        self.lastSequence = lastSequence
        self.results = results
        self.operations = operations
        self.volumes = volumes
        self.frameworks = frameworks
        self.executors = executors
        self.tasks = tasks
        self.number = number
    }
}

/// A running executor at registration; command executors are not among them.
package struct ExecutorReport: Equatable, Sendable {
    package var framework: FrameworkID
    package var executor: ExecutorDescription

    package init(framework: FrameworkID, executor: ExecutorDescription) {
        self.framework = framework
        self.executor = executor
    }
}

/// A task that has not ended, or whose end is not acknowledged, at registration.
package struct TaskReport: Equatable, Sendable {
    package var framework: FrameworkID
    package var task: TaskDescription
    /// By now, also what no update has told yet.
    package var state: TaskState
    /// The state and UUID of the update that awaits acknowledgement.
    package var unacknowledged: StatusUpdate?

    package init(
        framework: FrameworkID, task: TaskDescription, state: TaskState,
        unacknowledged: StatusUpdate? = nil
    ) {
        self.framework = framework
        self.task = task
        self.state = state
        self.unacknowledged = unacknowledged
    }
}

/// How a volume fares on its agent.
package struct VolumeReport: Equatable, Sendable {
    package enum Enforcement: String, Hashable, Sendable, CaseIterable {
        case kernel, poll, none
    }

    package var uuid: VolumeUUID
    package var backend: String
    package var enforcement: Enforcement
    package var growsWhileMounted: Bool
    /// What a task can store, in bytes; nil: not known yet.
    package var usableBytes: Int64?
    package var usedBytes: Int64?
    /// Its booked size when this was read; nil: from an agent of an earlier version.
    package var bookedBytes: Int64?

    package init(
        uuid: VolumeUUID, backend: String, enforcement: Enforcement, growsWhileMounted: Bool,
        usableBytes: Int64? = nil, usedBytes: Int64? = nil, bookedBytes: Int64? = nil
    ) {
        self.uuid = uuid
        self.backend = backend
        self.enforcement = enforcement
        self.growsWhileMounted = growsWhileMounted
        self.usableBytes = usableBytes
        self.usedBytes = usedBytes
        self.bookedBytes = bookedBytes
    }
}

/// What a master tells an agent.
package enum MasterMessage: Equatable, Sendable {
    /// Registered under this id; the agent must answer pings and may expect one within this time.
    case registered(AgentID, pingTimeoutMilliseconds: Int64)
    /// Not taken, and why; `isFinal`: the agent must kill its tasks and end (it was marked gone).
    case refused(String, isFinal: Bool)
    case ping(UInt64)
    case applyOperation(AgentOperation)
    /// The master has the result on disk.
    case acknowledgeResult(OperationUUID)
    case launch(TaskLaunch)
    case kill(FrameworkID, TaskID, graceMilliseconds: Int64?)
    /// The framework has the update.
    case acknowledge(FrameworkID, TaskID, UpdateUUID)
    case frameworkMessage(FrameworkID, ExecutorID, Payload)
    case shutdownExecutor(FrameworkID, ExecutorID)
    case shutdownFramework(FrameworkID)
    /// Discard or overwrite a volume that nobody uses. Idempotent; its DESTROY comes after it.
    case eraseVolume(VolumeUUID, EraseOrder)
    /// What the roles' policies say of limits; replaces what was said before. Comes before
    /// `registered` where there are any: an agent that registers without it has none.
    case diskRules([RoleDiskRule])
}

/// Tasks for one executor: one task, or a whole group, which starts whole or not at all.
package struct TaskLaunch: Equatable, Sendable {
    package var framework: FrameworkDescription
    /// Nil: each task is a command task with an executor of its own.
    package var executor: ExecutorDescription?
    package var tasks: [TaskDescription]
    package var isGroup: Bool

    package init(
        framework: FrameworkDescription, executor: ExecutorDescription? = nil,
        tasks: [TaskDescription], isGroup: Bool = false
    ) {
        self.framework = framework
        self.executor = executor
        self.tasks = tasks
        self.isGroup = isGroup
    }
}
