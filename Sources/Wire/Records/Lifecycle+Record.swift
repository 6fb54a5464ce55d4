package import HoldfastAPI
package import Model

extension EraseOrder: RecordCoded {
    package var form: Holdfast_EraseOrder {
        var form = Holdfast_EraseOrder()
        switch mode {
        case .delete: form.mode = .delete
        case .discard: form.mode = .discard
        case .overwrite: form.mode = .overwrite
        }
        if let mebibytesPerSecond { form.mibPerSecond = mebibytesPerSecond }
        return form
    }

    package init(_ form: Holdfast_EraseOrder) throws(Refusal) {
        // A mode of a later version is not known: to guess one could leave data behind.
        guard form.hasMode else { throw Refusal(.invalid, "'erase.mode' is missing") }
        let mode: EraseMode =
            switch form.mode {
            case .delete: .delete
            case .discard: .discard
            case .overwrite: .overwrite
            }
        self.init(mode, mebibytesPerSecond: form.hasMibPerSecond ? form.mibPerSecond : nil)
    }
}

extension LifecyclePolicy: RecordCoded {
    package var form: Holdfast_LifecyclePolicy {
        var form = Holdfast_LifecyclePolicy()
        form.role = role
        switch orphans {
        case .never: form.orphans = .never
        case .ownerGone: form.orphans = .ownerGone
        case .unused(let nanoseconds):
            form.orphans = .unused
            form.unusedNanoseconds = nanoseconds
        }
        if let retentionNanoseconds { form.retentionNanoseconds = retentionNanoseconds }
        form.trashNanoseconds = trashNanoseconds
        form.protect = isProtecting
        form.erase = erasure.form
        if let atLimit { form.diskLimit = DiskLimitRule(atLimit).form }
        if let alarms { form.alarms = alarms.form }
        return form
    }

    package init(_ form: Holdfast_LifecyclePolicy) throws(Refusal) {
        guard form.hasRole, form.hasOrphans else {
            throw Refusal(.invalid, "'policy.role' or 'policy.orphans' is missing")
        }
        let orphans: Orphans =
            switch form.orphans {
            case .never: .never
            case .ownerGone: .ownerGone
            case .unused: .unused(nanoseconds: form.unusedNanoseconds)
            }
        self.init(
            role: form.role, orphans: orphans,
            retentionNanoseconds: form.hasRetentionNanoseconds ? form.retentionNanoseconds : nil,
            trashNanoseconds: form.trashNanoseconds, isProtecting: form.protect,
            erasure: try EraseOrder(form.erase),
            atLimit: form.hasDiskLimit ? try DiskLimitRule(form.diskLimit).action : nil,
            alarms: form.hasAlarms ? try AlarmRule(form.alarms) : nil)
    }
}

extension VolumeLifecycle: RecordCoded {
    package var form: Holdfast_VolumeLifecycle {
        var form = Holdfast_VolumeLifecycle()
        switch stage {
        case .active: form.stage = .active
        case .orphaned: form.stage = .orphaned
        case .trash: form.stage = .trash
        case .erasing: form.stage = .erasing
        }
        form.sinceNanoseconds = sinceNanoseconds
        if let isProtected { form.protected = isProtected }
        form.goneOwners = goneOwners.map(\.value)
        if let order { form.erase = order.form }
        if let problem { form.problem = problem }
        if let destroyed {
            form.operationUuid = destroyed.uuid.value
            form.operationID = destroyed.id.value
            form.frameworkID = destroyed.framework.value
        }
        return form
    }

    package init(_ form: Holdfast_VolumeLifecycle) throws(Refusal) {
        self.init()
        guard form.hasStage else { throw Refusal(.invalid, "'lifecycle.stage' is missing") }
        switch form.stage {
        case .active: stage = .active
        case .orphaned: stage = .orphaned
        case .trash: stage = .trash
        case .erasing: stage = .erasing
        }
        sinceNanoseconds = form.sinceNanoseconds
        if form.hasProtected { isProtected = form.protected }
        for id in form.goneOwners {
            goneOwners.append(try Needed.id(id, "lifecycle.gone_owners"))
        }
        if form.hasErase { order = try EraseOrder(form.erase) }
        if form.hasProblem { problem = form.problem }
        guard form.hasOperationUuid else { return }
        destroyed = DestroyedBy(
            uuid: try Needed.id(form.operationUuid, "lifecycle.operation_uuid"),
            id: try Needed.id(form.operationID, "lifecycle.operation_id"),
            framework: try Needed.id(form.frameworkID, "lifecycle.framework_id"))
    }
}
