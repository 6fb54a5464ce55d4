/// One step of an ACCEPT, or what an operator's call asks for.
package struct OfferOperation: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// `source` empty: pushes one reservation; else replaces the reservations of `source`.
        case reserve([Resource], source: [Resource])
        case unreserve([Resource])
        case create([Resource])
        case destroy([Resource])
        case grow(volume: Resource, addition: Resource)
        case shrink(volume: Resource, subtract: Amount)
        case launch([TaskDescription])
        case launchGroup(ExecutorDescription, [TaskDescription])
        /// What can never be done, and why: a type that this master does not offer, amounts that
        /// are none.
        case refused(Refusal)
    }

    /// Set by frameworks that want feedback.
    package var id: OperationID?
    package var kind: Kind
    /// How long what a RESERVE reserves lasts unless its lease is renewed; nil: until it is given
    /// back.
    package var leaseMilliseconds: Int64?

    package init(id: OperationID? = nil, _ kind: Kind, leaseMilliseconds: Int64? = nil) {
        self.id = id
        self.kind = kind
        self.leaseMilliseconds = leaseMilliseconds
    }

    /// What a launch launches.
    package var tasks: [TaskDescription] {
        switch kind {
        case .launch(let tasks), .launchGroup(_, let tasks): tasks
        case .reserve, .unreserve, .create, .destroy, .grow, .shrink, .refused: []
        }
    }
}

/// The kinds of operation that reach an agent's books.
package enum OperationType: String, Hashable, Sendable, CaseIterable {
    case reserve = "RESERVE"
    case unreserve = "UNRESERVE"
    case create = "CREATE"
    case destroy = "DESTROY"
    case grow = "GROW_VOLUME"
    case shrink = "SHRINK_VOLUME"
    /// Several of the others that are done whole or not at all.
    case transact = "TRANSACT"
}

/// Where an operation stands; Mesos's OperationState without UNSUPPORTED.
package enum OperationState: String, Hashable, Sendable, CaseIterable {
    case pending = "OPERATION_PENDING"
    case finished = "OPERATION_FINISHED"
    case failed = "OPERATION_FAILED"
    case error = "OPERATION_ERROR"
    case dropped = "OPERATION_DROPPED"
    case unreachable = "OPERATION_UNREACHABLE"
    case goneByOperator = "OPERATION_GONE_BY_OPERATOR"
    case recovering = "OPERATION_RECOVERING"
    case unknown = "OPERATION_UNKNOWN"

    package var isTerminal: Bool {
        switch self {
        case .finished, .failed, .error, .dropped, .goneByOperator: true
        case .pending, .unreachable, .recovering, .unknown: false
        }
    }
}

/// A persistent volume: what the registry, the agent's journal and the owner file agree on.
package struct VolumeDescription: Equatable, Sendable {
    package let uuid: VolumeUUID
    /// The volume as a resource, without allocation.
    package var resource: Resource
    /// The framework that created it; nil: an operator.
    package var framework: FrameworkID?
    package var principal: String?
    /// Nanoseconds since 1970.
    package var createdNanoseconds: Int64

    package init(
        uuid: VolumeUUID, resource: Resource, framework: FrameworkID? = nil,
        principal: String? = nil, createdNanoseconds: Int64
    ) {
        self.uuid = uuid
        self.resource = resource
        self.framework = framework
        self.principal = principal
        self.createdNanoseconds = createdNanoseconds
    }
}

/// What an operation does on the agent's disk.
package enum VolumeChange: Equatable, Sendable {
    case create(VolumeDescription)
    case destroy(VolumeUUID)
    /// The volume's new amount of disk, in MiB thousandths.
    case resize(VolumeUUID, to: Amount)
}

/// An operation on its way from the master's registry to an agent's journal. The numbers of one
/// agent's operations have no gap; each step is idempotent by the UUID.
package struct AgentOperation: Equatable, Sendable {
    package let uuid: OperationUUID
    package let sequence: UInt64
    package var type: OperationType
    /// Nil: an operator's.
    package var framework: FrameworkID?
    package var id: OperationID?
    /// Whose call it was, as authenticated.
    package var principal: String?
    /// In the agent's books: without allocation.
    package var conversion: ResourceConversion
    package var volumeChanges: [VolumeChange]
    /// Of a RESERVE: the lease of what it reserves. Of an UNRESERVE: the lease that ran out, where
    /// that is the reason.
    package var leaseMilliseconds: Int64?
    /// Of a transaction only, in their order: its conversion and changes are theirs together.
    package var steps: [TransactionStep]

    package init(
        uuid: OperationUUID, sequence: UInt64, type: OperationType, framework: FrameworkID? = nil,
        id: OperationID? = nil, principal: String? = nil, conversion: ResourceConversion,
        volumeChanges: [VolumeChange] = [], leaseMilliseconds: Int64? = nil,
        steps: [TransactionStep] = []
    ) {
        self.uuid = uuid
        self.sequence = sequence
        self.type = type
        self.framework = framework
        self.id = id
        self.principal = principal
        self.conversion = conversion
        self.volumeChanges = volumeChanges
        self.leaseMilliseconds = leaseMilliseconds
        self.steps = steps
    }
}

/// What became of an operation on the agent, kept there until the master has it on disk.
package struct OperationResult: Equatable, Sendable {
    package let uuid: OperationUUID
    package let sequence: UInt64
    /// `finished` or `failed`.
    package var state: OperationState
    /// Why it failed.
    package var message: String?

    package init(
        uuid: OperationUUID, sequence: UInt64, state: OperationState, message: String? = nil
    ) {
        self.uuid = uuid
        self.sequence = sequence
        self.state = state
        self.message = message
    }
}
