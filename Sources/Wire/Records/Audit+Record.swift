package import HoldfastAPI
package import Model

extension AuditEntry: RecordCoded {
    package var form: Holdfast_AuditEntry {
        var form = Holdfast_AuditEntry()
        form.nanoseconds = nanoseconds
        form.action = action.rawValue
        switch outcome {
        case .finished: form.outcome = .finished
        case .failed: form.outcome = .failed
        case .refused: form.outcome = .refused
        case .unknown: form.outcome = .notKnown
        }
        if let message { form.message = message }
        if let framework { form.frameworkID = framework.value }
        if let principal { form.principal = principal }
        if let agent { form.agentID = agent.value }
        if let task { form.taskID = task.value }
        if let operation { form.operationUuid = operation.value }
        if let operationID { form.operationID = operationID.value }
        form.consumed = consumed.map(\.form)
        form.converted = converted.map(\.form)
        form.volumes = volumes.map(\.value)
        if isRetold { form.retold = true }
        if let transaction { form.transactionUuid = transaction.value }
        return form
    }

    package init(_ form: Holdfast_AuditEntry) throws(Refusal) {
        guard let action = AuditAction(rawValue: form.action) else {
            throw Refusal(.invalid, "'audited.action' is missing or of a later version")
        }
        guard form.hasOutcome else { throw Refusal(.invalid, "'audited.outcome' is missing") }
        let outcome: AuditOutcome =
            switch form.outcome {
            case .finished: .finished
            case .failed: .failed
            case .refused: .refused
            case .notKnown: .unknown
            }
        self.init(
            nanoseconds: form.nanoseconds, action: action, outcome: outcome,
            message: form.hasMessage ? form.message : nil)
        framework = form.hasFrameworkID ? FrameworkID(form.frameworkID) : nil
        principal = form.hasPrincipal ? form.principal : nil
        agent = form.hasAgentID ? AgentID(form.agentID) : nil
        task = form.hasTaskID ? TaskID(form.taskID) : nil
        operation = form.hasOperationUuid ? OperationUUID(form.operationUuid) : nil
        operationID = form.hasOperationID ? OperationID(form.operationID) : nil
        consumed = try Needed.list(form.consumed)
        converted = try Needed.list(form.converted)
        volumes = form.volumes.map { VolumeUUID($0) }
        isRetold = form.retold
        transaction = form.hasTransactionUuid ? OperationUUID(form.transactionUuid) : nil
    }
}

extension VolumeUse: RecordCoded {
    package var form: Holdfast_VolumeUse {
        var form = Holdfast_VolumeUse()
        form.task = task.form
        form.name = name
        form.sinceNanoseconds = sinceNanoseconds
        if let untilNanoseconds { form.untilNanoseconds = untilNanoseconds }
        return form
    }

    package init(_ form: Holdfast_VolumeUse) throws(Refusal) {
        self.init(
            task: try TaskKey(form.task), name: form.name,
            sinceNanoseconds: form.sinceNanoseconds,
            untilNanoseconds: form.hasUntilNanoseconds ? form.untilNanoseconds : nil)
    }
}

extension ReservationRow: RecordCoded {
    package var form: Holdfast_ReservationRow {
        var form = Holdfast_ReservationRow()
        form.uuid = uuid.value
        form.agentID = agent.value
        form.stack = stack.map(\.form)
        if let framework { form.frameworkID = framework.value }
        form.createdNanoseconds = createdNanoseconds
        if let lease {
            form.leaseMilliseconds = lease.milliseconds
            form.leaseRenewedNanoseconds = lease.renewedNanoseconds
        }
        return form
    }

    package init(_ form: Holdfast_ReservationRow) throws(Refusal) {
        self.init(
            uuid: try Needed.id(form.uuid, "reservation.uuid"),
            agent: try Needed.id(form.agentID, "reservation.agent_id"),
            stack: try Needed.list(form.stack),
            framework: form.hasFrameworkID ? FrameworkID(form.frameworkID) : nil,
            createdNanoseconds: form.createdNanoseconds,
            lease: form.hasLeaseMilliseconds
                ? Lease(
                    milliseconds: form.leaseMilliseconds,
                    renewedNanoseconds: form.leaseRenewedNanoseconds) : nil)
    }
}
