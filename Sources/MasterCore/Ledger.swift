package import Model
package import OrderedCollections

/// The master's durable state: what the registry's rows say. Only records change it, live and on
/// recovery alike.
package struct Ledger: Equatable, Sendable {
    /// The beginning of every id that this cluster gives.
    package private(set) var clusterID: String?
    package private(set) var agents: OrderedDictionary<AgentID, AgentRow> = [:]
    package private(set) var frameworks: OrderedDictionary<FrameworkID, FrameworkRow> = [:]
    package private(set) var volumes: [VolumeUUID: VolumeRow] = [:]
    /// Those with a key, by their beginning.
    package private(set) var transactions: OrderedDictionary<TransactionKey, TransactionRow> = [:]
    private var transactionOwners: [OperationUUID: TransactionKey] = [:]
    /// By role.
    package private(set) var policies: [String: LifecyclePolicy] = [:]
    private var books: [AgentID: Resources] = [:]
    private var queues: [AgentID: [OperationRow]] = [:]
    private var places: [OperationUUID: AgentID] = [:]
    private var inventories: [AgentID: Set<VolumeUUID>] = [:]
    private var stacks: [AgentID: StackBook] = [:]
    private var reservationAgents: [ReservationUUID: AgentID] = [:]
    private var leased: Set<ReservationUUID> = []

    package init() {}

    /// By age.
    package var agentRows: [AgentRow] { Array(agents.values) }

    /// By age.
    package var frameworkRows: [FrameworkRow] { Array(frameworks.values) }

    /// An agent's resources after every operation that it has confirmed; without allocation.
    package func confirmed(_ agent: AgentID) -> Resources { books[agent] ?? Resources() }

    /// An agent's operations in flight, by their sequence numbers.
    package func pending(_ agent: AgentID) -> [OperationRow] { queues[agent] ?? [] }

    /// The UUIDs of an agent's volumes, sorted.
    package func volumes(of agent: AgentID) -> [VolumeUUID] {
        (inventories[agent] ?? []).sorted()
    }

    package func volumeCount(of agent: AgentID) -> Int { inventories[agent]?.count ?? 0 }

    /// An agent's reservations, by age.
    package func reservations(of agent: AgentID) -> [ReservationRow] {
        stacks[agent]?.sortedRows ?? []
    }

    func reservation(on agent: AgentID, _ stack: [Reservation]) -> ReservationRow? {
        stacks[agent]?.row(of: stack)
    }

    package func reservation(_ uuid: ReservationUUID) -> ReservationRow? {
        reservationAgents[uuid].flatMap { stacks[$0]?.row(uuid) }
    }

    /// Those that have a lease, sorted.
    package var leasedReservations: [ReservationUUID] { leased.sorted() }

    /// Whether an agent's confirmed books have anything under stacks that begin with this one.
    func isRefined(_ stack: [Reservation], on agent: AgentID) -> Bool {
        stacks[agent]?.isRefined(stack) ?? false
    }

    /// Whether an agent's confirmed books have anything under the stack.
    func holds(_ stack: [Reservation], on agent: AgentID) -> Bool {
        stacks[agent]?.holds(stack) ?? false
    }

    package func operation(_ uuid: OperationUUID) -> OperationRow? {
        guard let agent = places[uuid] else { return nil }
        return queues[agent]?.first { $0.operation.uuid == uuid }
    }

    package mutating func apply(_ record: MasterRecord) {
        switch record {
        case .clusterCreated(let id):
            clusterID = id
        case .agentStored(let row):
            agents[row.id] = row
        case .agentRemoved(let id):
            agents[id] = nil
            books[id] = nil
            stacks[id] = nil
        case .piecesStored(let agent, let set, let removed):
            applyPieces(agent, set: set, removed: removed)
        case .volumeStored(let row):
            forgetPlace(of: row.volume.uuid)
            volumes[row.volume.uuid] = row
            inventories[row.agent, default: []].insert(row.volume.uuid)
        case .volumeRemoved(let uuid):
            forgetPlace(of: uuid)
            volumes[uuid] = nil
        case .reservationStored(let row):
            stacks[row.agent, default: StackBook()].set(row)
            reservationAgents[row.uuid] = row.agent
            if row.lease == nil { leased.remove(row.uuid) } else { leased.insert(row.uuid) }
        case .reservationRemoved(let uuid):
            leased.remove(uuid)
            guard let agent = reservationAgents.removeValue(forKey: uuid) else { return }
            stacks[agent]?.remove(uuid)
        case .operationStored(let row):
            enqueue(row)
        case .operationRemoved(let uuid):
            guard let agent = places.removeValue(forKey: uuid) else { return }
            queues[agent]?.removeAll { $0.operation.uuid == uuid }
        case .frameworkStored(let row):
            guard let id = row.description.id else { return }
            frameworks[id] = row
        case .frameworkRemoved(let id):
            frameworks[id] = nil
        case .policyStored(let policy):
            policies[policy.role] = policy
        case .policyRemoved(let role):
            policies[role] = nil
        case .audited:
            break
        case .transactionStored(let row):
            transactions[row.owner] = row
            if let uuid = row.result.uuid { transactionOwners[uuid] = row.owner }
        case .transactionRemoved(let owner):
            guard let row = transactions.removeValue(forKey: owner) else { return }
            if let uuid = row.result.uuid { transactionOwners[uuid] = nil }
        }
    }

    /// The row of a transaction that has a key.
    package func transaction(_ uuid: OperationUUID) -> TransactionRow? {
        transactionOwners[uuid].flatMap { transactions[$0] }
    }

    /// Rows come from the registry in any order; what is listed is listed by age.
    mutating func sortRows() {
        agents.sort { left, right in
            (left.value.registeredNanoseconds, left.key)
                < (right.value.registeredNanoseconds, right.key)
        }
        transactions.sort { left, right in
            (left.value.startedNanoseconds, left.key) < (right.value.startedNanoseconds, right.key)
        }
        frameworks.sort { left, right in
            (left.value.registeredNanoseconds, left.key)
                < (right.value.registeredNanoseconds, right.key)
        }
    }

    private mutating func applyPieces(_ agent: AgentID, set: [Resource], removed: [Resource]) {
        for piece in removed + set {
            guard let old = books[agent]?.entry(ResourceKey(piece)) else { continue }
            books[agent]?.subtract(old.resource, copies: old.copies)
            stacks[agent]?.drop(old.resource.reservations)
        }
        for piece in set {
            books[agent, default: Resources()].add(piece)
            stacks[agent, default: StackBook()].add(piece.reservations)
        }
    }

    private mutating func forgetPlace(of uuid: VolumeUUID) {
        guard let old = volumes[uuid] else { return }
        inventories[old.agent]?.remove(uuid)
        if inventories[old.agent]?.isEmpty == true { inventories[old.agent] = nil }
    }

    /// A row with a known UUID replaces the old one: its number may have changed.
    private mutating func enqueue(_ row: OperationRow) {
        let uuid = row.operation.uuid
        if let agent = places[uuid] { queues[agent]?.removeAll { $0.operation.uuid == uuid } }
        places[uuid] = row.agent
        var queue = queues.removeValue(forKey: row.agent) ?? []
        let sequence = row.operation.sequence
        let index = queue.lastIndex { $0.operation.sequence <= sequence }.map { $0 + 1 } ?? 0
        queue.insert(row, at: index)
        queues[row.agent] = queue
    }
}

extension Ledger {
    /// What a conversion does to an agent's confirmed books, piece by piece. Throws `conflict` when
    /// the books do not hold what it consumes.
    func pieces(
        of agent: AgentID, after conversion: ResourceConversion
    ) throws(Refusal) -> MasterRecord {
        var keys: OrderedSet<ResourceKey> = []
        for resource in conversion.consumed { keys.append(ResourceKey(resource)) }
        for resource in conversion.converted { keys.append(ResourceKey(resource)) }
        var slice = Resources()
        for key in keys {
            guard let entry = books[agent]?.entry(key) else { continue }
            slice.add(entry.resource, copies: entry.copies)
        }
        let before = slice
        try slice.apply(conversion)
        return record(agent, keys: keys, before: before, after: slice)
    }

    /// The record that makes `total` an agent's confirmed books; nil: they are that already.
    func pieces(of agent: AgentID, replacedBy total: Resources) -> MasterRecord? {
        let before = confirmed(agent)
        guard before != total else { return nil }
        var keys: OrderedSet<ResourceKey> = []
        for resource in before { keys.append(ResourceKey(resource)) }
        for resource in total { keys.append(ResourceKey(resource)) }
        return record(agent, keys: keys, before: before, after: total)
    }

    private func record(
        _ agent: AgentID, keys: OrderedSet<ResourceKey>, before: Resources, after: Resources
    ) -> MasterRecord {
        var set: [Resource] = []
        var removed: [Resource] = []
        for key in keys {
            let old = before.entry(key)?.resource
            let new = after.entry(key)?.resource
            if let new {
                if new != old { set.append(new) }
            } else if let old {
                removed.append(old)
            }
        }
        return .piecesStored(agent, set: set, removed: removed)
    }
}
