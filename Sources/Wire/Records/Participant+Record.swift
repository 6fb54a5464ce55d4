package import HoldfastAPI
import MesosAPI
package import Model

extension FrameworkDescription: RecordCoded {
    package var form: Holdfast_Framework {
        var form = Holdfast_Framework()
        if let id { form.frameworkID = id.value }
        form.name = name
        form.user = user
        form.roles = roles
        if let principal { form.principal = principal }
        form.hostname = hostname
        form.capabilities = capabilities.rawValue
        form.checkpointing = isCheckpointing
        form.failoverTimeoutMilliseconds = failoverTimeoutMilliseconds
        form.payload = payload.data
        return form
    }

    package init(_ form: Holdfast_Framework) throws(Refusal) {
        self.init(
            id: form.hasFrameworkID ? FrameworkID(form.frameworkID) : nil, name: form.name,
            user: form.user, roles: form.roles,
            principal: form.hasPrincipal ? form.principal : nil, hostname: form.hostname,
            capabilities: Capabilities(rawValue: form.capabilities),
            isCheckpointing: form.checkpointing,
            failoverTimeoutMilliseconds: form.failoverTimeoutMilliseconds,
            payload: Payload(form.payload))
    }
}

extension AgentDescription: RecordCoded {
    package var form: Holdfast_Agent {
        var form = Holdfast_Agent()
        if let id { form.agentID = id.value }
        form.hostname = hostname
        form.address = address
        form.port = UInt32(clamping: port)
        form.resources = resources.form
        form.version = version
        form.bootID = bootID
        form.payload = payload.data
        return form
    }

    package init(_ form: Holdfast_Agent) throws(Refusal) {
        self.init(
            id: form.hasAgentID ? AgentID(form.agentID) : nil, hostname: form.hostname,
            address: form.address, port: Int(form.port), resources: try Resources(form.resources),
            version: form.version, bootID: form.bootID, payload: Payload(form.payload))
    }
}

extension ExecutorDescription: RecordCoded {
    package var form: Holdfast_Executor {
        var form = Holdfast_Executor()
        form.executorID = id.value
        switch kind {
        case .custom: form.kind = .custom
        case .default: form.kind = .default
        case .command: form.kind = .command
        }
        if let framework { form.frameworkID = framework.value }
        form.resources = resources.map(\.form)
        if let shutdownGraceMilliseconds {
            form.shutdownGraceMilliseconds = shutdownGraceMilliseconds
        }
        form.payload = payload.data
        return form
    }

    package init(_ form: Holdfast_Executor) throws(Refusal) {
        guard form.hasKind else { throw Refusal(.invalid, "'executor.kind' is missing") }
        let kind: Kind =
            switch form.kind {
            case .custom: .custom
            case .default: .default
            case .command: .command
            }
        self.init(
            id: try Needed.id(form.executorID, "executor.executor_id"), kind: kind,
            framework: form.hasFrameworkID ? FrameworkID(form.frameworkID) : nil,
            resources: try Needed.list(form.resources),
            shutdownGraceMilliseconds: form.hasShutdownGraceMilliseconds
                ? form.shutdownGraceMilliseconds : nil,
            payload: Payload(form.payload))
    }
}

extension TaskDescription: RecordCoded {
    package var form: Holdfast_Task {
        var form = Holdfast_Task()
        form.taskID = id.value
        form.name = name
        form.agentID = agent.value
        form.resources = resources.map(\.form)
        if let executor { form.executor = executor.form }
        form.hasCommand_p = hasCommand
        if let user { form.user = user }
        if let killGraceMilliseconds { form.killGraceMilliseconds = killGraceMilliseconds }
        if let maxCompletionMilliseconds {
            form.maxCompletionMilliseconds = maxCompletionMilliseconds
        }
        form.hasHealthCheck_p = hasHealthCheck
        form.hasCheck_p = hasCheck
        form.payload = payload.data
        form.diskLimits = diskLimits.map(\.form)
        return form
    }

    package init(_ form: Holdfast_Task) throws(Refusal) {
        self.init(
            id: try Needed.id(form.taskID, "task.task_id"), name: form.name,
            agent: AgentID(form.agentID), resources: try Needed.list(form.resources),
            executor: form.hasExecutor ? try ExecutorDescription(form.executor) : nil,
            hasCommand: form.hasCommand_p, user: form.hasUser ? form.user : nil,
            killGraceMilliseconds: form.hasKillGraceMilliseconds
                ? form.killGraceMilliseconds : nil,
            maxCompletionMilliseconds: form.hasMaxCompletionMilliseconds
                ? form.maxCompletionMilliseconds : nil,
            hasHealthCheck: form.hasHealthCheck_p, hasCheck: form.hasCheck_p,
            diskLimits: try Needed.list(form.diskLimits), payload: Payload(form.payload))
    }
}

extension StatusUpdate: RecordCoded {
    package var form: Holdfast_StatusUpdate {
        var form = Holdfast_StatusUpdate()
        if let uuid { form.uuid = uuid.value }
        form.frameworkID = framework.value
        form.taskID = task.value
        if let executor { form.executorID = executor.value }
        if let agent { form.agentID = agent.value }
        form.state = Mesos_V1_TaskState(state)
        form.source = Mesos_V1_TaskStatus.Source(source)
        if let reason { form.reason = Int32(clamping: reason.number) }
        if let message { form.message = message }
        if let isHealthy { form.healthy = isHealthy }
        form.timestampNanoseconds = timestampNanoseconds
        form.payload = payload.data
        return form
    }

    package init(_ form: Holdfast_StatusUpdate) throws(Refusal) {
        self.init(
            uuid: form.hasUuid ? UpdateUUID(form.uuid) : nil,
            framework: try Needed.id(form.frameworkID, "update.framework_id"),
            task: try Needed.id(form.taskID, "update.task_id"),
            executor: form.hasExecutorID ? ExecutorID(form.executorID) : nil,
            agent: form.hasAgentID ? AgentID(form.agentID) : nil,
            state: TaskState(try Needed.value(form.hasState, form.state, "update.state")),
            source: StatusSource(form.source),
            reason: form.hasReason ? StatusReason(Int(form.reason)) : nil,
            message: form.hasMessage ? form.message : nil,
            isHealthy: form.hasHealthy ? form.healthy : nil,
            timestampNanoseconds: form.timestampNanoseconds, payload: Payload(form.payload))
    }
}

extension TaskKey: RecordCoded {
    package var form: Holdfast_TaskKey {
        var form = Holdfast_TaskKey()
        form.frameworkID = framework.value
        form.taskID = task.value
        return form
    }

    package init(_ form: Holdfast_TaskKey) throws(Refusal) {
        self.init(
            try Needed.id(form.frameworkID, "key.framework_id"),
            try Needed.id(form.taskID, "key.task_id"))
    }
}
