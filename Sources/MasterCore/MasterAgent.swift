import MachineCore
package import Model

/// An admitted agent as this master sees it now; what must last is in the `Ledger`.
///
///     recovered --register--> registered, connected <--register/disconnect--> registered, waiting
///     either of them --no answer for long--> unreachable (only in the Ledger) --register--> back
package struct MasterAgent: Sendable {
    package let id: AgentID
    /// Whether it has come back to this master: what it runs is known.
    package internal(set) var isRegistered = false
    /// Nil: not connected now.
    package internal(set) var connection: ConnectionID?
    /// Its resources after every operation, also those that it has not confirmed.
    package internal(set) var total = Resources()
    package internal(set) var tasks: Set<TaskKey> = []
    package internal(set) var executors: Set<ExecutorKey> = []
    package internal(set) var offers: Set<OfferID> = []
    /// Nanoseconds since 1970 of its last registration with this master.
    package internal(set) var reregisteredNanoseconds: Int64?

    /// The number of its next operation.
    var nextSequence: UInt64 = 1
    /// Operations in flight that `total` leaves out, because one before them failed.
    var skippedOperations: Set<OperationUUID> = []
    /// Results that it keeps until their frameworks have acknowledged them, for a master that may
    /// come after this one.
    var heldResults: Set<OperationUUID> = []
    /// Transactions that have finished, whose launches are sent once it is registered.
    var releasedTransactions: [OperationRow] = []
    /// The UUIDs of its volumes, also of those that are being made.
    var volumeUUIDs: [ResourceKey: VolumeUUID] = [:]
    /// Volumes that it did not bring to its registration, whose DESTROY is sent again.
    var halfDestroyed: Set<VolumeUUID> = []
    /// What of `total` is in the trash: in the books, and nobody's.
    var withheld = Resources()
    /// Uses of volumes whose CREATE the agent has not confirmed.
    var earlyUses: [VolumeUUID: VolumeUse] = [:]
    /// Tasks on lent resources that were told to end and hold them still.
    var recalled: Set<TaskKey> = []
    /// Launches that wait for these, as they came.
    var heldLaunches: [HeldLaunch] = []
    var pingNumber: UInt64 = 0
    var isPongDue = false
    var silentPings = 0
    var pingDue: Instant?

    init(id: AgentID) { self.id = id }

    package var isConnected: Bool { connection != nil }

    /// What the allocator may give of `total`.
    var offerable: Resources {
        withheld.isEmpty ? total : total.subtracting(withheld) ?? total
    }
}

/// A framework's executor on one agent; an executor id is unique there only.
package struct ExecutorKey: Hashable, Comparable, Sendable {
    package let framework: FrameworkID
    package let agent: AgentID
    package let executor: ExecutorID

    package static func < (left: ExecutorKey, right: ExecutorKey) -> Bool {
        (left.framework, left.agent, left.executor)
            < (right.framework, right.agent, right.executor)
    }
}

/// An executor that runs or is to run. Command executors are not kept.
package struct MasterExecutor: Sendable {
    package var description: ExecutorDescription
    /// What it holds besides its tasks; with the allocation role.
    package internal(set) var booked = Resources()
    /// Its first task waits for this transaction: its agent has not been sent it.
    var transaction: OperationUUID?
}
