package import MachineCore
package import Model

/// An operator's call about what becomes of volumes. All answer at once.
package enum LifecycleCall: Equatable, Sendable {
    /// Replaces the role's policy whole.
    case setPolicy(LifecyclePolicy)
    case removePolicy(role: String)
    case undelete(VolumeUUID)
    case protect(VolumeUUID, Bool)
    /// Erases what is in the trash; nil: as the role's policy says.
    case erase(VolumeUUID, EraseMode?)
    /// Does what is due by the policies.
    case collect
    /// A DESTROY past the trash, answered as any DESTROY is.
    case destroyNow([Resource], AgentID)
}

/// What becomes of a volume by the policies.
package struct LifecycleVerdict: Equatable, Sendable {
    package enum Step: String, Hashable, Sendable, CaseIterable {
        case orphan, reclaim, trash, erase
    }

    /// What comes next; nil: nothing.
    package var step: Step?
    /// Not before; nil: it does not come by time.
    package var due: Instant?
    /// Why, or why not.
    package var reason: String
    /// Whose policy it is.
    package var policyRole: String?

    init(_ reason: String, policyRole: String? = nil) {
        self.reason = reason
        self.policyRole = policyRole
    }

    init(_ step: Step, at due: Instant, _ reason: String, policyRole: String?) {
        self.init(reason, policyRole: policyRole)
        self.step = step
        self.due = due
    }
}
