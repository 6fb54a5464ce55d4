import MachineCore
import MasterCore
import MesosAPI
import Model
import Wire

/// Reads and answers the operator API's calls about volumes' lives.
enum LifecycleViews {
    static func serves(_ type: Mesos_V1_Master_Call.TypeEnum) -> Bool {
        switch type {
        case .listLifecyclePolicies, .collectGarbage: true
        default: false
        }
    }

    static func response(
        _ call: Mesos_V1_Master_Call, _ master: Master
    ) -> Mesos_V1_Master_Response {
        guard call.type == .listLifecyclePolicies else { return garbage(master) }
        var response = Mesos_V1_Master_Response()
        response.type = .listLifecyclePolicies
        response.listLifecyclePolicies = .init()
        response.listLifecyclePolicies.policies = master.policies.map {
            Mesos_V1_LifecyclePolicy($0)
        }
        return response
    }

    /// What becomes of each volume by the policies.
    static func garbage(_ master: Master) -> Mesos_V1_Master_Response {
        var response = Mesos_V1_Master_Response()
        response.type = .collectGarbage
        response.collectGarbage = .init()
        for row in master.volumeRows {
            let verdict = master.verdict(row)
            var candidate = Mesos_V1_Master_Response.CollectGarbage.Candidate()
            candidate.uuid = row.volume.uuid.value
            candidate.agentID.value = row.agent.value
            candidate.role = row.volume.resource.role
            candidate.persistenceID = row.volume.resource.disk?.persistence?.id ?? ""
            candidate.state = row.state
            if let step = verdict.step { candidate.step = step.rawValue }
            if let due = verdict.due { candidate.due.nanoseconds = due.nanoseconds }
            candidate.reason = verdict.reason
            if let role = verdict.policyRole { candidate.policyRole = role }
            let amount = row.volume.resource.amount.thousandths
            candidate.bookedBytes = amount / 1000 * 1_048_576 + amount % 1000 * 1_048_576 / 1000
            response.collectGarbage.candidates.append(candidate)
        }
        return response
    }

    /// What LIST_VOLUMES tells of a volume's life.
    static func add(
        _ row: VolumeRow, to volume: inout Mesos_V1_Master_Response.ListVolumes.Volume
    ) {
        if row.lifecycle.stage != .active {
            volume.stateSince.nanoseconds = row.lifecycle.sinceNanoseconds
        }
        if let problem = row.lifecycle.problem { volume.problem = problem }
    }
}

extension LifecycleCall {
    /// Nil: another kind of call, or one that only reads.
    init?(_ call: Mesos_V1_Master_Call) throws(Refusal) {
        switch call.type {
        case .setLifecyclePolicy:
            self = .setPolicy(try LifecyclePolicy(call.setLifecyclePolicy.policy))
        case .removeLifecyclePolicy: self = .removePolicy(role: call.removeLifecyclePolicy.role)
        case .undeleteVolume: self = .undelete(VolumeUUID(call.undeleteVolume.uuid))
        case .protectVolume:
            self = .protect(VolumeUUID(call.protectVolume.uuid), call.protectVolume.protect)
        case .eraseVolume:
            let body = call.eraseVolume
            self = .erase(VolumeUUID(body.uuid), body.hasMode ? EraseMode(body.mode) : nil)
        case .collectGarbage:
            if call.collectGarbage.dryRun { return nil }
            self = .collect
        default: return nil
        }
    }
}

extension EraseMode {
    fileprivate init(_ mode: Mesos_V1_LifecyclePolicy.EraseMode) {
        switch mode {
        case .delete: self = .delete
        case .discard: self = .discard
        case .overwrite: self = .overwrite
        }
    }
}

extension LifecyclePolicy {
    fileprivate init(_ policy: Mesos_V1_LifecyclePolicy) throws(Refusal) {
        let orphans: Orphans =
            switch policy.orphanedWhen {
            case .never: .never
            case .ownerGone: .ownerGone
            case .unused: .unused(nanoseconds: policy.unused.nanoseconds)
            }
        self.init(
            role: policy.role, orphans: orphans,
            retentionNanoseconds: policy.hasRetention ? policy.retention.nanoseconds : nil,
            trashNanoseconds: policy.trash.nanoseconds, isProtecting: policy.protect,
            erasure: EraseOrder(
                EraseMode(policy.erase),
                mebibytesPerSecond: policy.hasEraseMibPerSecond
                    ? policy.eraseMibPerSecond : nil),
            atLimit: policy.hasDiskLimit ? try Self.limit(policy.diskLimit) : nil,
            alarms: policy.hasAlarms ? AlarmRule(policy.alarms) : nil)
    }

    /// A role's rule is for all of its volumes.
    private static func limit(
        _ message: Mesos_V1_DiskLimitRule
    ) throws(Refusal) -> DiskLimitRule.Action {
        let rule = try DiskLimitRule(message)
        guard rule.subject == .volumes else {
            throw Refusal(
                .invalid, "'persistence_id' and 'sandbox' are for a task's rules, not for a role's")
        }
        return rule.action
    }
}

extension Mesos_V1_LifecyclePolicy {
    fileprivate init(_ policy: LifecyclePolicy) {
        self.init()
        role = policy.role
        switch policy.orphans {
        case .never: orphanedWhen = .never
        case .ownerGone: orphanedWhen = .ownerGone
        case .unused(let nanoseconds):
            orphanedWhen = .unused
            unused.nanoseconds = nanoseconds
        }
        if let nanoseconds = policy.retentionNanoseconds { retention.nanoseconds = nanoseconds }
        if policy.trashNanoseconds > 0 { trash.nanoseconds = policy.trashNanoseconds }
        if policy.isProtecting { protect = true }
        switch policy.erasure.mode {
        case .delete: erase = .delete
        case .discard: erase = .discard
        case .overwrite: erase = .overwrite
        }
        if let rate = policy.erasure.mebibytesPerSecond { eraseMibPerSecond = rate }
        if let action = policy.atLimit { diskLimit = Mesos_V1_DiskLimitRule(action) }
        if let rule = policy.alarms { alarms = Mesos_V1_AlarmRule(rule) }
    }
}
