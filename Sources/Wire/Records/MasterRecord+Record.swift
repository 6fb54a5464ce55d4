package import HoldfastAPI
package import Model

extension MasterRecord: RecordCoded {
    package var form: Holdfast_MasterRecord {
        var form = Holdfast_MasterRecord()
        switch self {
        case .clusterCreated(let id): form.clusterCreated = id
        case .agentStored(let row): form.agentStored = row.form
        case .agentRemoved(let id): form.agentRemoved = id.value
        case .piecesStored(let agent, let set, let removed):
            form.piecesStored.agentID = agent.value
            form.piecesStored.set = set.map(\.form)
            form.piecesStored.removed = removed.map(\.form)
        case .volumeStored(let row): form.volumeStored = row.form
        case .volumeRemoved(let uuid): form.volumeRemoved = uuid.value
        case .operationStored(let row): form.operationStored = row.form
        case .operationRemoved(let uuid): form.operationRemoved = uuid.value
        case .frameworkStored(let row): form.frameworkStored = row.form
        case .frameworkRemoved(let id): form.frameworkRemoved = id.value
        case .audited(let entry): form.audited = entry.form
        case .reservationStored(let row): form.reservationStored = row.form
        case .reservationRemoved(let uuid): form.reservationRemoved = uuid.value
        case .transactionStored(let row): form.transactionStored = row.form
        case .transactionRemoved(let key): form.transactionRemoved = key.form
        case .policyStored(let policy): form.policyStored = policy.form
        case .policyRemoved(let role): form.policyRemoved = role
        }
        return form
    }

    package init(_ form: Holdfast_MasterRecord) throws(Refusal) {
        switch form.kind {
        case .clusterCreated(let id): self = .clusterCreated(id: id)
        case .agentStored(let row): self = .agentStored(try AgentRow(row))
        case .agentRemoved(let id): self = .agentRemoved(try Needed.id(id, "agent_removed"))
        case .piecesStored(let form):
            self = .piecesStored(
                try Needed.id(form.agentID, "pieces.agent_id"), set: try Needed.list(form.set),
                removed: try Needed.list(form.removed))
        case .volumeStored(let row): self = .volumeStored(try VolumeRow(row))
        case .volumeRemoved(let id): self = .volumeRemoved(try Needed.id(id, "volume_removed"))
        case .operationStored(let row): self = .operationStored(try OperationRow(row))
        case .operationRemoved(let id):
            self = .operationRemoved(try Needed.id(id, "operation_removed"))
        case .frameworkStored(let row): self = .frameworkStored(try FrameworkRow(row))
        case .frameworkRemoved(let id):
            self = .frameworkRemoved(try Needed.id(id, "framework_removed"))
        case .audited(let form): self = .audited(try AuditEntry(form))
        case .reservationStored(let row): self = .reservationStored(try ReservationRow(row))
        case .reservationRemoved(let id):
            self = .reservationRemoved(try Needed.id(id, "reservation_removed"))
        case .transactionStored(let row): self = .transactionStored(try TransactionRow(row))
        case .transactionRemoved(let key): self = .transactionRemoved(try TransactionKey(key))
        case .policyStored(let form): self = .policyStored(try LifecyclePolicy(form))
        case .policyRemoved(let role): self = .policyRemoved(role)
        case nil: throw Refusal(.invalid, "the master's record is of a later version")
        }
    }
}

extension AgentRow: RecordCoded {
    package var form: Holdfast_AgentRow {
        var form = Holdfast_AgentRow()
        form.agentID = id.value
        form.agent = description.form
        switch standing {
        case .admitted: form.standing = .admitted
        case .unreachable: form.standing = .unreachable
        case .gone: form.standing = .gone
        }
        form.sinceNanoseconds = sinceNanoseconds
        form.registeredNanoseconds = registeredNanoseconds
        form.lastSequence = lastSequence
        return form
    }

    package init(_ form: Holdfast_AgentRow) throws(Refusal) {
        guard form.hasStanding else { throw Refusal(.invalid, "'agent.standing' is missing") }
        let standing: Standing =
            switch form.standing {
            case .admitted: .admitted
            case .unreachable: .unreachable
            case .gone: .gone
            }
        self.init(
            id: try Needed.id(form.agentID, "agent.agent_id"),
            description: try AgentDescription(form.agent), standing: standing,
            sinceNanoseconds: form.sinceNanoseconds,
            registeredNanoseconds: form.registeredNanoseconds, lastSequence: form.lastSequence)
    }
}

extension VolumeRow: RecordCoded {
    package var form: Holdfast_VolumeRow {
        var form = Holdfast_VolumeRow()
        form.agentID = agent.value
        form.volume = volume.form
        switch standing {
        case .active: form.standing = .active
        case .lost: form.standing = .lost
        case .unclaimed: form.standing = .unclaimed
        }
        if let report { form.report = report.form }
        if let lastUse { form.lastUse = lastUse.form }
        if lifecycle != VolumeLifecycle() { form.lifecycle = lifecycle.form }
        return form
    }

    package init(_ form: Holdfast_VolumeRow) throws(Refusal) {
        guard form.hasStanding else { throw Refusal(.invalid, "'volume.standing' is missing") }
        let standing: Standing =
            switch form.standing {
            case .active: .active
            case .lost: .lost
            case .unclaimed: .unclaimed
            }
        self.init(
            agent: try Needed.id(form.agentID, "volume.agent_id"),
            volume: try VolumeDescription(form.volume), standing: standing,
            report: form.hasReport ? try VolumeReport(form.report) : nil,
            lastUse: form.hasLastUse ? try VolumeUse(form.lastUse) : nil)
        if form.hasLifecycle { lifecycle = try VolumeLifecycle(form.lifecycle) }
    }
}

extension OperationRow: RecordCoded {
    package var form: Holdfast_OperationRow {
        var form = Holdfast_OperationRow()
        form.agentID = agent.value
        form.operation = operation.form
        form.startedNanoseconds = startedNanoseconds
        form.launches = launches.map(\.form)
        return form
    }

    package init(_ form: Holdfast_OperationRow) throws(Refusal) {
        self.init(
            agent: try Needed.id(form.agentID, "operation.agent_id"),
            operation: try AgentOperation(form.operation),
            startedNanoseconds: form.startedNanoseconds,
            launches: try Needed.list(form.launches))
    }
}

extension FrameworkRow: RecordCoded {
    package var form: Holdfast_FrameworkRow {
        var form = Holdfast_FrameworkRow()
        form.framework = description.form
        form.registeredNanoseconds = registeredNanoseconds
        if let disconnectedNanoseconds {
            form.disconnectedNanoseconds = disconnectedNanoseconds
        }
        form.removed = isRemoved
        return form
    }

    package init(_ form: Holdfast_FrameworkRow) throws(Refusal) {
        self.init(
            description: try FrameworkDescription(
                try Needed.value(form.hasFramework, form.framework, "row.framework")),
            registeredNanoseconds: form.registeredNanoseconds,
            disconnectedNanoseconds: form.hasDisconnectedNanoseconds
                ? form.disconnectedNanoseconds : nil,
            isRemoved: form.removed)
    }
}
