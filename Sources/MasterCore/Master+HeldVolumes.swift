import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// Growth of a volume that a task holds, which Mesos does not have: an operator's only, and only
// where the agent has said that the volume grows while mounted.
//
//     held, old size --issue--> held, new size --finished, task ended--> free, new size
//                                  \--failed--> held, old size, the addition free again
//
// What a task holds of a volume is always what the agent's total says, pending operations included;
// so a failed or skipped operation, a restart of either side and a task that ends in between need
// no book of their own. A volume that an executor holds for itself is not grown: launches compare
// executors. Shrinking stays for volumes that nobody holds.

/// A growth in which a task's share and the free rest of an agent change together.
struct HeldGrowth {
    let task: TaskKey
    /// What the task holds of it before and after, in allocated form.
    let held: ResourceConversion
    /// The addition: consumed when the volume grows, converted when that is taken back.
    let rest: ResourceConversion

    var reversed: HeldGrowth {
        HeldGrowth(task: task, held: held.reversed, rest: rest.reversed)
    }
}

extension Master {
    /// Nil: nobody holds the volume that the operation grows, or it grows none. Throws `conflict`
    /// with the reason where it is held and can't grow so.
    func heldGrowth(_ plan: OperationPlan, on id: AgentID) throws(Refusal) -> HeldGrowth? {
        guard case .grow(let volume, _) = plan.kind,
            case .resize(let uuid, to: _)? = plan.changes.first
        else { return nil }
        guard let growth = heldGrowth(plan.conversion, of: volume, on: id) else {
            guard let agent = agents[id], executorHolds(volume, on: agent) else { return nil }
            throw Refusal(
                .conflict, "volume \(volume.text) is held by an executor until that ends")
        }
        let report = volumeReports[uuid] ?? ledger.volumes[uuid]?.report
        guard let report else {
            throw Refusal(
                .conflict,
                "volume \(volume.text) is in use by task '\(growth.task.task)', and its agent has"
                    + " not told yet whether it grows while mounted; try again")
        }
        guard report.growsWhileMounted else {
            throw Refusal(
                .conflict,
                "volume \(volume.text) is in use by task '\(growth.task.task)', and its backend"
                    + " \(report.backend) does not grow while mounted: end the task first")
        }
        return growth
    }

    /// What a conversion that grows `volume` means for the task that holds it; nil: none does.
    private func heldGrowth(
        _ conversion: ResourceConversion, of volume: Resource, on id: AgentID
    ) -> HeldGrowth? {
        let key = ResourceKey(volume.with(allocationRole: nil))
        guard let (task, held) = holder(of: volume, on: id),
            let grown = conversion.converted.entry(key)?.resource
        else { return nil }
        let after = held.with(amount: grown.amount)
        let addition = conversion.consumed.filter { !$0.isPersistentVolume }
        return HeldGrowth(
            task: task,
            held: ResourceConversion(consumed: Resources([held]), converted: Resources([after])),
            rest: ResourceConversion(consumed: addition, converted: Resources()))
    }

    /// The task that holds exactly this volume, and the volume as it holds it.
    private func holder(of volume: Resource, on id: AgentID) -> (TaskKey, Resource)? {
        let plain = volume.with(allocationRole: nil)
        for key in (agents[id]?.tasks ?? []).sorted() {
            guard let booked = frameworks[key.framework]?.tasks[key.task]?.booked else { continue }
            let held = booked.first {
                $0.isPersistentVolume && $0.amount == plain.amount
                    && $0.with(allocationRole: nil).isSameStuff(as: plain)
            }
            if let held, !held.isShared { return (key, held) }
        }
        return nil
    }

    private func executorHolds(_ volume: Resource, on agent: MasterAgent) -> Bool {
        let plain = volume.with(allocationRole: nil)
        return agent.executors.contains { key in
            frameworks[key.framework]?.executors[key]?.booked.contains {
                $0.isPersistentVolume && $0.with(allocationRole: nil).isSameStuff(as: plain)
            } == true
        }
    }

    /// Books a growth, or its reversal: in the allocator, then in the task.
    mutating func book(_ growth: HeldGrowth, on id: AgentID) throws(Refusal) {
        try allocator.convertHeld(
            id, framework: growth.task.framework, held: growth.held, rest: growth.rest)
        for after in growth.held.converted { rebook(growth.task, after) }
    }

    /// Takes a failed growth of a volume back whose task still holds it; false: no task does.
    mutating func takeBackHeld(_ row: OperationRow) -> Bool {
        let conversion = row.operation.conversion
        guard row.operation.type == .grow,
            let grown = conversion.converted.first(where: \.isPersistentVolume),
            let old = conversion.consumed.first(where: \.isPersistentVolume),
            let (task, held) = holder(of: grown, on: row.agent)
        else { return false }
        let addition = conversion.consumed.filter { !$0.isPersistentVolume }
        let growth = HeldGrowth(
            task: task,
            held: ResourceConversion(
                consumed: Resources([held.with(amount: old.amount)]),
                converted: Resources([held])),
            rest: ResourceConversion(consumed: addition, converted: Resources()))
        do throws(Refusal) {
            try book(growth.reversed, on: row.agent)
            return true
        } catch {
            return false
        }
    }

    /// Gives what tasks hold of volumes the size that the agent's total says. The allocator hears
    /// of it, and must be given the total, or the agent anew, afterwards.
    mutating func followVolumes(of id: AgentID) {
        guard let agent = agents[id] else { return }
        for key in agent.tasks.sorted() {
            guard let booked = frameworks[key.framework]?.tasks[key.task]?.booked else { continue }
            for held in booked where held.isPersistentVolume && !held.isShared {
                let plain = ResourceKey(held.with(allocationRole: nil))
                guard let there = agent.total.entry(plain)?.resource, there.amount != held.amount
                else { continue }
                let after = held.with(amount: there.amount)
                allocator.exchangeHeld(
                    id, framework: key.framework, held: Resources([held]),
                    for: Resources([after]))
                rebook(key, after)
            }
        }
    }

    /// A task holds a volume in another size from now on.
    private mutating func rebook(_ key: TaskKey, _ volume: Resource) {
        guard var task = frameworks[key.framework]?.tasks[key.task] else { return }
        for held in task.booked where held.isSameStuff(as: volume) {
            task.booked.subtract(held)
            task.booked.add(held.with(amount: volume.amount))
        }
        task.description.resources = task.description.resources.map {
            $0.isSameStuff(as: volume) ? $0.with(amount: volume.amount) : $0
        }
        frameworks[key.framework]?.tasks[key.task] = task
    }
}
