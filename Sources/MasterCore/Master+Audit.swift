import MachineCore
import Model
import OrderedCollections

// The audit trail. An entry is stored in the commit of what it tells of: there is none without the
// other. Launches are in it where they hold volumes.

extension Master {
    mutating func audit(_ entry: AuditEntry) { emit(.store(.audited(entry))) }

    func entry(
        _ action: AuditAction, _ outcome: AuditOutcome, _ message: String?
    ) -> AuditEntry {
        AuditEntry(
            nanoseconds: now.nanoseconds, action: action, outcome: outcome, message: message)
    }

    /// The end of an operation that was given to an agent.
    mutating func audit(
        _ row: OperationRow, _ outcome: AuditOutcome, _ message: String? = nil,
        isRetold: Bool = false
    ) {
        let operation = row.operation
        guard !operation.isTransaction else { return auditSteps(of: row, outcome, message) }
        var entry = entry(AuditAction(operation.type), outcome, message ?? operation.leaseText)
        entry.framework = operation.framework
        entry.principal = operation.principal
        entry.agent = row.agent
        entry.operation = operation.uuid
        entry.operationID = operation.id
        entry.isRetold = isRetold
        entry.consumed = Array(operation.conversion.consumed)
        entry.converted = Array(operation.conversion.converted)
        entry.volumes = operation.volumeChanges.map(\.uuid)
        audit(entry)
    }

    /// What the master did not begin. On a full disk the room is kept for what must be stored.
    mutating func auditRefusal(
        of kind: OfferOperation.Kind, id: OperationID? = nil, on agent: AgentID?,
        by framework: FrameworkID?, principal: String?, because message: String
    ) {
        guard !isStorageLow, let type = kind.type else { return }
        var entry = entry(AuditAction(type), .refused, message)
        entry.framework = framework
        entry.principal = principal
        entry.agent = agent
        entry.operationID = id
        entry.consumed = Array(kind.named.prefix(Self.namedInRefusals))
        entry.volumes = entry.consumed.compactMap { volume in
            guard volume.isPersistentVolume, let agent else { return nil }
            return agents[agent]?.volumeUUIDs[ResourceKey(volume.with(allocationRole: nil))]
        }
        audit(entry)
    }

    /// What is refused may name more than any agent has.
    private static let namedInRefusals = 16

    mutating func audit(
        _ action: AuditAction, framework: FrameworkID? = nil, agent: AgentID? = nil,
        task: TaskID? = nil, principal: String? = nil, message: String? = nil
    ) {
        var entry = entry(action, .finished, message)
        entry.framework = framework
        entry.agent = agent
        entry.task = task
        entry.principal = principal
        audit(entry)
    }

    /// What became of a volume without an operation.
    mutating func audit(_ action: AuditAction, of row: VolumeRow, message: String? = nil) {
        var entry = entry(action, .finished, message)
        entry.framework = row.volume.framework
        entry.principal = row.volume.principal
        entry.agent = row.agent
        entry.converted = [row.volume.resource]
        entry.volumes = [row.volume.uuid]
        audit(entry)
    }

    /// Operations that an agent has done and that no registry holds, whose end an earlier master
    /// may not have lived to hear: only those that can be provisional. Where it has heard of it and
    /// only its acknowledgement was lost, the trail has the line already.
    func unheardOperations(
        of id: AgentID, _ registration: AgentRegistration
    ) -> [OperationRow] {
        let finished = Set(registration.results.filter { $0.state == .finished }.map(\.uuid))
        let unheard = registration.operations.filter { operation in
            finished.contains(operation.uuid) && operation.id == nil
                && operation.volumeChanges.isEmpty && !operation.isTransaction
                && ledger.operation(operation.uuid) == nil
        }
        return unheard.suffix(Self.unheardAtOnce).map {
            OperationRow(agent: id, operation: $0, startedNanoseconds: now.nanoseconds)
        }
    }

    /// As many as a master may well have had on their way to one agent when it died.
    private static let unheardAtOnce = 64
}

extension VolumeChange {
    var uuid: VolumeUUID {
        switch self {
        case .create(let volume): volume.uuid
        case .destroy(let uuid), .resize(let uuid, to: _): uuid
        }
    }
}

extension OfferOperation.Kind {
    /// The resources that the request names.
    fileprivate var named: [Resource] {
        switch self {
        case .reserve(let resources, _), .unreserve(let resources), .create(let resources),
            .destroy(let resources):
            resources.map { $0.with(allocationRole: nil) }
        case .grow(let volume, let addition):
            [volume, addition].map { $0.with(allocationRole: nil) }
        case .shrink(let volume, _): [volume.with(allocationRole: nil)]
        case .launch, .launchGroup, .refused: []
        }
    }
}
