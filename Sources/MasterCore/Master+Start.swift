import MachineCore
import Model
import OrderedCollections

// The master's start: rows into the ledger, and from there what a master knows before anybody has
// come back. Recovery is the same `apply` as live.

extension Master {
    mutating func start(entropy: [UInt64], records: [MasterRecord]) {
        generator = SeededGenerator(entropy: entropy)
        for record in records { ledger.apply(record) }
        ledger.sortRows()
        isStarted = true
        startedAt = now
        listReservations()
        recoverLeases()
        if ledger.clusterID == nil { store(.clusterCreated(id: generator.uuid())) }
        nextAgent = nextNumber(after: ledger.agents.keys.map(\.value), mark: "-S")
        nextFramework = nextNumber(after: ledger.frameworks.keys.map(\.value), mark: "-")
        // Offers are not stored, and the number of one must not come again after a restart.
        nextOffer = UInt64(max(0, now.nanoseconds / 1_000))
        for row in ledger.frameworks.values { recover(row) }
        for row in ledger.agents.values where row.standing == .admitted { recover(row) }
        for row in ledger.agents.values where row.standing == .unreachable {
            for operation in ledger.pending(row.id) { follow(operation, state: .unreachable) }
        }
        recoverDestroyed()
        guard !agents.isEmpty else { return }
        let due = now + .milliseconds(options.agentReregisterTimeoutMilliseconds)
        reregistrationDue = due
        timers.add(.reregistration, at: due)
    }

    var clusterID: String { ledger.clusterID ?? "" }

    /// One more than the highest number that follows the cluster's id and `mark`.
    private func nextNumber(after names: [String], mark: String) -> UInt64 {
        let prefix = clusterID + mark
        let numbers = names.compactMap { name in
            name.hasPrefix(prefix) ? UInt64(name.dropFirst(prefix.count)) : nil
        }
        return numbers.max().map { $0 &+ 1 } ?? 0
    }

    private mutating func recover(_ row: FrameworkRow) {
        guard let id = row.description.id else { return }
        var framework = MasterFramework(
            id: id, description: row.description,
            registeredNanoseconds: row.registeredNanoseconds)
        framework.isRecovered = true
        framework.disconnectedNanoseconds = row.disconnectedNanoseconds ?? now.nanoseconds
        guard !row.isRemoved else {
            framework.isRecovered = false
            framework.isEnding = true
            completedFrameworks.append(framework)
            return
        }
        // The time without a master is not the framework's fault: it gets some of it again.
        let grace = Span.milliseconds(options.agentReregisterTimeoutMilliseconds)
        let timeout = Span.milliseconds(max(0, row.description.failoverTimeoutMilliseconds))
        let due =
            if let disconnected = row.disconnectedNanoseconds {
                max(Instant(nanoseconds: disconnected) + timeout, now + min(timeout, grace))
            } else {
                now + max(timeout, grace)
            }
        framework.failoverDue = due
        timers.add(.failover(id), at: due)
        frameworks[id] = framework
        admitToAllocator(id)
    }

    private mutating func recover(_ row: AgentRow) {
        agents[row.id] = MasterAgent(id: row.id)
        let last = ledger.pending(row.id).last?.operation.sequence ?? 0
        agents[row.id]?.nextSequence = max(row.lastSequence, last) + 1
        for operation in ledger.pending(row.id) {
            follow(operation, state: .pending)
            recoverLaunches(of: operation)
        }
        recomputeTotal(row.id)
    }

    /// Takes an operation with a framework's id up into what that framework can reconcile.
    mutating func follow(_ row: OperationRow, state: OperationState) {
        guard let framework = row.operation.framework else { return }
        for (uuid, id) in row.operation.followed {
            frameworks[framework]?.operations[uuid] = FrameworkOperation(
                id: id, agent: row.agent, transaction: row.operation.transactionUUID,
                state: state)
        }
    }
}
