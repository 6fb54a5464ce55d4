/// A durable change of the master's state. Each one sets or removes whole rows of the registry, so
/// that replaying is loading the rows.
package enum MasterRecord: Equatable, Sendable {
    /// The cluster's id, made once; framework and agent ids start with it.
    case clusterCreated(id: String)
    case agentStored(AgentRow)
    case agentRemoved(AgentID)
    /// Pieces of an agent's confirmed books as they now are, and pieces that are no more.
    case piecesStored(AgentID, set: [Resource], removed: [Resource])
    case volumeStored(VolumeRow)
    case volumeRemoved(VolumeUUID)
    case reservationStored(ReservationRow)
    case reservationRemoved(ReservationUUID)
    /// An operation that the agent has not confirmed.
    case operationStored(OperationRow)
    case operationRemoved(OperationUUID)
    case frameworkStored(FrameworkRow)
    case frameworkRemoved(FrameworkID)
    case policyStored(LifecyclePolicy)
    /// By its role.
    case policyRemoved(String)
    /// A line of the audit trail: no row, and never read at a start.
    case audited(AuditEntry)
    /// A transaction with a key, begun or ended.
    case transactionStored(TransactionRow)
    case transactionRemoved(TransactionKey)
}

/// An agent in the registry.
package struct AgentRow: Equatable, Sendable {
    package enum Standing: String, Hashable, Sendable, CaseIterable {
        case admitted, unreachable, gone
    }

    package var id: AgentID
    package var description: AgentDescription
    package var standing: Standing
    /// Nanoseconds since 1970 of the last change of standing.
    package var sinceNanoseconds: Int64
    package var registeredNanoseconds: Int64
    /// The number of the last operation that was given out for it.
    package var lastSequence: UInt64

    package init(
        id: AgentID, description: AgentDescription, standing: Standing, sinceNanoseconds: Int64,
        registeredNanoseconds: Int64, lastSequence: UInt64
    ) {
        self.id = id
        self.description = description
        self.standing = standing
        self.sinceNanoseconds = sinceNanoseconds
        self.registeredNanoseconds = registeredNanoseconds
        self.lastSequence = lastSequence
    }
}

/// A volume in the registry; listed also while its agent is away.
package struct VolumeRow: Equatable, Sendable {
    package enum Standing: String, Hashable, Sendable, CaseIterable {
        /// As it should be.
        case active
        /// Its agent came back without it.
        case lost
        /// An agent has it and the registry did not know it.
        case unclaimed
    }

    package var agent: AgentID
    package var volume: VolumeDescription
    package var standing: Standing
    /// What the agent last said of it.
    package var report: VolumeReport?
    /// Nil: no task has held it yet.
    package var lastUse: VolumeUse?
    package var lifecycle = VolumeLifecycle()

    package init(
        agent: AgentID, volume: VolumeDescription, standing: Standing,
        report: VolumeReport? = nil, lastUse: VolumeUse? = nil
    ) {
        self.agent = agent
        self.volume = volume
        self.standing = standing
        self.report = report
        self.lastUse = lastUse
    }
}

/// A reservation in the registry: all that an agent has under one stack of reservations, from the
/// first such resource to the last.
package struct ReservationRow: Equatable, Sendable {
    package let uuid: ReservationUUID
    package var agent: AgentID
    package var stack: [Reservation]
    /// The framework that made it; nil: an operator, or the agent's options.
    package var framework: FrameworkID?
    package var createdNanoseconds: Int64
    /// Nil: it lasts until it is given back.
    package var lease: Lease?

    package init(
        uuid: ReservationUUID, agent: AgentID, stack: [Reservation], framework: FrameworkID? = nil,
        createdNanoseconds: Int64, lease: Lease? = nil
    ) {
        self.uuid = uuid
        self.agent = agent
        self.stack = stack
        self.framework = framework
        self.createdNanoseconds = createdNanoseconds
        self.lease = lease
    }
}

/// An operation in flight.
package struct OperationRow: Equatable, Sendable {
    package var agent: AgentID
    package var operation: AgentOperation
    package var startedNanoseconds: Int64
    /// Not in the registry: it is on its way to a connected agent, and nobody was told of it.
    package var isProvisional: Bool
    /// Of a transaction: sent once the agent has it on disk.
    package var launches: [TaskLaunch]

    package init(
        agent: AgentID, operation: AgentOperation, startedNanoseconds: Int64,
        isProvisional: Bool = false, launches: [TaskLaunch] = []
    ) {
        self.agent = agent
        self.operation = operation
        self.startedNanoseconds = startedNanoseconds
        self.isProvisional = isProvisional
        self.launches = launches
    }
}

/// A framework in the registry: who may come back under its id, and who owned what.
package struct FrameworkRow: Equatable, Sendable {
    package var description: FrameworkDescription
    package var registeredNanoseconds: Int64
    /// When it was last seen to disconnect; nil: connected as far as the registry knows.
    package var disconnectedNanoseconds: Int64?
    /// Torn down, or its failover timeout ended: its id is never taken again.
    package var isRemoved: Bool

    package init(
        description: FrameworkDescription, registeredNanoseconds: Int64,
        disconnectedNanoseconds: Int64? = nil, isRemoved: Bool = false
    ) {
        self.description = description
        self.registeredNanoseconds = registeredNanoseconds
        self.disconnectedNanoseconds = disconnectedNanoseconds
        self.isRemoved = isRemoved
    }
}
