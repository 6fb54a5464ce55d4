/// What a core needs to know of a TaskInfo; the rest rides along in `payload`.
package struct TaskDescription: Equatable, Sendable {
    package var id: TaskID
    package var name: String
    package var agent: AgentID
    /// With the allocation role that the framework gave, or that the master filled in.
    package var resources: [Resource]
    /// Nil for a command task and for the tasks of a group.
    package var executor: ExecutorDescription?
    /// Whether the TaskInfo has a command; exactly one of executor and command must be there.
    package var hasCommand: Bool
    /// Whether the command's user is given, and which.
    package var user: String?
    /// `KillPolicy.grace_period`.
    package var killGraceMilliseconds: Int64?
    package var maxCompletionMilliseconds: Int64?
    /// Whether a health check is there whose failures kill.
    package var hasHealthCheck: Bool
    package var hasCheck: Bool
    /// What happens when its volumes or its sandbox are full; else as their role's policy says.
    package var diskLimits: [DiskLimitRule]
    /// The whole TaskInfo, serialized.
    package var payload: Payload
    /// Why the master refuses it: what was given for it has no meaning. Nil for all that it books.
    package var fault: Refusal?

    package init(
        id: TaskID, name: String, agent: AgentID, resources: [Resource],
        executor: ExecutorDescription? = nil, hasCommand: Bool = true, user: String? = nil,
        killGraceMilliseconds: Int64? = nil, maxCompletionMilliseconds: Int64? = nil,
        hasHealthCheck: Bool = false, hasCheck: Bool = false, diskLimits: [DiskLimitRule] = [],
        payload: Payload = Payload(), fault: Refusal? = nil
    ) {
        self.id = id
        self.name = name
        self.agent = agent
        self.resources = resources
        self.executor = executor
        self.hasCommand = hasCommand
        self.user = user
        self.killGraceMilliseconds = killGraceMilliseconds
        self.maxCompletionMilliseconds = maxCompletionMilliseconds
        self.hasHealthCheck = hasHealthCheck
        self.hasCheck = hasCheck
        self.diskLimits = diskLimits
        self.payload = payload
        self.fault = fault
    }
}

/// What a core needs to know of an ExecutorInfo.
package struct ExecutorDescription: Equatable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Runs the framework's own command, which speaks the executor API.
        case custom
        /// Mesos's built-in executor of task groups.
        case `default`
        /// Our own for one command task; its id is the task's.
        case command
    }

    package var id: ExecutorID
    package var kind: Kind
    package var framework: FrameworkID?
    package var resources: [Resource]
    package var shutdownGraceMilliseconds: Int64?
    /// The whole ExecutorInfo, serialized; two of one id must agree in it.
    package var payload: Payload

    package init(
        id: ExecutorID, kind: Kind, framework: FrameworkID? = nil, resources: [Resource] = [],
        shutdownGraceMilliseconds: Int64? = nil, payload: Payload = Payload()
    ) {
        self.id = id
        self.kind = kind
        self.framework = framework
        self.resources = resources
        self.shutdownGraceMilliseconds = shutdownGraceMilliseconds
        self.payload = payload
    }
}

package enum TaskState: String, Hashable, Sendable, CaseIterable {
    case staging = "TASK_STAGING"
    case starting = "TASK_STARTING"
    case running = "TASK_RUNNING"
    case killing = "TASK_KILLING"
    case finished = "TASK_FINISHED"
    case failed = "TASK_FAILED"
    case killed = "TASK_KILLED"
    case error = "TASK_ERROR"
    case lost = "TASK_LOST"
    case dropped = "TASK_DROPPED"
    case unreachable = "TASK_UNREACHABLE"
    case gone = "TASK_GONE"
    case goneByOperator = "TASK_GONE_BY_OPERATOR"
    case unknown = "TASK_UNKNOWN"

    /// Whether the task has ended for certain: it holds nothing any more.
    package var isTerminal: Bool {
        switch self {
        case .finished, .failed, .killed, .error, .lost, .dropped, .gone, .goneByOperator: true
        case .staging, .starting, .running, .killing, .unreachable, .unknown: false
        }
    }
}

/// Who says so.
package enum StatusSource: String, Hashable, Sendable, CaseIterable {
    case master = "SOURCE_MASTER"
    case agent = "SOURCE_AGENT"
    case executor = "SOURCE_EXECUTOR"
}

/// Why; `TaskStatus.Reason` by Mesos's v1 names, numbers as in the proto.
package struct StatusReason: Hashable, Sendable {
    /// The number in `TaskStatus.Reason`.
    package let number: Int

    package init(_ number: Int) { self.number = number }

    package static let commandExecutorFailed = StatusReason(0)
    package static let executorTerminated = StatusReason(1)
    package static let executorUnregistered = StatusReason(2)
    package static let frameworkRemoved = StatusReason(3)
    package static let invalidFrameworkID = StatusReason(5)
    package static let invalidOffers = StatusReason(6)
    package static let masterDisconnected = StatusReason(7)
    package static let memoryLimitation = StatusReason(8)
    package static let reconciliation = StatusReason(9)
    package static let agentDisconnected = StatusReason(10)
    package static let agentRemoved = StatusReason(11)
    package static let agentRestarted = StatusReason(12)
    package static let agentUnknown = StatusReason(13)
    package static let taskInvalid = StatusReason(14)
    package static let taskUnknown = StatusReason(16)
    /// REASON_CONTAINER_PREEMPTED.
    package static let preempted = StatusReason(17)
    package static let resourcesUnknown = StatusReason(18)
    package static let diskLimitation = StatusReason(20)
    package static let launchFailed = StatusReason(21)
    package static let containerUpdateFailed = StatusReason(22)
    package static let registrationTimeout = StatusReason(23)
    package static let reregistrationTimeout = StatusReason(24)
    package static let taskGroupInvalid = StatusReason(25)
    package static let checkStatusUpdated = StatusReason(28)
    package static let healthCheckStatusUpdated = StatusReason(29)
    package static let killedDuringLaunch = StatusReason(30)
    package static let agentRemovedByOperator = StatusReason(31)
    package static let agentReregistered = StatusReason(32)
    package static let maxCompletionTimeReached = StatusReason(33)
}

/// One report of a task's state, on its way from an executor to its framework.
package struct StatusUpdate: Equatable, Sendable {
    /// Nil: needs no acknowledgement.
    package var uuid: UpdateUUID?
    package var framework: FrameworkID
    package var task: TaskID
    package var executor: ExecutorID?
    package var agent: AgentID?
    package var state: TaskState
    package var source: StatusSource
    package var reason: StatusReason?
    package var message: String?
    package var isHealthy: Bool?
    /// Nanoseconds since 1970.
    package var timestampNanoseconds: Int64
    /// A serialized TaskStatus with what the cores do not look at (data, labels, check status,
    /// container status); the fields above win over it. Empty: nothing more.
    package var payload: Payload

    package init(
        uuid: UpdateUUID?, framework: FrameworkID, task: TaskID, executor: ExecutorID? = nil,
        agent: AgentID? = nil, state: TaskState, source: StatusSource,
        reason: StatusReason? = nil, message: String? = nil, isHealthy: Bool? = nil,
        timestampNanoseconds: Int64, payload: Payload = Payload()
    ) {
        self.uuid = uuid
        self.framework = framework
        self.task = task
        self.executor = executor
        self.agent = agent
        self.state = state
        self.source = source
        self.reason = reason
        self.message = message
        self.isHealthy = isHealthy
        self.timestampNanoseconds = timestampNanoseconds
        self.payload = payload
    }

    package var key: TaskKey { TaskKey(framework, task) }
}
