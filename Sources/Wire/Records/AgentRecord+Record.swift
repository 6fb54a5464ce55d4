package import HoldfastAPI
package import Model

extension AgentRecord: RecordCoded {
    package var form: Holdfast_AgentRecord {
        var form = Holdfast_AgentRecord()
        switch self {
        case .identified(let id): form.identified = id.value
        case .started(let bootID, let resources):
            form.started.bootID = bootID
            form.started.resources = resources.form
        case .operationEnded(let operation, let result):
            form.operationEnded.operation = operation.form
            form.operationEnded.result = result.form
        case .resultAcknowledged(let uuid): form.resultAcknowledged = uuid.value
        case .frameworkStored(let framework): form.frameworkStored = framework.form
        case .frameworkRemoved(let id): form.frameworkRemoved = id.value
        case .executorStored(let row): form.executorStored = row.form
        case .executorRemoved(let framework, let executor):
            form.executorRemoved.frameworkID = framework.value
            form.executorRemoved.executorID = executor.value
        case .taskStored(let row): form.taskStored = row.form
        case .taskRemoved(let key): form.taskRemoved = key.form
        case .updateStored(let update): form.updateStored = update.form
        case .updateAcknowledged(let key, let uuid):
            form.updateAcknowledged.task = key.form
            form.updateAcknowledged.uuid = uuid.value
        case .volumesPrepared(let uuids): form.volumesPrepared.uuids = uuids.map(\.value)
        case .transactionBegun(let operation): form.transactionBegun = operation.form
        case .volumesDoomed(let operation, let uuids):
            form.volumesDoomed.operationUuid = operation.value
            form.volumesDoomed.uuids = uuids.map(\.value)
        case .volumesDiscarded(let operation): form.volumesDiscarded = operation.value
        case .snapshot(let lastSequence, let total, let volumes, let unprepared):
            form.snapshot.lastSequence = lastSequence
            form.snapshot.total = total.form
            form.snapshot.volumes = volumes.map(\.form)
            form.snapshot.unprepared = unprepared.map(\.value)
        }
        return form
    }

    package init(_ form: Holdfast_AgentRecord) throws(Refusal) {
        switch form.kind {
        case .identified(let id): self = .identified(try Needed.id(id, "identified"))
        case .started(let form):
            self = .started(bootID: form.bootID, resources: try Resources(form.resources))
        case .operationEnded(let form):
            self = .operationEnded(
                try AgentOperation(form.operation), try OperationResult(form.result))
        case .resultAcknowledged(let id):
            self = .resultAcknowledged(try Needed.id(id, "result_acknowledged"))
        case .frameworkStored(let form): self = .frameworkStored(try FrameworkDescription(form))
        case .frameworkRemoved(let id):
            self = .frameworkRemoved(try Needed.id(id, "framework_removed"))
        case .executorStored(let row): self = .executorStored(try ExecutorRow(row))
        case .executorRemoved(let form):
            self = .executorRemoved(
                try Needed.id(form.frameworkID, "executor_removed.framework_id"),
                try Needed.id(form.executorID, "executor_removed.executor_id"))
        case .taskStored(let row): self = .taskStored(try TaskRow(row))
        case .taskRemoved(let key): self = .taskRemoved(try TaskKey(key))
        case .updateStored(let form): self = .updateStored(try StatusUpdate(form))
        case .updateAcknowledged(let form):
            self = .updateAcknowledged(
                try TaskKey(form.task), try Needed.id(form.uuid, "update_acknowledged.uuid"))
        case .volumesPrepared(let form):
            self = .volumesPrepared(form.uuids.map { VolumeUUID($0) })
        case .transactionBegun(let form): self = .transactionBegun(try AgentOperation(form))
        case .volumesDoomed(let form):
            self = .volumesDoomed(
                try Needed.id(form.operationUuid, "volumes_doomed.operation_uuid"),
                form.uuids.map { VolumeUUID($0) })
        case .volumesDiscarded(let id):
            self = .volumesDiscarded(try Needed.id(id, "volumes_discarded"))
        case .snapshot(let form):
            self = .snapshot(
                lastSequence: form.lastSequence, total: try Resources(form.total),
                volumes: try Needed.list(form.volumes),
                unprepared: form.unprepared.map { VolumeUUID($0) })
        case nil: throw Refusal(.invalid, "the agent's record is of a later version")
        }
    }
}

extension ExecutorRow: RecordCoded {
    package var form: Holdfast_ExecutorRow {
        var form = Holdfast_ExecutorRow()
        form.frameworkID = framework.value
        form.executor = executor.form
        form.containerID = container.value
        form.directory = directory
        if let user { form.user = user }
        return form
    }

    package init(_ form: Holdfast_ExecutorRow) throws(Refusal) {
        self.init(
            framework: try Needed.id(form.frameworkID, "executor.framework_id"),
            executor: try ExecutorDescription(form.executor),
            container: try Needed.id(form.containerID, "executor.container_id"),
            directory: form.directory, user: form.hasUser ? form.user : nil)
    }
}

extension TaskRow: RecordCoded {
    package var form: Holdfast_TaskRow {
        var form = Holdfast_TaskRow()
        form.frameworkID = framework.value
        form.executorID = executor.value
        form.task = task.form
        form.killed = isKilled
        return form
    }

    package init(_ form: Holdfast_TaskRow) throws(Refusal) {
        self.init(
            framework: try Needed.id(form.frameworkID, "task.framework_id"),
            executor: try Needed.id(form.executorID, "task.executor_id"),
            task: try TaskDescription(form.task), isKilled: form.killed)
    }
}
