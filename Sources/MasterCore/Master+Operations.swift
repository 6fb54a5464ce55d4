import AllocatorCore
import MachineCore
import Model
import OrderedCollections

/// A checked operation, before it has a UUID and a number.
struct OperationPlan {
    let kind: OfferOperation.Kind
    /// Without allocation.
    let conversion: ResourceConversion
    let changes: [VolumeChange]
    var framework: FrameworkID?
    var id: OperationID?
    var principal: String?
    /// As in `AgentOperation`.
    var leaseMilliseconds: Int64?

    var endsLease: Bool { kind.type == .unreserve && leaseMilliseconds != nil }
}

// Operations on an agent's books.
//
//     issue: applyOperation --operationResult finished--> pieces, volumes stored,
//         \                                              acknowledgeResult, answer 202
//          \--operationResult failed--> acknowledgeResult, books restored, 409
//
// `total` is confirmed + pending; the ledger holds what is confirmed and what is pending. A pending
// operation is stored before it is sent if it changes volumes, for its agent may die in the midst
// of it, or if it has a framework's id; any other one when its caller has waited too long or its
// agent is away. Until then it is provisional: should this master die, then a later one hears of
// it from the agent, or it has never been.

extension Master {
    func checkRoom(for kind: OfferOperation.Kind, on agent: AgentID) throws(Refusal) {
        guard !isStorageLow || kind.givesBack else { throw storageRefusal }
        guard ledger.pending(agent).count < options.limits.pendingOperationsPerAgent else {
            throw Refusal(
                .unavailable, "agent \(agent) has too many operations that it has not confirmed")
        }
    }

    /// A valid operation as the agent's books have its volumes, if it fits them.
    func fitting(
        _ kind: OfferOperation.Kind, on id: AgentID
    ) throws(Refusal) -> OfferOperation.Kind {
        try checkRoom(for: kind, on: id)
        guard let total = agents[id]?.total else {
            throw Refusal(.invalid, "No agent found with specified ID")
        }
        let kind = kind.resolved(in: total)
        try checkLifecycle(kind, on: id)
        if case .destroy(let volumes) = kind { try checkUnused(volumes, on: id) }
        try kind.check(against: total)
        return kind
    }

    @discardableResult
    mutating func issue(_ plan: OperationPlan, to id: AgentID) -> OperationUUID? {
        guard let sequence = agents[id]?.nextSequence, let type = plan.kind.type else {
            return nil
        }
        let operation = AgentOperation(
            uuid: OperationUUID(generator.uuid()), sequence: sequence, type: type,
            framework: plan.framework, id: plan.id, principal: plan.principal,
            conversion: plan.conversion, volumeChanges: plan.changes,
            leaseMilliseconds: plan.leaseMilliseconds)
        touch(id)
        // What ends a lease outlives this master: no later one may renew the lease meanwhile.
        let isProvisional =
            plan.id == nil && plan.changes.isEmpty && !plan.endsLease
            && agents[id]?.isConnected == true
        give(
            OperationRow(
                agent: id, operation: operation, startedNanoseconds: now.nanoseconds,
                isProvisional: isProvisional))
        return operation.uuid
    }

    /// Books an operation with the agent's next number, and sends it.
    mutating func give(_ row: OperationRow) {
        let (id, operation) = (row.agent, row.operation)
        if row.isProvisional {
            ledger.apply(.operationStored(row))
        } else {
            store(.operationStored(row))
        }
        agents[id]?.nextSequence += 1
        agents[id]?.noteVolumes(of: operation)
        do throws(Refusal) {
            try agents[id]?.total.apply(operation.conversion)
        } catch {
            agents[id]?.skippedOperations.insert(operation.uuid)
        }
        follow(row, state: .pending)
        if let connection = agents[id]?.connection {
            emit(.send(connection, .applyOperation(operation)))
        }
    }

    mutating func operationEnded(_ id: AgentID, _ result: OperationResult) {
        guard let row = ledger.operation(result.uuid), row.agent == id else {
            if agents[id]?.heldResults.contains(result.uuid) == true { return }
            emit(.drop(.operationUnknown, "result of \(result.uuid) from \(id)"))
            acknowledgeResult(result.uuid, of: id)
            return
        }
        touch(id)
        switch result.state {
        case .finished:
            finish(row)
        case .failed, .error, .dropped, .goneByOperator, .pending, .unreachable, .recovering,
            .unknown:
            fail(row, result.message ?? "the agent gave no reason")
        }
    }

    /// Lets the agent forget a result, unless a framework is to acknowledge it first. There is a
    /// bound to that, so that a framework which never does so is no burden to others.
    private mutating func release(_ row: OperationRow) {
        let uuid = row.operation.uuid
        let bound = options.limits.pendingOperationsPerAgent / 2
        if let framework = row.operation.framework,
            row.operation.followed.contains(where: {
                frameworks[framework]?.operations[$0.uuid] != nil
            }),
            let held = agents[row.agent]?.heldResults.count, held < bound
        {
            agents[row.agent]?.heldResults.insert(uuid)
        } else {
            acknowledgeResult(uuid, of: row.agent)
        }
    }

    mutating func acknowledgeResult(_ uuid: OperationUUID, of id: AgentID) {
        agents[id]?.heldResults.remove(uuid)
        guard let connection = agents[id]?.connection else { return }
        emit(.send(connection, .acknowledgeResult(uuid)))
    }

    private mutating func finish(_ row: OperationRow) {
        do throws(Refusal) {
            let pieces = try ledger.pieces(of: row.agent, after: row.operation.conversion)
            confirm(row, pieces)
        } catch {
            // The agent has done what its books as we know them did not allow: only what it says
            // of itself at a new registration can settle that.
            emit(.drop(.booksDiffer, "\(row.operation.uuid) on \(row.agent): \(error.message)"))
            if let connection = agents[row.agent]?.connection { disconnect(connection) }
        }
    }

    /// Stores a pending operation of which somebody is to be told.
    mutating func keep(_ row: OperationRow) {
        guard row.isProvisional else { return }
        var row = row
        row.isProvisional = false
        store(.operationStored(row))
    }

    /// Forgets an operation that has ended.
    mutating func drop(_ row: OperationRow) {
        let record = MasterRecord.operationRemoved(row.operation.uuid)
        if row.isProvisional { ledger.apply(record) } else { store(record) }
    }

    /// Takes a finished operation into the confirmed books and tells whoever waits for it.
    ///
    /// Of an operation that is stored the answer comes before the records: the registry holds it
    /// and the agent its result, so that this end follows from both after any crash.
    mutating func confirm(_ row: OperationRow, _ pieces: MasterRecord?) {
        let uuid = row.operation.uuid
        let request = waiting.removeValue(forKey: uuid)
        if let request, !row.isProvisional { emit(.answer(request, .accepted)) }
        if let pieces { storePieces(pieces, by: row.operation) }
        storeVolumes(of: row)
        drop(row)
        audit(row, .finished)
        noteGrowth(row, failure: nil)
        if let request, row.isProvisional { emit(.answer(request, .accepted)) }
        release(row)
        if agents[row.agent]?.skippedOperations.remove(uuid) != nil { rebase(row.agent) }
        reportEnd(of: row.operation, .finished, nil)
        endTransaction(row, .finished)
    }

    /// Takes a failed operation out of the books again and tells whoever waits for it.
    mutating func fail(_ row: OperationRow, _ reason: String) {
        let uuid = row.operation.uuid
        drop(row)
        for case .create(let volume) in row.operation.volumeChanges {
            volumeReports[volume.uuid] = nil
            agents[row.agent]?.earlyUses[volume.uuid] = nil
        }
        audit(row, .failed, reason)
        for case .destroy(let volume) in row.operation.volumeChanges
        where agents[row.agent]?.halfDestroyed.remove(volume) != nil {
            setLost(volume)
        }
        noteGrowth(row, failure: reason)
        noteFailedErasure(row, reason)
        release(row)
        dropLaunches(of: row, because: reason)
        if agents[row.agent]?.isRegistered == true { takeBack(row) }
        if let request = waiting.removeValue(forKey: uuid) {
            emit(.answer(request, .refused(Refusal(.conflict, reason))))
        }
        reportEnd(of: row.operation, .failed, reason)
        endTransaction(row, .failed, reason)
    }

    private mutating func takeBack(_ row: OperationRow) {
        let reversed = row.operation.conversion.reversed
        let wasSkipped = agents[row.agent]?.skippedOperations.isEmpty == false
        guard !wasSkipped, agents[row.agent]?.total.contains(reversed.consumed) == true,
            areSound(ledger.pending(row.agent), on: row.agent)
        else {
            rebase(row.agent)
            return
        }
        do throws(Refusal) {
            if !takeBackHeld(row) {
                try allocator.convertAvailable(
                    row.agent, conversion: withoutWithheld(reversed, on: row))
            }
            try agents[row.agent]?.total.apply(reversed)
            rebuildVolumeIndex(row.agent)
        } catch {
            rebase(row.agent)
        }
    }

    /// Whether operations still fit, one after another. One that was made of what a failed one
    /// would have brought does not, even if a later one makes the same again.
    private func areSound(_ pending: [OperationRow], on id: AgentID) -> Bool {
        guard !pending.isEmpty else { return true }
        var total = ledger.confirmed(id)
        for row in pending {
            do throws(Refusal) { try total.apply(row.operation.conversion) } catch { return false }
        }
        return true
    }

    /// Works out an agent's books anew from what is confirmed and what is pending. Offers made of
    /// the old ones are rescinded; tasks keep what they hold until they end, but for the sizes of
    /// volumes.
    mutating func rebase(_ id: AgentID) {
        rescindOffers(of: id)
        recomputeTotal(id)
        guard let total = agents[id]?.total else { return }
        touch(id)
        followVolumes(of: id)
        allocator.setTotal(id, total: agents[id]?.offerable ?? total)
    }

    mutating func recomputeTotal(_ id: AgentID) {
        var total = ledger.confirmed(id)
        var skipped: Set<OperationUUID> = []
        for row in ledger.pending(id) {
            do throws(Refusal) {
                try total.apply(row.operation.conversion)
            } catch {
                skipped.insert(row.operation.uuid)
            }
        }
        agents[id]?.total = total
        agents[id]?.skippedOperations = skipped
        rebuildVolumeIndex(id)
    }
}

extension OfferOperation.Kind {
    /// Whether less has to be stored once it is done: what a full disk needs.
    fileprivate var givesBack: Bool {
        switch self {
        case .unreserve, .destroy, .shrink: true
        case .reserve, .create, .grow, .launch, .launchGroup, .refused: false
        }
    }
}
