import MachineCore
import Model
import OrderedCollections

// Who holds a volume, and who did last: kept in the volume's row. A task may be sent to its agent
// together with the CREATE of its volume, whose row comes later: its use waits for that.

extension Master {
    /// A task that was sent to its agent, or that one has brought, holds volumes.
    mutating func noteUse(by task: MasterTask) {
        let use = VolumeUse(
            task: task.key, name: task.description.name, sinceNanoseconds: now.nanoseconds)
        let begun = heldVolumes(of: task).filter { uuid, _ in
            let last = lastUse(of: uuid, on: task.agent)
            return last?.task != task.key || last?.untilNanoseconds != nil
        }
        for (uuid, _) in begun { setUse(use, of: uuid, on: task.agent) }
        auditUse(.launch, by: task, of: begun, nil)
    }

    /// A task that held volumes has ended.
    mutating func noteEndOfUse(by task: MasterTask) {
        let ended = heldVolumes(of: task).filter { uuid, _ in
            endUse(of: uuid, by: task.key, on: task.agent)
        }
        auditUse(.taskEnded, by: task, of: ended, task.state.rawValue)
    }

    /// Uses by tasks that an agent has not brought back ended while nobody was there to hear it.
    mutating func endForgottenUses(on id: AgentID) {
        for uuid in ledger.volumes(of: id) {
            guard let use = ledger.volumes[uuid]?.lastUse, use.untilNanoseconds == nil else {
                continue
            }
            let task = frameworks[use.task.framework]?.tasks[use.task.task]
            guard task == nil || task?.agent != id || task?.state.isTerminal == true else {
                continue
            }
            endUse(of: uuid, by: use.task, on: id)
        }
    }

    private func lastUse(of uuid: VolumeUUID, on agent: AgentID) -> VolumeUse? {
        ledger.volumes[uuid]?.lastUse ?? agents[agent]?.earlyUses[uuid]
    }

    private mutating func setUse(_ use: VolumeUse, of uuid: VolumeUUID, on agent: AgentID) {
        guard var row = ledger.volumes[uuid] else {
            agents[agent]?.earlyUses[uuid] = use
            return
        }
        row.lastUse = use
        noteUse(of: &row)
        store(.volumeStored(row))
    }

    /// False: it had ended, or was another task's.
    @discardableResult
    private mutating func endUse(
        of uuid: VolumeUUID, by task: TaskKey, on agent: AgentID
    ) -> Bool {
        guard var use = lastUse(of: uuid, on: agent), use.task == task,
            use.untilNanoseconds == nil
        else { return false }
        use.untilNanoseconds = now.nanoseconds
        setUse(use, of: uuid, on: agent)
        awaitCollection(of: uuid)
        return true
    }

    private func heldVolumes(of task: MasterTask) -> [(VolumeUUID, Resource)] {
        guard let agent = agents[task.agent] else { return [] }
        return task.booked.compactMap { resource in
            guard resource.isPersistentVolume else { return nil }
            let volume = resource.with(allocationRole: nil)
            return agent.volumeUUIDs[ResourceKey(volume)].map { ($0, volume) }
        }
    }

    private mutating func auditUse(
        _ action: AuditAction, by task: MasterTask, of volumes: [(VolumeUUID, Resource)],
        _ message: String?
    ) {
        guard !volumes.isEmpty else { return }
        var entry = AuditEntry(
            nanoseconds: now.nanoseconds, action: action, outcome: .finished, message: message)
        entry.framework = task.framework
        entry.principal = frameworks[task.framework]?.description.principal
        entry.agent = task.agent
        entry.task = task.description.id
        entry.consumed = volumes.map(\.1)
        entry.volumes = volumes.map(\.0)
        audit(entry)
    }
}
