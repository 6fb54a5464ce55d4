import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// Volumes in use that grow: what the fake disks can, what agents tell of it, and the operator.

extension AgentHost {
    /// Three backends of four grow a mounted file system; which one a volume has, its UUID says.
    static func growsWhileMounted(_ volume: VolumeUUID) -> Bool {
        (volume.value.utf8.last ?? 0) % 4 != 0
    }

    func isMounted(_ volume: VolumeUUID) -> Bool {
        containers.values.contains { container in
            guard container.launch.volumes.contains(where: { $0.volume == volume }) else {
                return false
            }
            switch container.state {
            case .starting, .running: return true
            case .ended: return false
            }
        }
    }

    /// The volumes among these that become larger under a container.
    func grownInUse(_ changes: [VolumeChange]) -> [VolumeUUID] {
        changes.compactMap { change in
            guard case .resize(let uuid, let amount) = change, let old = disk[uuid], old < amount,
                isMounted(uuid)
            else { return nil }
            return uuid
        }
    }

    /// The first volume that becomes smaller under a container; nil, always.
    func shrunkInUse(_ changes: [VolumeChange]) -> VolumeUUID? {
        changes.lazy.compactMap { change in
            guard case .resize(let uuid, let amount) = change, let old = disk[uuid], old > amount,
                isMounted(uuid)
            else { return nil }
            return uuid
        }.first
    }
}

extension Simulation {
    /// The backend tells the agent what its volumes can.
    mutating func reportVolumes(_ index: Int, life: Int) {
        guard agents[index].isUp, agents[index].life == life, !agents[index].disk.isEmpty else {
            return
        }
        let reports = agents[index].disk.keys.map { uuid in
            VolumeReport(
                uuid: uuid, backend: "fake", enforcement: .kernel,
                growsWhileMounted: AgentHost.growsWhileMounted(uuid))
        }
        tell(index, .volumeReported(reports))
    }

    /// An operator wants a volume larger that a task uses. Where its role has no disk left, some is
    /// reserved, for the next time.
    mutating func growInUse() {
        let known = Array(master.agents.values)
        guard !known.isEmpty else { return }
        let agent = known[chance.below(known.count)]
        let held = agent.tasks.sorted().flatMap { key -> [Resource] in
            let booked = master.framework(key.framework)?.tasks[key.task]?.booked ?? Resources()
            return booked.filter { $0.isPersistentVolume && !$0.isShared }
                .map { $0.with(allocationRole: nil) }
        }
        guard !held.isEmpty else { return }
        let volume = held[chance.below(held.count)]
        let size = Amount(thousandths: Int64(1 + chance.below(4)) * 25_000)
        let addition = volume.withoutVolume.with(amount: size)
        guard agent.total.contains(addition) else {
            count(.operatorReserve)
            return operate(
                .reserve([addition.with(amount: Amount(thousandths: 200_000))], source: []),
                on: agent.id)
        }
        count(.operatorGrowInUse)
        operate(.grow(volume: volume, addition: addition), on: agent.id)
    }

    /// Once nothing is pending, the master books for each task what its agent does.
    func checkHoldings(_ index: Int) -> [String] {
        let state = agents[index].agent.state
        return state.tasks.keys.sorted().compactMap { key -> String? in
            guard let entry = state.tasks[key], entry.isHolding else { return nil }
            let booked = master.framework(key.framework)?.tasks[key.task]?.booked
            let held = Resources(entry.row.task.resources)
            guard booked != held else { return nil }
            return "task \(key.task) holds \(held.text) on agent \(index), for the master "
                + (booked?.text ?? "nothing")
        }
    }
}
