package import HoldfastAPI
package import Model

extension MasterMessage: RecordCoded {
    package var form: Holdfast_MasterMessage {
        var form = Holdfast_MasterMessage()
        switch self {
        case .registered(let agent, let timeout):
            form.registered.agentID = agent.value
            form.registered.pingTimeoutMilliseconds = timeout
        case .refused(let message, let isFinal):
            form.refused.message = message
            form.refused.final = isFinal
        case .ping(let number): form.ping = number
        case .applyOperation(let operation): form.applyOperation = operation.form
        case .acknowledgeResult(let uuid): form.acknowledgeResult = uuid.value
        case .launch(let launch): form.launch = launch.form
        case .kill(let framework, let task, let grace):
            form.kill.task = TaskKey(framework, task).form
            if let grace { form.kill.graceMilliseconds = grace }
        case .acknowledge(let framework, let task, let uuid):
            form.acknowledge.task = TaskKey(framework, task).form
            form.acknowledge.uuid = uuid.value
        case .frameworkMessage(let framework, let executor, let data):
            form.frameworkMessage.frameworkID = framework.value
            form.frameworkMessage.executorID = executor.value
            form.frameworkMessage.data = data.data
        case .shutdownExecutor(let framework, let executor):
            form.shutdownExecutor.frameworkID = framework.value
            form.shutdownExecutor.executorID = executor.value
        case .shutdownFramework(let framework): form.shutdownFramework = framework.value
        case .eraseVolume(let uuid, let order):
            form.eraseVolume.uuid = uuid.value
            form.eraseVolume.order = order.form
        case .diskRules(let rules): form.diskRules.rules = rules.map(\.form)
        }
        return form
    }

    package init(_ form: Holdfast_MasterMessage) throws(Refusal) {
        switch form.kind {
        case .registered(let form):
            self = .registered(
                try Needed.id(form.agentID, "registered.agent_id"),
                pingTimeoutMilliseconds: form.pingTimeoutMilliseconds)
        case .refused(let form): self = .refused(form.message, isFinal: form.final)
        case .ping(let number): self = .ping(number)
        case .applyOperation(let form): self = .applyOperation(try AgentOperation(form))
        case .acknowledgeResult(let uuid):
            self = .acknowledgeResult(try Needed.id(uuid, "acknowledge_result"))
        case .launch(let form): self = .launch(try TaskLaunch(form))
        case .kill(let form):
            let key = try TaskKey(form.task)
            self = .kill(
                key.framework, key.task,
                graceMilliseconds: form.hasGraceMilliseconds ? form.graceMilliseconds : nil)
        case .acknowledge(let form):
            let key = try TaskKey(form.task)
            self = .acknowledge(
                key.framework, key.task, try Needed.id(form.uuid, "acknowledge.uuid"))
        case .frameworkMessage(let form):
            self = .frameworkMessage(
                try Needed.id(form.frameworkID, "message.framework_id"),
                try Needed.id(form.executorID, "message.executor_id"), Payload(form.data))
        case .shutdownExecutor(let form):
            self = .shutdownExecutor(
                try Needed.id(form.frameworkID, "shutdown.framework_id"),
                try Needed.id(form.executorID, "shutdown.executor_id"))
        case .shutdownFramework(let id):
            self = .shutdownFramework(try Needed.id(id, "shutdown_framework"))
        case .eraseVolume(let form):
            self = .eraseVolume(
                try Needed.id(form.uuid, "erase.uuid"),
                try EraseOrder(try Needed.value(form.hasOrder, form.order, "erase.order")))
        case .diskRules(let form): self = .diskRules(try Needed.list(form.rules))
        case nil: throw Refusal(.invalid, "the master's message is of a later version")
        }
    }
}

extension TaskLaunch: RecordCoded {
    package var form: Holdfast_Launch {
        var form = Holdfast_Launch()
        form.framework = framework.form
        if let executor { form.executor = executor.form }
        form.tasks = tasks.map(\.form)
        form.group = isGroup
        return form
    }

    package init(_ form: Holdfast_Launch) throws(Refusal) {
        self.init(
            framework: try FrameworkDescription(
                try Needed.value(form.hasFramework, form.framework, "launch.framework")),
            executor: form.hasExecutor ? try ExecutorDescription(form.executor) : nil,
            tasks: try Needed.list(form.tasks), isGroup: form.group)
    }
}
