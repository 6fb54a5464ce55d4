import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// The end of what is in the trash. Where its data is to be discarded or overwritten the agent does
// that first, as long as it takes, while the volume is in the books; the ordinary DESTROY comes
// after it and is quick. Both are asked for again at each registration, until there is an end.
//
//     trash --> erasing --eraseVolume--> volumeErased --DESTROY--> finished: the disk is free

extension Master {
    func order(for row: VolumeRow) -> EraseOrder {
        policy(for: row.volume.resource.role)?.erasure ?? EraseOrder()
    }

    mutating func erase(
        _ uuid: VolumeUUID, _ mode: EraseMode?, principal: String?
    ) throws(Refusal) {
        guard var row = ledger.volumes[uuid] else {
            throw Refusal(.notFound, "there is no volume \(uuid)")
        }
        let isLost = row.standing == .lost
        let canBeginAgain =
            row.lifecycle.stage == .erasing && (row.lifecycle.problem != nil || isLost)
        guard row.lifecycle.stage == .trash || canBeginAgain else {
            throw Refusal(
                .conflict, "volume \(uuid) is \(row.state), not in the trash: destroy it first")
        }
        guard !isProtected(row) else {
            throw Refusal(
                .conflict, "volume \(uuid) is protected: take the protection off first")
        }
        guard agents[row.agent]?.isRegistered == true, absence(of: row.agent) == nil else {
            throw Refusal(
                .unavailable,
                "its agent \(row.agent) is \(absence(of: row.agent) ?? "away"); try again")
        }
        guard !hasPending(uuid, on: row.agent) else {
            throw Refusal(.conflict, "volume \(uuid) is being destroyed")
        }
        var order = order(for: row)
        if let mode, mode != order.mode {
            order = EraseOrder(
                mode, mebibytesPerSecond: mode == .delete ? nil : order.mebibytesPerSecond)
        }
        // There is nothing left to overwrite: only its place in the books is to be given up.
        if isLost { order = EraseOrder(.delete) }
        touch(row.agent)
        beginErasing(&row, order, "by an operator", principal: principal)
    }

    mutating func beginErasing(
        _ row: inout VolumeRow, _ order: EraseOrder, _ reason: String, principal: String? = nil
    ) {
        row.lifecycle.order = order
        enter(.erasing, &row)
        audit(.volumeErasing, of: row, principal: principal, reason)
        continueErasing(row)
    }

    /// Asks the agent for what comes next.
    private mutating func continueErasing(_ row: VolumeRow) {
        guard let connection = agents[row.agent]?.connection,
            !hasPending(row.volume.uuid, on: row.agent)
        else { return }
        let order = row.lifecycle.order ?? EraseOrder()
        if order.mode == .delete {
            issueErasure(row)
        } else {
            emit(.send(connection, .eraseVolume(row.volume.uuid, order)))
        }
    }

    /// After a registration: what was asked for may never have arrived.
    mutating func resumeErasures(on id: AgentID) {
        // What an earlier master has begun goes on without any policy.
        var isCollectable = !ledger.policies.isEmpty
        for uuid in ledger.volumes(of: id) {
            guard let row = ledger.volumes[uuid], row.lifecycle.stage != .active else { continue }
            isCollectable = true
            guard row.lifecycle.stage == .erasing, row.standing == .active,
                row.lifecycle.problem == nil
            else { continue }
            continueErasing(row)
        }
        if isCollectable { awaitCollection(at: now) }
    }

    mutating func volumeErased(_ uuid: VolumeUUID, failure: String?, on id: AgentID) {
        guard let row = ledger.volumes[uuid], row.agent == id, row.lifecycle.stage == .erasing
        else {
            emit(.drop(.volumeUnknown, "erasure of \(uuid) by \(id)"))
            return
        }
        guard !hasPending(uuid, on: id) else { return }
        if let failure { setProblem(row, failure) } else { issueErasure(row) }
    }

    private mutating func issueErasure(_ row: VolumeRow) {
        let id = row.agent
        let plain = row.volume.resource.with(allocationRole: nil)
        do throws(Refusal) {
            guard let volume = agents[id]?.total.entry(ResourceKey(plain))?.resource else {
                throw Refusal(.conflict, "the agent's books do not have it")
            }
            let kind = OfferOperation.Kind.destroy([volume])
            try checkRoom(for: kind, on: id)
            let conversion = try kind.conversion().allocated(to: nil)
            issue(
                OperationPlan(
                    kind: kind, conversion: conversion, changes: [.destroy(row.volume.uuid)]),
                to: id)
            agents[id]?.withheld.subtract(volume)
            try allocator.convertAvailable(
                id,
                conversion: ResourceConversion(
                    consumed: Resources(), converted: conversion.converted))
        } catch {
            setProblem(row, error.message)
        }
    }

    private mutating func setProblem(_ row: VolumeRow, _ problem: String) {
        guard var row = ledger.volumes[row.volume.uuid] else { return }
        let isNews = row.lifecycle.problem != problem
        row.lifecycle.problem = problem
        row.lifecycle.sinceNanoseconds = now.nanoseconds
        store(.volumeStored(row))
        if isNews { audit(.volumeErasing, of: row, outcome: .failed, problem) }
        awaitCollection(at: now + Self.erasureRetry)
    }

    /// A DESTROY of the collection's own has failed on its agent: the volume stays in the trash.
    mutating func noteFailedErasure(_ operation: OperationRow, _ reason: String) {
        for case .destroy(let uuid) in operation.operation.volumeChanges {
            guard let row = ledger.volumes[uuid], row.lifecycle.stage == .erasing else { continue }
            setProblem(row, reason)
        }
    }

    mutating func auditErased(_ row: VolumeRow) {
        guard row.lifecycle.stage == .erasing else { return }
        audit(.volumeErased, of: row, "by '\((row.lifecycle.order ?? EraseOrder()).mode.rawValue)'")
    }

    /// A step in a volume's life: nil framework and principal mean an operator, or the policies.
    mutating func audit(
        _ action: AuditAction, of row: VolumeRow, by framework: FrameworkID? = nil,
        principal: String? = nil, operation: OperationID? = nil,
        outcome: AuditOutcome = .finished, _ message: String? = nil
    ) {
        var entry = AuditEntry(
            nanoseconds: now.nanoseconds, action: action, outcome: outcome, message: message)
        entry.framework = framework
        entry.principal = principal
        entry.agent = row.agent
        entry.operationID = operation
        entry.consumed = [row.volume.resource]
        entry.volumes = [row.volume.uuid]
        audit(entry)
    }
}
