package import Model

/// What the shell needs to start a container.
package struct ContainerLaunch: Equatable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Runs the command of `task`.
        case command
        /// Runs the command of `executor`, which then speaks the executor API.
        case executor
    }

    package var container: ContainerID
    package var kind: Kind
    package var agent: AgentID
    package var framework: FrameworkDescription
    package var executor: ExecutorDescription
    /// The command task, or the first task that awaits the executor.
    package var task: TaskDescription
    /// The sandbox, an absolute path; the shell makes it.
    package var directory: String
    /// The task's user, else the framework's; an executor's own command may name another.
    package var user: String
    /// Of the executor and of its first task, with their allocation role.
    package var resources: [Resource]
    /// Those that it starts with: an executor's own, not its tasks'.
    package var volumes: [VolumeMount]

    package init(
        container: ContainerID, kind: Kind, agent: AgentID, framework: FrameworkDescription,
        executor: ExecutorDescription, task: TaskDescription, directory: String, user: String,
        resources: [Resource], volumes: [VolumeMount]
    ) {
        self.container = container
        self.kind = kind
        self.agent = agent
        self.framework = framework
        self.executor = executor
        self.task = task
        self.directory = directory
        self.user = user
        self.resources = resources
        self.volumes = volumes
    }
}

/// A persistent volume in a container.
package struct VolumeMount: Hashable, Sendable {
    package var volume: VolumeUUID
    /// As the framework gave it: absolute, or below the sandbox.
    package var containerPath: String
    package var isReadOnly: Bool
    /// Whether tasks of several frameworks may use it at once.
    package var isShared: Bool

    package init(
        volume: VolumeUUID, containerPath: String, isReadOnly: Bool, isShared: Bool = false
    ) {
        self.volume = volume
        self.containerPath = containerPath
        self.isReadOnly = isReadOnly
        self.isShared = isShared
    }
}

/// How far a kill has come.
package enum ContainerSignal: Hashable, Sendable {
    /// SIGTERM to the task's process group.
    case terminate
    /// SIGKILL to everything in the container.
    case kill
}

/// How a container ended.
package struct ContainerEnd: Hashable, Sendable {
    /// As `wait` returns it; nil: not known.
    package var waitStatus: Int32?
    package var isOutOfMemory: Bool
    /// More about the end, for people: what the launcher or an isolator says.
    package var message: String?
    /// A serialized TaskStatus with what belongs to the end (`limitation`); empty: nothing.
    package var status: Payload

    package init(
        waitStatus: Int32?, isOutOfMemory: Bool = false, message: String? = nil,
        status: Payload = Payload()
    ) {
        self.waitStatus = waitStatus
        self.isOutOfMemory = isOutOfMemory
        self.message = message
        self.status = status
    }
}

/// What a health or readiness check says of a task.
package struct CheckOutcome: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A check (`TaskInfo.check`) has a new result.
        case check
        /// A health check passed (again).
        case healthy
        /// A health check failed; `isFatal`: often enough, and after the grace period.
        case unhealthy(isFatal: Bool)
    }

    package var kind: Kind
    package var message: String?
    /// A serialized TaskStatus with `check_status`; empty: nothing.
    package var status: Payload

    package init(_ kind: Kind, message: String? = nil, status: Payload = Payload()) {
        self.kind = kind
        self.message = message
        self.status = status
    }
}
