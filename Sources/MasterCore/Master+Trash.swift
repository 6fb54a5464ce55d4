import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// The trash. A volume in it stays in its agent's books and keeps its place, its limit and its disk:
// so nothing that it holds is ever given to others, nothing is moved, and a restart of either
// side finds it where it was. Only the allocator does not have it. For whoever destroyed it the
// DESTROY is done; the disk comes into offers when the data is erased.

extension Master {
    /// What the allocator loses if a DESTROY is one into the trash; nil: it erases. Throws
    /// `conflict` for one that would do both.
    func trashConversion(
        of plan: OperationPlan, on id: AgentID
    ) throws(Refusal) -> ResourceConversion? {
        guard case .destroy = plan.kind, !ledger.policies.isEmpty else { return nil }
        var kept = 0
        for case .destroy(let uuid) in plan.changes {
            // One that is still being made holds nothing, and one that is lost has nothing left.
            guard let row = ledger.volumes[uuid], row.standing != .lost,
                policy(for: row.volume.resource.role)?.keepsDestroyed == true
            else { continue }
            try checkSettled(uuid, on: id)
            kept += 1
        }
        guard kept > 0 else { return nil }
        guard kept == plan.changes.count else {
            throw Refusal(
                .conflict,
                "some of these volumes go to the trash by their role's policy and some are erased"
                    + " at once: destroy them apart")
        }
        return ResourceConversion(consumed: plan.conversion.consumed, converted: Resources())
    }

    private func checkSettled(_ uuid: VolumeUUID, on id: AgentID) throws(Refusal) {
        guard !hasPending(uuid, on: id) else {
            throw Refusal(
                .conflict,
                "an operation on volume \(uuid) is not confirmed by its agent yet; try again")
        }
    }

    func hasPending(_ uuid: VolumeUUID, on id: AgentID) -> Bool {
        ledger.pending(id).contains { row in
            row.operation.volumeChanges.contains { $0.uuid == uuid }
        }
    }

    /// What a DESTROY names, and the allocator has no more, goes to the trash; whoever asked for it
    /// hears that it is done.
    mutating func moveToTrash(_ plan: OperationPlan, on id: AgentID) {
        touch(id)
        let uuid = OperationUUID(generator.uuid())
        var destroyed: DestroyedBy?
        if let name = plan.id, let framework = plan.framework {
            destroyed = DestroyedBy(uuid: uuid, id: name, framework: framework)
        }
        for case .destroy(let volume) in plan.changes {
            guard var row = ledger.volumes[volume] else { continue }
            row.lifecycle.destroyed = destroyed
            if destroyed != nil { destroyedBy[uuid] = volume }
            destroyed = nil
            putIntoTrash(
                &row, framework: plan.framework, principal: plan.principal,
                operation: plan.id, "destroyed")
        }
        guard let name = plan.id, let framework = plan.framework else { return }
        frameworks[framework]?.operations[uuid] = FrameworkOperation(
            id: name, agent: id, state: .pending)
        reportEnd(
            of: AgentOperation(
                uuid: uuid, sequence: 0, type: .destroy, framework: framework, id: name,
                conversion: plan.conversion), .finished, nil)
    }

    /// The allocator has it no more.
    mutating func putIntoTrash(
        _ row: inout VolumeRow, framework: FrameworkID? = nil, principal: String? = nil,
        operation: OperationID? = nil, _ reason: String
    ) {
        let volume = booked(row)
        agents[row.agent]?.withheld.add(volume)
        enter(.trash, &row)
        audit(
            .volumeTrashed, of: row, by: framework, principal: principal, operation: operation,
            reason)
        awaitCollection(of: row.volume.uuid)
    }

    /// The volume as its agent's books have it.
    private func booked(_ row: VolumeRow) -> Resource {
        let plain = row.volume.resource.with(allocationRole: nil)
        return agents[row.agent]?.total.entry(ResourceKey(plain))?.resource ?? plain
    }

    mutating func enter(_ stage: VolumeLifecycle.Stage, _ row: inout VolumeRow) {
        row.lifecycle.stage = stage
        row.lifecycle.sinceNanoseconds = now.nanoseconds
        row.lifecycle.problem = nil
        store(.volumeStored(row))
    }

    mutating func rebuildWithheld(_ id: AgentID) {
        guard let agent = agents[id] else { return }
        var withheld = Resources()
        for uuid in ledger.volumes(of: id) {
            guard let row = ledger.volumes[uuid], row.lifecycle.isWithheld else { continue }
            // One that is lost may have given its name to another.
            let volume = booked(row)
            let key = ResourceKey(volume)
            guard agent.volumeUUIDs[key] == uuid, agent.total.contains(volume) else { continue }
            withheld.add(volume)
        }
        agents[id]?.withheld = withheld
    }

    /// What a conversion is for the allocator, which has nothing of what is in the trash.
    func withoutWithheld(
        _ conversion: ResourceConversion, on row: OperationRow
    ) -> ResourceConversion {
        var conversion = conversion
        for case .destroy(let uuid) in row.operation.volumeChanges {
            guard ledger.volumes[uuid]?.lifecycle.isWithheld == true else { continue }
            for volume in conversion.converted where volume.isPersistentVolume {
                conversion.converted.subtract(volume)
            }
        }
        return conversion
    }

    /// Throws `conflict` for what may not be done to a volume that is protected, in the trash, or
    /// of whose name one in the trash is.
    func checkLifecycle(_ kind: OfferOperation.Kind, on id: AgentID) throws(Refusal) {
        switch kind {
        case .create(let volumes):
            for volume in volumes {
                guard let name = volume.volumeName, agents[id]?.withheld.isEmpty == false,
                    let there = agents[id]?.total.volume(name), let row = row(of: there, on: id),
                    row.lifecycle.isWithheld
                else { continue }
                throw Refusal(
                    .conflict,
                    "volume \(row.volume.uuid) of that role and id is in the trash: undelete it,"
                        + " have it erased, or choose another id")
            }
        case .destroy(let volumes):
            for volume in volumes { try checkLifecycle(of: volume, on: id) }
        case .shrink(let volume, _): try checkLifecycle(of: volume, on: id)
        case .grow(let volume, _):
            try checkLifecycle(of: volume, on: id, mayBeProtected: true)
        case .reserve, .unreserve, .launch, .launchGroup, .refused: break
        }
    }

    private func row(of volume: Resource, on id: AgentID) -> VolumeRow? {
        let key = ResourceKey(volume.with(allocationRole: nil))
        return agents[id]?.volumeUUIDs[key].flatMap { ledger.volumes[$0] }
    }

    private func checkLifecycle(
        of volume: Resource, on id: AgentID, mayBeProtected: Bool = false
    ) throws(Refusal) {
        guard let row = row(of: volume, on: id) else { return }
        switch row.lifecycle.stage {
        case .active, .orphaned: break
        case .trash:
            throw Refusal(
                .conflict, "volume \(row.volume.uuid) is in the trash: undelete it first")
        case .erasing:
            throw Refusal(.conflict, "volume \(row.volume.uuid) is being erased")
        }
        guard mayBeProtected || !isProtected(row) else {
            let how = row.lifecycle.isProtected == nil ? " by its role's policy" : ""
            throw Refusal(
                .conflict,
                "volume \(row.volume.uuid) is protected\(how): take the protection off first")
        }
    }

    func trashViolations(of agent: MasterAgent) -> [String] {
        guard agent.total.contains(agent.withheld) else {
            return ["agent \(agent.id): the trash holds what the books do not have"]
        }
        guard agent.isRegistered else { return [] }
        let available = allocator.available(agent.id)
        return agent.withheld.filter { available.contains($0) }.map {
            "agent \(agent.id): \($0.detailedText) is in the trash and free"
        }
    }

    // MARK: the framework's acknowledgement

    /// After a start: frameworks hear again of what they destroyed and have not acknowledged.
    mutating func recoverDestroyed() {
        for uuid in ledger.volumes.keys.sorted() {
            guard let row = ledger.volumes[uuid], let destroyed = row.lifecycle.destroyed,
                frameworks[destroyed.framework]?.isEnding == false
            else { continue }
            destroyedBy[destroyed.uuid] = uuid
            var operation = FrameworkOperation(
                id: destroyed.id, agent: row.agent, state: .finished)
            operation.statusUUID = generator.uuid()
            frameworks[destroyed.framework]?.operations[destroyed.uuid] = operation
        }
    }

    mutating func forgetDestroyed(_ operation: OperationUUID) {
        guard let uuid = destroyedBy.removeValue(forKey: operation),
            var row = ledger.volumes[uuid], row.lifecycle.destroyed?.uuid == operation
        else { return }
        row.lifecycle.destroyed = nil
        store(.volumeStored(row))
    }
}
