import MachineCore
import Model

// Transactions. On the agent one is a single operation, with one record of its end: all of it takes
// effect there, or nothing.
//
//     waiting (its turn) --transactionBegun stored--> creating, growing --operationEnded stored-->
//         finished: what it destroys is retired    failed: what it made is retired
//
// What can be taken back is done before the end is stored, what can't afterwards: volumes that are
// given up stay on the disk, `doomed`, until the record says that nobody wants them any more. After
// a crash the record of the beginning lets the next start go on with the work, which is idempotent,
// whether the master asks again or not; the doomed ones of an end are retired then.

extension Agent {
    /// Between two attempts at retiring volumes.
    private static let discardRetry = Span.seconds(10)

    /// The first thing of a transaction's work on the disk.
    mutating func noteBeginning(
        of operation: AgentOperation, into outbox: inout Outbox<Action>
    ) {
        guard operation.isTransaction, state.begun?.uuid != operation.uuid else { return }
        store(.transactionBegun(operation), into: &outbox)
    }

    /// Takes up what an earlier process has begun or has not finished tidying up.
    mutating func resumeTransactions(at now: Instant, into outbox: inout Outbox<Action>) {
        for uuid in state.doomed.keys.sorted() { discardVolumes(of: uuid, into: &outbox) }
        guard let begun = state.begun else { return }
        operations.append(begun)
        advance(at: now, into: &outbox)
    }

    /// Takes growth back that a transaction which is to fail has done; false: it has done none.
    mutating func undoGrowth(
        of operation: AgentOperation, because reason: String, into outbox: inout Outbox<Action>
    ) -> Bool {
        guard operation.isTransaction, state.begun?.uuid == operation.uuid else { return false }
        let growth = operation.volumeChanges.compactMap { change -> VolumeChange? in
            guard case .resize(let uuid, to: _) = change, let volume = state.volumes[uuid] else {
                return nil
            }
            return .resize(uuid, to: volume.resource.amount)
        }
        guard !growth.isEmpty else { return false }
        operations.set(.undoing(reason), of: operation.sequence)
        outbox.append(.changeVolumes(operation.uuid, growth))
        return true
    }

    /// Retires the volumes that an ended transaction has left behind, if there are any.
    mutating func discardVolumes(of uuid: OperationUUID, into outbox: inout Outbox<Action>) {
        guard let volumes = state.doomed[uuid], !discarding.contains(uuid) else { return }
        discarding.insert(uuid)
        outbox.append(.changeVolumes(uuid, volumes.map { .destroy($0) }))
    }

    /// What can't be retired is tried again: nothing else waits for it then.
    mutating func finishDiscarding(
        _ uuid: OperationUUID, failure: String?, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        discarding.remove(uuid)
        if failure == nil {
            store(.volumesDiscarded(uuid), into: &outbox)
        } else {
            timers.set(.discard(uuid), at: now + Self.discardRetry)
        }
        advance(at: now, into: &outbox)
    }

    /// Volumes on the disk that are nobody's, but that a transaction knows.
    func isTransactions(_ volume: VolumeUUID) -> Bool {
        let isBeingMade = state.begun?.volumesMade.contains(volume) == true
        return isBeingMade || state.doomed.values.contains { $0.contains(volume) }
    }

    func transactionViolations() -> [String] {
        var found: [String] = []
        if let begun = state.begun, operations.head?.operation.uuid != begun.uuid {
            found.append("transaction \(begun.uuid) has begun and is not the next one to end")
        }
        for uuid in state.doomed.keys.sorted() {
            if !discarding.contains(uuid), !timers.contains(.discard(uuid)) {
                found.append("nothing will retire the volumes of transaction \(uuid)")
            }
            for volume in state.doomed[uuid] ?? [] where state.volumes[volume] != nil {
                found.append("volume \(volume) is given up and in the books")
            }
        }
        return found
    }
}

extension AgentOperation {
    /// Those that it creates.
    var volumesMade: [VolumeUUID] {
        volumeChanges.compactMap { change in
            switch change {
            case .create(let volume): volume.uuid
            case .destroy, .resize: nil
            }
        }
    }
}
