package import MesosAPI
package import Model

extension TaskDescription {
    /// What the cores need to know of a task; the whole message goes along as payload. Throws
    /// `invalid` for resources that have no meaning.
    package init(_ message: Mesos_V1_TaskInfo) throws(Refusal) {
        let diskLimits = try DiskLimitRule.list(message.diskLimits)
        self.init(
            id: TaskID(message.taskID.value), name: message.name,
            agent: AgentID(message.agentID.value),
            resources: try Resource.list(message.resources),
            executor: message.hasExecutor ? try ExecutorDescription(message.executor) : nil,
            hasCommand: message.hasCommand,
            user: message.command.hasUser ? message.command.user : nil,
            killGraceMilliseconds: message.killPolicy.hasGracePeriod
                ? Duration.milliseconds(message.killPolicy.gracePeriod) : nil,
            maxCompletionMilliseconds: message.hasMaxCompletionTime
                ? Duration.milliseconds(message.maxCompletionTime) : nil,
            hasHealthCheck: message.hasHealthCheck, hasCheck: message.hasCheck,
            diskLimits: diskLimits, payload: Payload(message))
        try diskLimits.validate(with: resources + (executor?.resources ?? []))
    }

    /// A task that a framework wants launched. One without meaning is kept, without resources, with
    /// its fault.
    package init(offered message: Mesos_V1_TaskInfo) {
        do throws(Refusal) {
            self = try TaskDescription(message)
        } catch {
            self.init(
                id: TaskID(message.taskID.value), name: message.name,
                agent: AgentID(message.agentID.value), resources: [], payload: Payload(message),
                fault: error)
        }
    }

    /// Reads a list; the first wrong one is told.
    package static func list(
        _ messages: [Mesos_V1_TaskInfo]
    ) throws(Refusal) -> [TaskDescription] {
        var tasks: [TaskDescription] = []
        for message in messages { tasks.append(try TaskDescription(message)) }
        return tasks
    }
}

extension ExecutorDescription {
    /// What the cores need to know of an executor. Throws `invalid` for resources that have no
    /// meaning.
    package init(_ message: Mesos_V1_ExecutorInfo) throws(Refusal) {
        let isDefault = message.type == .default
        self.init(
            id: ExecutorID(message.executorID.value), kind: isDefault ? .default : .custom,
            framework: message.hasFrameworkID ? FrameworkID(message.frameworkID.value) : nil,
            resources: try Resource.list(message.resources),
            shutdownGraceMilliseconds: message.hasShutdownGracePeriod
                ? Duration.milliseconds(message.shutdownGracePeriod) : nil,
            payload: Payload(message))
    }
}

extension Mesos_V1_ExecutorInfo {
    /// The whole message, with the resources and the framework that the cores know.
    package init(_ executor: ExecutorDescription, form: ReservationForm = .postRefinement) {
        self = executor.payload.message()
        executorID.value = executor.id.value
        if let framework = executor.framework { frameworkID.value = framework.value }
        resources = Mesos_V1_Resource.list(executor.resources, form: form)
        guard executor.payload.bytes.isEmpty else { return }
        switch executor.kind {
        case .custom: type = .custom
        case .default: type = .default
        case .command: break
        }
        if let grace = executor.shutdownGraceMilliseconds {
            shutdownGracePeriod = Duration.message(milliseconds: grace)
        }
    }
}

extension Mesos_V1_TaskInfo {
    /// The whole message, with the resources that the cores know.
    package init(_ task: TaskDescription, form: ReservationForm = .postRefinement) {
        self = task.payload.message()
        taskID.value = task.id.value
        agentID.value = task.agent.value
        name = task.name
        resources = Mesos_V1_Resource.list(task.resources, form: form)
        if let executor = task.executor {
            self.executor = Mesos_V1_ExecutorInfo(executor, form: form)
        }
    }
}

extension Mesos_V1_Task {
    /// A task for operators, with all its updates, the oldest first. `executor` is nil for a
    /// command task.
    package init(
        _ task: TaskDescription, framework: FrameworkID, executor: ExecutorID?,
        state: TaskState, updates: [StatusUpdate]
    ) {
        let info = Mesos_V1_TaskInfo(task)
        self.init()
        name = task.name
        taskID.value = task.id.value
        frameworkID.value = framework.value
        if let executor { executorID.value = executor.value }
        agentID.value = task.agent.value
        self.state = Mesos_V1_TaskState(state)
        resources = info.resources
        statuses = updates.map { update in
            var status = Mesos_V1_TaskStatus(update)
            // The framework's bytes are for the framework alone.
            status.clearData()
            return status
        }
        if let last = updates.last {
            statusUpdateState = Mesos_V1_TaskState(last.state)
            if let uuid = last.uuid { statusUpdateUuid = Bytes.data(uuidBytes(uuid.value)) }
        }
        if info.hasLabels { labels = info.labels }
        if info.hasDiscovery { discovery = info.discovery }
        if info.hasContainer { container = info.container }
        if info.hasHealthCheck { healthCheck = info.healthCheck }
        if info.hasKillPolicy { killPolicy = info.killPolicy }
        if info.command.hasUser { user = info.command.user }
        limits = info.limits
    }
}
