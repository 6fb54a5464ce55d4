package import HoldfastAPI
import MesosAPI
package import Model

extension VolumeDescription: RecordCoded {
    package var form: Holdfast_Volume {
        var form = Holdfast_Volume()
        form.uuid = uuid.value
        form.resource = resource.form
        if let framework { form.frameworkID = framework.value }
        if let principal { form.principal = principal }
        form.createdNanoseconds = createdNanoseconds
        return form
    }

    package init(_ form: Holdfast_Volume) throws(Refusal) {
        self.init(
            uuid: try Needed.id(form.uuid, "volume.uuid"), resource: try Resource(form.resource),
            framework: form.hasFrameworkID ? FrameworkID(form.frameworkID) : nil,
            principal: form.hasPrincipal ? form.principal : nil,
            createdNanoseconds: form.createdNanoseconds)
    }
}

extension VolumeReport: RecordCoded {
    package var form: Holdfast_VolumeReport {
        var form = Holdfast_VolumeReport()
        form.uuid = uuid.value
        form.backend = backend
        switch enforcement {
        case .kernel: form.enforcement = .kernel
        case .poll: form.enforcement = .poll
        case .none: form.enforcement = .none
        }
        form.growsWhileMounted = growsWhileMounted
        if let usableBytes { form.usableBytes = usableBytes }
        if let usedBytes { form.usedBytes = usedBytes }
        if let bookedBytes { form.bookedBytes = bookedBytes }
        return form
    }

    package init(_ form: Holdfast_VolumeReport) throws(Refusal) {
        let enforcement: Enforcement =
            switch form.enforcement {
            case .kernel: .kernel
            case .poll: .poll
            case .none: .none
            }
        self.init(
            uuid: try Needed.id(form.uuid, "report.uuid"), backend: form.backend,
            enforcement: enforcement, growsWhileMounted: form.growsWhileMounted,
            usableBytes: form.hasUsableBytes ? form.usableBytes : nil,
            usedBytes: form.hasUsedBytes ? form.usedBytes : nil,
            bookedBytes: form.hasBookedBytes ? form.bookedBytes : nil)
    }
}

extension VolumeChange: RecordCoded {
    package var form: Holdfast_VolumeChange {
        var form = Holdfast_VolumeChange()
        switch self {
        case .create(let volume): form.create = volume.form
        case .destroy(let uuid): form.destroy = uuid.value
        case .resize(let uuid, let amount):
            form.resize.uuid = uuid.value
            form.resize.thousandths = amount.thousandths
        }
        return form
    }

    package init(_ form: Holdfast_VolumeChange) throws(Refusal) {
        switch form.change {
        case .create(let volume): self = .create(try VolumeDescription(volume))
        case .destroy(let uuid): self = .destroy(try Needed.id(uuid, "change.destroy"))
        case .resize(let resize):
            guard resize.hasThousandths, Amount.recordable.contains(resize.thousandths) else {
                throw Refusal(.invalid, "'resize.thousandths' is missing or out of range")
            }
            self = .resize(
                try Needed.id(resize.uuid, "resize.uuid"),
                to: Amount(thousandths: resize.thousandths))
        case nil: throw Refusal(.invalid, "'change' is missing or of a later version")
        }
    }
}

extension AgentOperation: RecordCoded {
    package var form: Holdfast_Operation {
        var form = Holdfast_Operation()
        form.uuid = uuid.value
        form.sequence = sequence
        form.type = Mesos_V1_Offer.Operation.TypeEnum(type)
        if let framework { form.frameworkID = framework.value }
        if let id { form.operationID = id.value }
        if let principal { form.principal = principal }
        form.conversion = conversion.form
        form.volumeChanges = volumeChanges.map(\.form)
        if let leaseMilliseconds { form.leaseMilliseconds = leaseMilliseconds }
        form.steps = steps.map(\.form)
        return form
    }

    package init(_ form: Holdfast_Operation) throws(Refusal) {
        guard form.hasType, let type = form.type.operationType else {
            throw Refusal(.invalid, "'operation.type' is missing or not one for an agent")
        }
        self.init(
            uuid: try Needed.id(form.uuid, "operation.uuid"),
            sequence: try Needed.value(form.hasSequence, form.sequence, "operation.sequence"),
            type: type, framework: form.hasFrameworkID ? FrameworkID(form.frameworkID) : nil,
            id: form.hasOperationID ? OperationID(form.operationID) : nil,
            principal: form.hasPrincipal ? form.principal : nil,
            conversion: try ResourceConversion(form.conversion),
            volumeChanges: try Needed.list(form.volumeChanges),
            leaseMilliseconds: form.hasLeaseMilliseconds ? form.leaseMilliseconds : nil,
            steps: try Needed.list(form.steps))
    }
}

extension OperationResult: RecordCoded {
    package var form: Holdfast_OperationResult {
        var form = Holdfast_OperationResult()
        form.uuid = uuid.value
        form.sequence = sequence
        form.state = Mesos_V1_OperationState(state)
        if let message { form.message = message }
        return form
    }

    package init(_ form: Holdfast_OperationResult) throws(Refusal) {
        self.init(
            uuid: try Needed.id(form.uuid, "result.uuid"),
            sequence: try Needed.value(form.hasSequence, form.sequence, "result.sequence"),
            state: OperationState(try Needed.value(form.hasState, form.state, "result.state")),
            message: form.hasMessage ? form.message : nil)
    }
}
