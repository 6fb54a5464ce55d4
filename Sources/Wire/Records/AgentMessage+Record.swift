package import HoldfastAPI
import MesosAPI
package import Model

extension AgentMessage: RecordCoded {
    package var form: Holdfast_AgentMessage {
        var form = Holdfast_AgentMessage()
        switch self {
        case .register(let registration): form.register = registration.form
        case .operationResult(let result): form.operationResult = result.form
        case .statusUpdate(let update, let latestState):
            form.statusUpdate.update = update.form
            form.statusUpdate.latestState = Mesos_V1_TaskState(latestState)
        case .executorMessage(let framework, let executor, let data):
            form.executorMessage.frameworkID = framework.value
            form.executorMessage.executorID = executor.value
            form.executorMessage.data = data.data
        case .executorExited(let framework, let executor, let status):
            form.executorExited.frameworkID = framework.value
            form.executorExited.executorID = executor.value
            if let status { form.executorExited.status = status }
        case .pong(let number): form.pong = number
        case .volumeReport(let reports): form.volumeReport.reports = reports.map(\.form)
        case .volumeErased(let uuid, let failure):
            form.volumeErased.uuid = uuid.value
            if let failure { form.volumeErased.failure = failure }
        case .usageAlarm(let alarm): form.usageAlarm = alarm.form
        }
        return form
    }

    package init(_ form: Holdfast_AgentMessage) throws(Refusal) {
        switch form.kind {
        case .register(let form): self = .register(try AgentRegistration(form))
        case .operationResult(let form): self = .operationResult(try OperationResult(form))
        case .statusUpdate(let form):
            let state = try Needed.value(form.hasLatestState, form.latestState, "latest_state")
            self = .statusUpdate(try StatusUpdate(form.update), latestState: TaskState(state))
        case .executorMessage(let form):
            self = .executorMessage(
                try Needed.id(form.frameworkID, "message.framework_id"),
                try Needed.id(form.executorID, "message.executor_id"), Payload(form.data))
        case .executorExited(let form):
            self = .executorExited(
                try Needed.id(form.frameworkID, "exited.framework_id"),
                try Needed.id(form.executorID, "exited.executor_id"),
                status: form.hasStatus ? form.status : nil)
        case .pong(let number): self = .pong(number)
        case .volumeReport(let form): self = .volumeReport(try Needed.list(form.reports))
        case .volumeErased(let form):
            self = .volumeErased(
                try Needed.id(form.uuid, "erased.uuid"),
                failure: form.hasFailure ? form.failure : nil)
        case .usageAlarm(let form): self = .usageAlarm(try UsageAlarm(form))
        case nil: throw Refusal(.invalid, "the agent's message is of a later version")
        }
    }
}

extension AgentRegistration: RecordCoded {
    package var form: Holdfast_Registration {
        var form = Holdfast_Registration()
        form.agent = description.form
        form.total = total.form
        form.lastSequence = lastSequence
        form.results = results.map(\.form)
        form.operations = operations.map(\.form)
        form.volumes = volumes.map(\.form)
        form.frameworks = frameworks.map(\.form)
        form.executors = executors.map(\.form)
        form.tasks = tasks.map(\.form)
        if number > 0 { form.number = number }
        return form
    }

    package init(_ form: Holdfast_Registration) throws(Refusal) {
        guard form.hasAgent, form.hasTotal else {
            throw Refusal(.invalid, "'register.agent' or 'register.total' is missing")
        }
        self.init(
            description: try AgentDescription(form.agent), total: try Resources(form.total),
            lastSequence: form.lastSequence, results: try Needed.list(form.results),
            operations: try Needed.list(form.operations),
            volumes: try Needed.list(form.volumes), frameworks: try Needed.list(form.frameworks),
            executors: try Needed.list(form.executors), tasks: try Needed.list(form.tasks),
            number: form.number)
    }
}

extension ExecutorReport: RecordCoded {
    package var form: Holdfast_ExecutorReport {
        var form = Holdfast_ExecutorReport()
        form.frameworkID = framework.value
        form.executor = executor.form
        return form
    }

    package init(_ form: Holdfast_ExecutorReport) throws(Refusal) {
        self.init(
            framework: try Needed.id(form.frameworkID, "executor.framework_id"),
            executor: try ExecutorDescription(form.executor))
    }
}

extension TaskReport: RecordCoded {
    package var form: Holdfast_TaskReport {
        var form = Holdfast_TaskReport()
        form.frameworkID = framework.value
        form.task = task.form
        form.state = Mesos_V1_TaskState(state)
        if let unacknowledged { form.unacknowledged = unacknowledged.form }
        return form
    }

    package init(_ form: Holdfast_TaskReport) throws(Refusal) {
        self.init(
            framework: try Needed.id(form.frameworkID, "task.framework_id"),
            task: try TaskDescription(form.task),
            state: TaskState(try Needed.value(form.hasState, form.state, "task.state")),
            unacknowledged: form.hasUnacknowledged ? try StatusUpdate(form.unacknowledged) : nil)
    }
}
