package import HoldfastAPI
import MesosAPI
package import Model

extension TransactionStep: RecordCoded {
    package var form: Holdfast_TransactionStep {
        var form = Holdfast_TransactionStep()
        form.uuid = uuid.value
        form.type = Mesos_V1_Offer.Operation.TypeEnum(type)
        if let id { form.operationID = id.value }
        if conversion != .nothing { form.conversion = conversion.form }
        form.volumes = volumes.map(\.value)
        return form
    }

    package init(_ form: Holdfast_TransactionStep) throws(Refusal) {
        guard form.hasType, let type = form.type.operationType else {
            throw Refusal(.invalid, "'step.type' is missing or not one for an agent")
        }
        self.init(
            uuid: try Needed.id(form.uuid, "step.uuid"), type: type,
            id: form.hasOperationID ? OperationID(form.operationID) : nil,
            conversion: form.hasConversion ? try ResourceConversion(form.conversion) : .nothing,
            volumes: form.volumes.map { VolumeUUID($0) })
    }
}

extension TransactionKey: RecordCoded {
    package var form: Holdfast_TransactionKey {
        var form = Holdfast_TransactionKey()
        if let framework { form.frameworkID = framework.value }
        if let principal { form.principal = principal }
        form.key = key
        return form
    }

    package init(_ form: Holdfast_TransactionKey) throws(Refusal) {
        self.init(
            framework: form.hasFrameworkID ? FrameworkID(form.frameworkID) : nil,
            principal: form.hasPrincipal ? form.principal : nil,
            key: try Needed.value(form.hasKey, form.key, "transaction.key"))
    }
}

extension TransactionRow: RecordCoded {
    package var form: Holdfast_TransactionRow {
        var form = Holdfast_TransactionRow()
        if let framework = owner.framework { form.frameworkID = framework.value }
        if let principal = owner.principal { form.principal = principal }
        form.key = owner.key
        form.fingerprint = fingerprint
        if let uuid = result.uuid { form.uuid = uuid.value }
        if let agent = result.agent { form.agentID = agent.value }
        form.state = Mesos_V1_OperationState(result.state)
        if let message = result.message { form.message = message }
        form.startedNanoseconds = startedNanoseconds
        form.steps = result.steps.map(\.form)
        form.tasks = result.tasks.map(\.value)
        return form
    }

    package init(_ form: Holdfast_TransactionRow) throws(Refusal) {
        let state = try Needed.value(form.hasState, form.state, "transaction.state")
        self.init(
            owner: TransactionKey(
                framework: form.hasFrameworkID ? FrameworkID(form.frameworkID) : nil,
                principal: form.hasPrincipal ? form.principal : nil,
                key: try Needed.value(form.hasKey, form.key, "transaction.key")),
            fingerprint: form.fingerprint, startedNanoseconds: form.startedNanoseconds,
            result: Transaction(
                uuid: try Needed.id(form.uuid, "transaction.uuid"), key: form.key,
                agent: try Needed.id(form.agentID, "transaction.agent_id"),
                state: OperationState(state), message: form.hasMessage ? form.message : nil,
                steps: try Needed.list(form.steps), tasks: form.tasks.map { TaskID($0) }))
    }
}
