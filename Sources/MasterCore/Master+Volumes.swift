import MachineCore
import Model
import OrderedCollections

// The inventory of persistent volumes. A row exists from the agent's confirmation of CREATE to that
// of DESTROY, wherever its agent is meanwhile; nothing else removes one.

extension Master {
    /// What an operation does to volumes, by their UUIDs. Throws `conflict` for one that has none.
    mutating func volumeChanges(
        _ kind: OfferOperation.Kind, on agent: AgentID, framework: FrameworkID?,
        principal: String?
    ) throws(Refusal) -> [VolumeChange] {
        switch kind {
        case .create(let volumes):
            guard
                ledger.volumeCount(of: agent) + volumes.count
                    <= options.limits.volumesPerAgent
            else {
                throw Refusal(
                    .unavailable,
                    "an agent has at most \(options.limits.volumesPerAgent) volumes")
            }
            return volumes.map { volume in
                .create(
                    VolumeDescription(
                        uuid: VolumeUUID(generator.uuid()),
                        resource: volume.with(allocationRole: nil), framework: framework,
                        principal: volume.disk?.persistence?.principal ?? principal,
                        createdNanoseconds: now.nanoseconds))
            }
        case .destroy(let volumes):
            var changes: [VolumeChange] = []
            for volume in volumes { changes.append(.destroy(try uuid(of: volume, on: agent))) }
            return changes
        case .grow(let volume, let addition):
            let amount = volume.amount + addition.amount
            return [.resize(try uuid(of: volume, on: agent), to: amount)]
        case .shrink(let volume, let subtract):
            let amount = volume.amount - subtract
            return [.resize(try uuid(of: volume, on: agent), to: amount)]
        case .reserve, .unreserve, .launch, .launchGroup, .refused:
            return []
        }
    }

    private func uuid(of volume: Resource, on agent: AgentID) throws(Refusal) -> VolumeUUID {
        let key = ResourceKey(volume.with(allocationRole: nil))
        guard let uuid = agents[agent]?.volumeUUIDs[key] else {
            throw Refusal(.conflict, "volume \(volume.text) is not in the agent's inventory")
        }
        return uuid
    }

    /// Throws `invalid` if a task or executor on the agent holds one of the volumes.
    func checkUnused(_ volumes: [Resource], on agent: AgentID) throws(Refusal) {
        guard let agent = agents[agent] else { return }
        let keys = Set(volumes.map { ResourceKey($0.with(allocationRole: nil)) })
        for booked in holdings(of: agent) {
            for resource in booked where resource.isPersistentVolume {
                if keys.contains(ResourceKey(resource.with(allocationRole: nil))) {
                    throw Refusal(.invalid, "Persistent volumes in use")
                }
            }
        }
    }

    /// What each task and executor on an agent holds, by their keys: what is left when all of it is
    /// taken off has an order, which refusals show.
    func holdings(of agent: MasterAgent) -> [Resources] {
        let tasks = agent.tasks.sorted().compactMap {
            frameworks[$0.framework]?.tasks[$0.task]?.booked
        }
        let executors = agent.executors.sorted().compactMap {
            frameworks[$0.framework]?.executors[$0]?.booked
        }
        return tasks + executors
    }

    /// A shared volume that is to be destroyed may be in several offers.
    mutating func rescindShared(_ volumes: [Resource], on agent: AgentID) {
        let keys = Set(
            volumes.filter(\.isShared).map { ResourceKey($0.with(allocationRole: nil)) })
        guard !keys.isEmpty else { return }
        for id in (agents[agent]?.offers ?? []).sorted() {
            let hasOne = offers[id]?.resources.contains {
                $0.isShared && keys.contains(ResourceKey($0.with(allocationRole: nil)))
            }
            if hasOne == true { removeOffer(id, isRescinded: true) }
        }
    }

    /// Stores what a finished operation made of volumes.
    mutating func storeVolumes(of row: OperationRow) {
        for change in row.operation.volumeChanges {
            switch change {
            case .create(let volume):
                store(
                    .volumeStored(
                        VolumeRow(
                            agent: row.agent, volume: volume, standing: .active,
                            report: volumeReports[volume.uuid],
                            lastUse: agents[row.agent]?.earlyUses.removeValue(forKey: volume.uuid)
                        )))
                awaitCollection(of: volume.uuid)
            case .destroy(let uuid):
                volumeReports[uuid] = nil
                stalledGrowths[uuid] = nil
                guard let old = ledger.volumes[uuid] else { continue }
                store(.volumeRemoved(uuid))
                auditErased(old)
            case .resize(let uuid, let amount):
                guard var volume = ledger.volumes[uuid] else { continue }
                volume.volume.resource = volume.volume.resource.with(amount: amount)
                noteUse(of: &volume)
                store(.volumeStored(volume))
            }
        }
    }

    mutating func rebuildVolumeIndex(_ id: AgentID) {
        agents[id]?.volumeUUIDs = [:]
        let rows = ledger.volumes(of: id).compactMap { ledger.volumes[$0] }
        // A lost volume may still be in the books and be destroyed; one of the same name that was
        // made after it comes first.
        let lost = rows.filter { $0.standing == .lost }
        for row in lost + rows.filter({ $0.standing != .lost }) {
            let key = ResourceKey(row.volume.resource.with(allocationRole: nil))
            agents[id]?.volumeUUIDs[key] = row.volume.uuid
        }
        for row in ledger.pending(id) { agents[id]?.noteVolumes(of: row.operation) }
        rebuildWithheld(id)
    }

    /// Takes over what an agent says of its volumes. What fills or empties is kept in memory; what
    /// a volume can do and hold is stored.
    mutating func noteReports(_ reports: [VolumeReport], from agent: AgentID) {
        for report in reports.prefix(options.limits.volumesPerAgent) {
            guard var row = ledger.volumes[report.uuid], row.agent == agent else {
                let isBeingMade = agents[agent]?.volumeUUIDs.values.contains(report.uuid) == true
                guard isBeingMade else {
                    emit(.drop(.volumeUnknown, "report of \(report.uuid) from \(agent)"))
                    continue
                }
                volumeReports[report.uuid] = report
                continue
            }
            volumeReports[report.uuid] = report
            guard row.report?.withoutUse != report.withoutUse else { continue }
            row.report = report
            store(.volumeStored(row))
        }
    }

    /// Compares the inventory with what an agent brought. What it has no more is lost, what nobody
    /// knew is unclaimed; neither is removed.
    mutating func reviewVolumes(_ volumes: [VolumeDescription], of agent: AgentID) {
        var brought: Set<VolumeUUID> = []
        for volume in volumes {
            brought.insert(volume.uuid)
            guard var row = ledger.volumes[volume.uuid] else {
                let row = VolumeRow(agent: agent, volume: volume, standing: .unclaimed)
                store(.volumeStored(row))
                audit(.volumeUnclaimed, of: row)
                continue
            }
            if row.agent != agent, agents[row.agent]?.isConnected == true {
                emit(.drop(.volumeUnknown, "\(volume.uuid) of \(agent) is on \(row.agent), too"))
                continue
            }
            guard row.agent != agent || row.standing == .lost || row.volume != volume else {
                continue
            }
            let old = row
            row.agent = agent
            row.volume = volume
            if row.standing == .lost { row.standing = .active }
            store(.volumeStored(row))
            if old.agent != agent { audit(.volumeMoved, of: row, message: "from \(old.agent)") }
            if old.standing == .lost { audit(.volumeFound, of: row) }
        }
        agents[agent]?.halfDestroyed = []
        for uuid in ledger.volumes(of: agent) where !brought.contains(uuid) {
            // The agent died after the data was gone, and is asked again.
            if isBeingDestroyed(uuid, on: agent) {
                agents[agent]?.halfDestroyed.insert(uuid)
            } else {
                setLost(uuid)
            }
        }
    }

    private func isBeingDestroyed(_ uuid: VolumeUUID, on agent: AgentID) -> Bool {
        ledger.pending(agent).contains { $0.operation.volumeChanges.contains(.destroy(uuid)) }
    }

    mutating func setLost(_ uuid: VolumeUUID) {
        guard var row = ledger.volumes[uuid], row.standing != .lost else { return }
        row.standing = .lost
        store(.volumeStored(row))
        audit(.volumeLost, of: row)
    }
}

extension MasterAgent {
    /// Keeps the index of volumes in step with an operation that was given out.
    mutating func noteVolumes(of operation: AgentOperation) {
        for change in operation.volumeChanges {
            switch change {
            case .create(let volume):
                volumeUUIDs[ResourceKey(volume.resource.with(allocationRole: nil))] = volume.uuid
            case .destroy(let uuid):
                for resource in operation.conversion.consumed where resource.isPersistentVolume {
                    let key = ResourceKey(resource.with(allocationRole: nil))
                    if volumeUUIDs[key] == uuid { volumeUUIDs[key] = nil }
                }
            case .resize:
                break
            }
        }
    }
}

extension VolumeReport {
    /// What seldom changes.
    fileprivate var withoutUse: VolumeReport {
        var copy = self
        copy.usedBytes = nil
        return copy
    }
}
