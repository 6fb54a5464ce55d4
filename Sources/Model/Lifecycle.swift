/// How a volume's data is erased; the raw values are its names in the API.
package enum EraseMode: String, Hashable, Sendable, CaseIterable {
    case delete
    /// Its space is given back to the device before, where that is possible.
    case discard
    /// It is overwritten before.
    case overwrite
}

/// How, and how fast.
package struct EraseOrder: Hashable, Sendable {
    package var mode: EraseMode
    /// The most that is done to the disk; nil: no limit.
    package var mebibytesPerSecond: UInt32?

    package init(_ mode: EraseMode = .delete, mebibytesPerSecond: UInt32? = nil) {
        self.mode = mode
        self.mebibytesPerSecond = mebibytesPerSecond
    }
}

/// What becomes of a role's volumes, and of those of the roles below it that have no policy of
/// their own. Without any policy nothing is ever moved, and DESTROY erases at once.
package struct LifecyclePolicy: Equatable, Sendable {
    package enum Orphans: Hashable, Sendable {
        case never
        /// The frameworks that made it and used it last are removed.
        case ownerGone
        /// Nobody has it, and no task has used it for so long.
        case unused(nanoseconds: Int64)
    }

    package var role: String
    package var orphans: Orphans
    /// How long an orphan is kept before it goes to the trash; nil: for ever.
    package var retentionNanoseconds: Int64?
    /// How long what is in the trash can be taken out.
    package var trashNanoseconds: Int64
    package var isProtecting: Bool
    package var erasure: EraseOrder
    /// What happens when a volume is full; nil: the write fails, or as the agent was started.
    package var atLimit: DiskLimitRule.Action?
    /// Nil: as the agent was started.
    package var alarms: AlarmRule?

    package init(
        role: String, orphans: Orphans = .never, retentionNanoseconds: Int64? = nil,
        trashNanoseconds: Int64 = 0, isProtecting: Bool = false,
        erasure: EraseOrder = EraseOrder(), atLimit: DiskLimitRule.Action? = nil,
        alarms: AlarmRule? = nil
    ) {
        self.role = role
        self.orphans = orphans
        self.retentionNanoseconds = retentionNanoseconds
        self.trashNanoseconds = trashNanoseconds
        self.isProtecting = isProtecting
        self.erasure = erasure
        self.atLimit = atLimit
        self.alarms = alarms
    }

    /// What agents are told of it.
    package var diskRule: RoleDiskRule {
        RoleDiskRule(role: role, limit: atLimit, alarms: alarms)
    }

    /// A hundred years: longer means for ever.
    private static let longestNanoseconds: Int64 = 36_525 * 86_400 * 1_000_000_000

    /// Whether a DESTROY goes by the trash, if only for the way in which it is erased.
    package var keepsDestroyed: Bool { trashNanoseconds > 0 || erasure.mode != .delete }

    /// Throws `invalid` with what would be right.
    package func validate() throws(Refusal) {
        guard role != Role.unreserved else {
            throw Refusal(.invalid, "a policy is for a role of its own, not for '*'")
        }
        try Role.validate(role)
        if case .unused(let span) = orphans { try Self.check(span, "unused", from: 1) }
        if let retentionNanoseconds {
            guard orphans != .never else {
                throw Refusal(
                    .invalid,
                    "'retention' means nothing without 'orphaned_when' OWNER_GONE or UNUSED")
            }
            try Self.check(retentionNanoseconds, "retention", from: 0)
        }
        try Self.check(trashNanoseconds, "trash", from: 0)
        if let atLimit { try DiskLimitRule(atLimit).validate() }
        try alarms?.validate()
        if let rate = erasure.mebibytesPerSecond {
            guard erasure.mode != .delete else {
                throw Refusal(
                    .invalid, "'erase_mib_per_second' is for 'erase' DISCARD or OVERWRITE")
            }
            guard rate > 0 else {
                throw Refusal(.invalid, "'erase_mib_per_second' is at least 1, or absent")
            }
        }
    }

    private static func check(
        _ span: Int64, _ name: String, from least: Int64
    ) throws(Refusal) {
        guard span >= least, span <= longestNanoseconds else {
            throw Refusal(
                .invalid,
                "'\(name)' is \(span) nanoseconds: it has to be from \(least) to"
                    + " \(longestNanoseconds) (a hundred years)")
        }
    }
}

/// Where a volume of the registry is in its life.
///
///     active <--> orphaned --retention over--> trash --window over--> erasing --DESTROY--> (gone)
///       active --DESTROY--> trash --undelete--> active
package struct VolumeLifecycle: Equatable, Sendable {
    /// The raw values are states in the API.
    package enum Stage: String, Hashable, Sendable, CaseIterable {
        case active, orphaned, trash, erasing
    }

    package var stage = Stage.active
    /// When the stage began, since 1970; 0: an active one has been so since it was made.
    package var sinceNanoseconds: Int64 = 0
    /// Nil: as its role's policy says.
    package var isProtected: Bool?
    /// Of its owners, those that the registry has forgotten since they were removed; sorted.
    package var goneOwners: [FrameworkID] = []
    /// Of a volume that is being erased.
    package var order: EraseOrder?
    /// Why it could not be erased.
    package var problem: String?
    /// A framework's DESTROY that is done, and not acknowledged.
    package var destroyed: DestroyedBy?

    package init() {}

    /// Whether it is in the books, but nobody's.
    package var isWithheld: Bool {
        switch stage {
        case .active, .orphaned: false
        case .trash, .erasing: true
        }
    }
}

/// The DESTROY that put a volume into the trash, for its framework to acknowledge.
package struct DestroyedBy: Equatable, Sendable {
    package var uuid: OperationUUID
    package var id: OperationID
    package var framework: FrameworkID

    package init(uuid: OperationUUID, id: OperationID, framework: FrameworkID) {
        self.uuid = uuid
        self.id = id
        self.framework = framework
    }
}

extension VolumeRow {
    /// Its state in the API.
    package var state: String {
        standing == .active ? lifecycle.stage.rawValue : standing.rawValue
    }
}
