import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// Operators' calls about volumes' lives, and the collection: what the policies' verdicts name is
// done when it is due, by this timer and by nothing else. COLLECT_GARBAGE only lets it come early
// to see what is due.

extension Master {
    private static let betweenCollections = Span.milliseconds(1_000)
    private static let retry = Span.milliseconds(10_000)
    /// Steps on one agent in one event: so many erasures at a time leave room for others.
    private static let stepsAtOnce = 64

    mutating func lifecycleCalled(
        _ call: LifecycleCall, principal: String?
    ) throws(Refusal) {
        switch call {
        case .setPolicy(let policy): try setPolicy(policy, principal: principal)
        case .removePolicy(let role):
            guard ledger.policies[role] != nil else {
                throw Refusal(.notFound, "role '\(role)' has no policy of its own")
            }
            let rules = diskRules
            store(.policyRemoved(role))
            tellDiskRules(since: rules)
            audit(.policyRemoved, principal: principal, message: "of role '\(role)'")
            awaitCollection(at: now)
        case .undelete(let uuid): try undelete(uuid, principal: principal)
        case .protect(let uuid, let isProtected):
            try protect(uuid, isProtected, principal: principal)
        case .erase(let uuid, let mode): try erase(uuid, mode, principal: principal)
        case .collect: collect()
        case .destroyNow: break
        }
    }

    private mutating func setPolicy(
        _ policy: LifecyclePolicy, principal: String?
    ) throws(Refusal) {
        try policy.validate()
        guard !isStorageLow else { throw storageRefusal }
        let old = ledger.policies[policy.role]
        guard old != nil || ledger.policies.count < Self.policiesAtMost else {
            throw Refusal(.tooLarge, "there are \(ledger.policies.count) policies already")
        }
        guard old != policy else { return }
        let rules = diskRules
        store(.policyStored(policy))
        tellDiskRules(since: rules)
        audit(.policySet, principal: principal, message: "of role '\(policy.role)'")
        awaitCollection(at: now)
    }

    private func known(_ uuid: VolumeUUID) throws(Refusal) -> VolumeRow {
        guard let row = ledger.volumes[uuid] else {
            throw Refusal(.notFound, "there is no volume \(uuid)")
        }
        return row
    }

    private mutating func undelete(_ uuid: VolumeUUID, principal: String?) throws(Refusal) {
        var row = try known(uuid)
        guard row.lifecycle.stage == .trash else {
            throw Refusal(.conflict, "volume \(uuid) is \(row.state), not in the trash")
        }
        guard row.standing != .lost else {
            throw Refusal(.conflict, "volume \(uuid) is lost: its agent has it no more")
        }
        enter(.active, &row)
        audit(.volumeUndeleted, of: row, principal: principal)
        touch(row.agent)
        let before = agents[row.agent]?.withheld ?? Resources()
        rebuildWithheld(row.agent)
        let back = before.subtracting(agents[row.agent]?.withheld ?? Resources())
        if let back, !back.isEmpty, agents[row.agent]?.isRegistered == true {
            let conversion = ResourceConversion(consumed: Resources(), converted: back)
            do throws(Refusal) {
                try allocator.convertAvailable(row.agent, conversion: conversion)
            } catch {
                rebase(row.agent)
            }
        }
        awaitCollection(of: uuid)
    }

    private mutating func protect(
        _ uuid: VolumeUUID, _ isProtected: Bool, principal: String?
    ) throws(Refusal) {
        var row = try known(uuid)
        guard row.lifecycle.stage != .erasing else {
            throw Refusal(.conflict, "volume \(uuid) is being erased")
        }
        guard row.lifecycle.isProtected != isProtected else { return }
        row.lifecycle.isProtected = isProtected
        store(.volumeStored(row))
        audit(isProtected ? .volumeProtected : .volumeUnprotected, of: row, principal: principal)
        awaitCollection(of: uuid)
    }

    /// A task or an operation has to do with it: it is nobody's orphan, and its time begins anew.
    mutating func noteUse(of row: inout VolumeRow) {
        switch row.lifecycle.stage {
        case .active:
            if row.lifecycle.sinceNanoseconds != 0 {
                row.lifecycle.sinceNanoseconds = now.nanoseconds
            }
        case .orphaned:
            row.lifecycle.stage = .active
            row.lifecycle.sinceNanoseconds = now.nanoseconds
            audit(.volumeReclaimed, of: row, "it is used again")
        case .trash, .erasing: break
        }
    }

    /// The registry is about to forget a removed framework; what it owned remembers.
    mutating func noteForgotten(_ framework: FrameworkID) {
        for agent in ledger.agents.keys {
            for uuid in ledger.volumes(of: agent) {
                guard var row = ledger.volumes[uuid],
                    row.volume.framework == framework
                        || row.lastUse?.task.framework == framework,
                    !row.lifecycle.goneOwners.contains(framework)
                else { continue }
                row.lifecycle.goneOwners = (row.lifecycle.goneOwners + [framework]).sorted()
                store(.volumeStored(row))
            }
        }
    }

    // MARK: collection

    mutating func awaitCollection(of uuid: VolumeUUID) {
        guard !ledger.policies.isEmpty, let row = ledger.volumes[uuid],
            let due = verdict(row).due
        else { return }
        awaitCollection(at: due)
    }

    mutating func awaitCollection(at due: Instant) {
        let due = max(due, lastCollection + Self.betweenCollections)
        if let collectionDue, collectionDue <= due { return }
        collectionDue = due
        timers.add(.collection, at: due)
    }

    /// Does whatever is due by the policies on the agents that are there.
    mutating func collect() {
        lastCollection = now
        collectionDue = nil
        var next: Instant?
        for id in agents.keys where agents[id]?.isRegistered == true {
            guard agents[id]?.isConnected == true else { continue }
            var steps = 0
            for uuid in ledger.volumes(of: id) {
                guard let due = advance(uuid, &steps) else { continue }
                next = min(next ?? due, due)
            }
        }
        if let next { awaitCollection(at: next) }
    }

    /// Does what is due to a volume, step by step; returns when the next step is.
    private mutating func advance(_ uuid: VolumeUUID, _ steps: inout Int) -> Instant? {
        for _ in LifecycleVerdict.Step.allCases {
            guard let row = ledger.volumes[uuid] else { return nil }
            let verdict = verdict(row)
            guard let step = verdict.step, let due = verdict.due else { return nil }
            guard due <= now else { return due }
            guard steps < Self.stepsAtOnce else { return now + Self.betweenCollections }
            steps += 1
            guard perform(step, row, verdict.reason) else { return now + Self.retry }
        }
        return nil
    }

    /// False: it can't be done now.
    private mutating func perform(
        _ step: LifecycleVerdict.Step, _ row: VolumeRow, _ reason: String
    ) -> Bool {
        var row = row
        touch(row.agent)
        switch step {
        case .orphan:
            guard !isStorageLow else { return false }
            enter(.orphaned, &row)
            audit(.volumeOrphaned, of: row, reason)
        case .reclaim:
            enter(.active, &row)
            audit(.volumeReclaimed, of: row, reason)
        case .trash:
            guard !isStorageLow, withdraw(row) else { return false }
            putIntoTrash(&row, reason)
        case .erase:
            guard !hasPending(row.volume.uuid, on: row.agent) else { return false }
            beginErasing(&row, row.lifecycle.order ?? order(for: row), reason)
        }
        return true
    }

    /// Takes an orphan from the allocator, and back out of offers; false: somebody has it.
    private mutating func withdraw(_ row: VolumeRow) -> Bool {
        let id = row.agent
        let plain = row.volume.resource.with(allocationRole: nil)
        guard let volume = agents[id]?.total.entry(ResourceKey(plain))?.resource,
            !hasPending(row.volume.uuid, on: id)
        else { return false }
        let conversion = ResourceConversion(
            consumed: Resources([volume]), converted: Resources())
        do throws(Refusal) {
            try checkUnused([volume], on: id)
            rescindShared([volume], on: id)
            try rescinding(for: conversion, on: id) { master throws(Refusal) in
                try master.allocator.convertAvailable(id, conversion: conversion)
            }
            return true
        } catch {
            return false
        }
    }
}
