import MachineCore
import Model

// Operations end in the order of their numbers. Volume work of one that waits begins early when
// its conversion will certainly fit, whatever becomes of those in front of it; so nothing that was
// done on a disk ever has to be taken back, and independent work overlaps.
//
// A volume that a task holds may grow, if its backend can: the record of the operation's end moves
// the books and what the task holds together, live and on recovery alike.

extension Agent {
    /// How far behind the first operation volume work may begin early.
    private static let lookahead = 64

    mutating func receive(
        _ operation: AgentOperation, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        if operation.sequence <= operations.lastReceived {
            if let ended = state.results[operation.uuid] {
                return outbox.append(.send(.operationResult(ended.result)))
            }
            return outbox.append(.drop(.operationRepeated, "operation \(operation.sequence)"))
        }
        guard operation.sequence == operations.lastReceived + 1 else {
            outbox.append(
                .drop(
                    .sequenceGap,
                    "operation \(operation.sequence) after \(operations.lastReceived)"))
            return reconnectLater(at: now)
        }
        let bound = options.limits.pendingOperationsPerAgent
        guard operations.count < bound, state.results.count < bound else {
            outbox.append(.drop(.operationsTooMany, "operation \(operation.sequence)"))
            return reconnectLater(at: now)
        }
        operations.append(operation)
        if operations.count <= Self.lookahead { advance(at: now, into: &outbox) }
    }

    mutating func finishVolumeWork(
        _ uuid: OperationUUID, failure: String?, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        if discarding.contains(uuid) {
            return finishDiscarding(uuid, failure: failure, at: now, into: &outbox)
        }
        let sequence = operations.sequence(of: uuid)
        switch sequence.flatMap({ operations[$0]?.phase }) {
        case .working: operations.set(.worked(failure: failure), of: sequence ?? 0)
        case .undoing(let reason): operations.set(.worked(failure: reason), of: sequence ?? 0)
        case .waiting, .worked, nil:
            return outbox.append(.drop(.volumeWorkUnknown, "operation \(uuid)"))
        }
        advance(at: now, into: &outbox)
    }

    /// Ends what can end, then begins what can begin.
    mutating func advance(at now: Instant, into outbox: inout Outbox<Action>) {
        loop: while let head = operations.head {
            switch head.phase {
            case .waiting:
                if let objection = objection(to: head.operation) {
                    if undoGrowth(of: head.operation, because: objection, into: &outbox) {
                        break loop
                    }
                    end(head.operation, failure: objection, into: &outbox)
                } else if head.operation.changesBeforeEnd.isEmpty {
                    end(head.operation, failure: nil, into: &outbox)
                } else {
                    beginVolumeWork(head.operation, into: &outbox)
                    break loop
                }
            case .working, .undoing: break loop
            case .worked(let failure):
                let objection = failure ?? objection(to: head.operation)
                if failure == nil, let objection,
                    undoGrowth(of: head.operation, because: objection, into: &outbox)
                {
                    break loop
                }
                end(head.operation, failure: objection, into: &outbox)
            }
            // A launch comes before the operations that were sent after it.
            resumeLaunches(at: now, into: &outbox)
        }
        beginEarly(into: &outbox)
    }

    private func objection(to operation: AgentOperation, claims: Claims? = nil) -> String? {
        let isWaiting = operations[operation.sequence]?.phase == .waiting
        let isBegun = state.begun?.uuid == operation.uuid
        if isStorageLow, needsSpace(operation), isWaiting, !isBegun {
            return "the disk of the agent's work directory is nearly full"
        }
        // Where no report has come yet the backend itself refuses.
        for volume in isWaiting && !isBegun ? state.volumesInUse(grownBy: operation) : [] {
            guard let uuid = state.volumesByKey[ResourceKey(volume)],
                volumeReports[uuid]?.growsWhileMounted == false
            else { continue }
            return "volume \(volume.text) is in use and does not grow while mounted"
        }
        return state.objection(
            to: operation, volumesAtMost: options.limits.volumesPerAgent, claims: claims)
    }

    /// Whether an operation takes space that it does not have yet. What an earlier process may have
    /// done on the disk can't be refused any more; of growth nobody knows, so its backend decides.
    private func needsSpace(_ operation: AgentOperation) -> Bool {
        operation.volumeChanges.contains { change in
            switch change {
            case .create(let volume): !unclaimedVolumes.contains(volume.uuid)
            case .destroy, .resize: false
            }
        }
    }

    private mutating func beginVolumeWork(
        _ operation: AgentOperation, into outbox: inout Outbox<Action>
    ) {
        // What is being retired may still have the place of a new volume.
        guard discarding.isEmpty else { return }
        noteBeginning(of: operation, into: &outbox)
        operations.set(.working, of: operation.sequence)
        outbox.append(.changeVolumes(operation.uuid, operation.changesBeforeEnd))
    }

    private mutating func beginEarly(into outbox: inout Outbox<Action>) {
        guard operations.count > 1, discarding.isEmpty else { return }
        var claims = Claims()
        for launch in waiting.launches {
            for mount in mounts(of: launch.task.resources) { claims.touch(mount.volume) }
        }
        for entry in operations.prefix(Self.lookahead) {
            let operation = entry.operation
            switch entry.phase {
            case .working, .undoing, .worked(failure: .some): claims.claim(operation)
            case .worked(failure: nil): claims.grant(operation)
            case .waiting:
                // What this one would bring is not counted on: should agent and master die now,
                // then nobody may know of it any more. A transaction waits for its turn.
                if !operation.volumeChanges.isEmpty, !operation.isTransaction,
                    !claims.isTouched(by: operation),
                    objection(to: operation, claims: claims) == nil
                {
                    beginVolumeWork(operation, into: &outbox)
                }
                claims.claim(operation)
            }
        }
    }

    /// What volume work that has begun takes: no launch may use it any more.
    func claimsOfVolumeWork() -> Claims? {
        guard !operations.isEmpty else { return nil }
        var claims = Claims()
        for entry in operations.prefix(Self.lookahead) where entry.phase != .waiting {
            claims.claim(entry.operation)
        }
        return claims
    }

    private mutating func end(
        _ operation: AgentOperation, failure: String?, into outbox: inout Outbox<Action>
    ) {
        let result = OperationResult(
            uuid: operation.uuid, sequence: operation.sequence,
            state: failure == nil ? .finished : .failed, message: failure)
        operations.removeHead()
        store(.operationEnded(operation, result), into: &outbox)
        history.add(operation, result)
        forgetVolumes(of: operation, isDone: failure == nil)
        discardVolumes(of: operation.uuid, into: &outbox)
        if isRegistered { outbox.append(.send(.operationResult(result))) }
    }

    private mutating func forgetVolumes(of operation: AgentOperation, isDone: Bool) {
        for change in operation.volumeChanges {
            switch change {
            case .create(let volume):
                if isDone { unclaimedVolumes.removeAll { $0 == volume.uuid } }
                volumeProblems[volume.uuid] = nil
                if !isDone, state.volumes[volume.uuid] == nil { volumeReports[volume.uuid] = nil }
            case .destroy(let uuid):
                guard isDone else { continue }
                volumeProblems[uuid] = nil
                volumeReports[uuid] = nil
                erasing.remove(uuid)
            case .resize: break
            }
        }
    }
}
