/// What a line of the audit trail is about; the raw values are its names in the API.
package enum AuditAction: String, Hashable, Sendable, CaseIterable {
    case reserve = "RESERVE"
    case unreserve = "UNRESERVE"
    case create = "CREATE"
    case destroy = "DESTROY"
    case grow = "GROW_VOLUME"
    case shrink = "SHRINK_VOLUME"
    /// A transaction that was not begun; of others each step has a line.
    case transact = "TRANSACT"
    /// A task that holds volumes was sent to its agent.
    case launch = "LAUNCH"
    /// A task that held volumes ended.
    case taskEnded = "TASK_ENDED"
    case killTask = "KILL_TASK"
    case teardown = "TEARDOWN"
    case frameworkRemoved = "FRAMEWORK_REMOVED"
    case agentUnreachable = "AGENT_UNREACHABLE"
    case agentGone = "AGENT_GONE"
    /// The agent came back without the volume, or never will.
    case volumeLost = "VOLUME_LOST"
    /// A lost volume is there again.
    case volumeFound = "VOLUME_FOUND"
    /// An agent has a volume that the registry did not know.
    case volumeUnclaimed = "VOLUME_UNCLAIMED"
    /// The agent that has the volume came back under another id.
    case volumeMoved = "VOLUME_MOVED"
    /// An operator gave a reservation a lease, renewed it or took it off.
    case renewLease = "RENEW_LEASE"
    /// Its owner is gone, or nobody has used it for long.
    case volumeOrphaned = "VOLUME_ORPHANED"
    /// An orphan is used again, or no policy makes it one any more.
    case volumeReclaimed = "VOLUME_RECLAIMED"
    /// It went to the trash.
    case volumeTrashed = "VOLUME_TRASHED"
    case volumeUndeleted = "VOLUME_UNDELETED"
    case volumeProtected = "VOLUME_PROTECTED"
    case volumeUnprotected = "VOLUME_UNPROTECTED"
    /// Its data is being erased.
    case volumeErasing = "VOLUME_ERASING"
    case volumeErased = "VOLUME_ERASED"
    case policySet = "POLICY_SET"
    case policyRemoved = "POLICY_REMOVED"
    /// An operator has given a lost volume up.
    case volumeForgotten = "VOLUME_FORGOTTEN"

    package init(_ type: OperationType) {
        switch type {
        case .reserve: self = .reserve
        case .unreserve: self = .unreserve
        case .create: self = .create
        case .destroy: self = .destroy
        case .grow: self = .grow
        case .shrink: self = .shrink
        case .transact: self = .transact
        }
    }
}

/// How what a line of the audit trail tells of ended.
package enum AuditOutcome: String, Hashable, Sendable, CaseIterable {
    /// Done, and durable where it was done.
    case finished = "FINISHED"
    /// The agent could not do it; nothing was changed.
    case failed = "FAILED"
    /// The master did not begin it; nothing was changed.
    case refused = "REFUSED"
    /// Nobody will ever tell how it ended.
    case unknown = "UNKNOWN"
}

/// A line of the audit trail: who did what, when, and what came of it.
package struct AuditEntry: Equatable, Sendable {
    /// Since 1970.
    package var nanoseconds: Int64
    package var action: AuditAction
    package var outcome: AuditOutcome
    /// Why, where it did not finish; of a task that ended, its state.
    package var message: String?
    /// Who: a framework; nil: an operator, or the master itself. Of TEARDOWN and KILL_TASK: whose
    /// tasks; of volumes that are lost, found, unclaimed, moved or forgotten: who made them.
    package var framework: FrameworkID?
    package var principal: String?
    package var agent: AgentID?
    package var task: TaskID?
    /// The operation as master and agent know it.
    package var operation: OperationUUID?
    /// The operation's name at its framework.
    package var operationID: OperationID?
    /// The transaction that the operation is a step of.
    package var transaction: OperationUUID?
    /// Without allocation.
    package var consumed: [Resource] = []
    package var converted: [Resource] = []
    package var volumes: [VolumeUUID] = []
    /// Told by an agent of what an earlier master may have heard of: superfluous if the trail tells
    /// of the operation already.
    package var isRetold = false

    package init(
        nanoseconds: Int64, action: AuditAction, outcome: AuditOutcome, message: String? = nil
    ) {
        self.nanoseconds = nanoseconds
        self.action = action
        self.outcome = outcome
        self.message = message
    }

    /// The roles that the resources are reserved for, in their order.
    package var roles: [String] {
        var roles: [String] = []
        for resource in consumed + converted {
            guard let role = resource.reservations.last?.role, !roles.contains(role) else {
                continue
            }
            roles.append(role)
        }
        return roles
    }
}

/// Who held a volume last.
package struct VolumeUse: Equatable, Sendable {
    package var task: TaskKey
    /// The task's name, by which a service is known.
    package var name: String
    /// Since 1970, when the task was sent to its agent.
    package var sinceNanoseconds: Int64
    /// When the end of the task was heard of; nil: it holds the volume as far as is known.
    package var untilNanoseconds: Int64?

    package init(
        task: TaskKey, name: String, sinceNanoseconds: Int64, untilNanoseconds: Int64? = nil
    ) {
        self.task = task
        self.name = name
        self.sinceNanoseconds = sinceNanoseconds
        self.untilNanoseconds = untilNanoseconds
    }
}
