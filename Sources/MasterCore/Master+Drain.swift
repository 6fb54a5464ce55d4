import AllocatorCore
import MachineCore
package import Model
import OrderedCollections

// What draining an agent would mean, read off the books. Draining itself moves nothing yet.

extension Master {
    /// Throws `notFound` for an unknown agent, `conflict` for one of which it is not known what it
    /// runs.
    package func drainReport(of id: AgentID) throws(Refusal) -> DrainReport {
        guard isStarted else {
            throw Refusal(.unavailable, "the master has not recovered yet")
        }
        switch whereabouts(of: id) {
        case .registered: break
        case .unknown: throw Refusal(.notFound, "agent '\(id)' is not registered")
        case .recovered:
            throw Refusal(
                .conflict,
                "agent '\(id)' has not come back yet since the master was started: what it runs is"
                    + " not known")
        case .unreachable:
            throw Refusal(
                .conflict, "agent '\(id)' is unreachable: what it runs is not known")
        case .gone: throw Refusal(.conflict, "agent '\(id)' is gone: nothing is left to drain")
        }
        guard let agent = agents[id] else { return DrainReport() }
        let bound = options.limits.explainedItems
        var report = DrainReport()
        let tasks = agent.tasks.sorted().compactMap {
            frameworks[$0.framework]?.tasks[$0.task]
        }.filter { !$0.state.isTerminal }
        report.tasks = place(Array(tasks.prefix(bound)), outside: id)
        let holders = holders(among: tasks)
        let uuids = ledger.volumes(of: id)
        report.volumes = uuids.prefix(bound).compactMap { ledger.volumes[$0]?.volume }.map {
            DrainReport.Volume(
                description: $0,
                holder: holders[ResourceKey($0.resource.with(allocationRole: nil))])
        }
        report.leftOut = max(0, tasks.count - bound) + max(0, uuids.count - bound)
        report.reservations = agent.total.reserved.filter { !$0.isPersistentVolume }
        report.rescinded = agent.offers.sorted().compactMap { offers[$0] }
        return report
    }

    private func holders(among tasks: [MasterTask]) -> [ResourceKey: TaskKey] {
        var result: [ResourceKey: TaskKey] = [:]
        for task in tasks {
            for volume in task.booked.volumes {
                result[ResourceKey(volume.with(allocationRole: nil))] = task.key
            }
        }
        return result
    }

    /// Looks for room for one task after another on other agents, by amounts alone: what is free or
    /// offered there and what the role may use of it, less what was given to tasks before.
    private func place(_ tasks: [MasterTask], outside id: AgentID) -> [DrainReport.Task] {
        let others = agents.values.filter { $0.id != id && $0.isConnected && $0.isRegistered }
            .prefix(options.limits.explainedAgents)
        let rests = others.map(rest)
        var given = Array(repeating: ResourceQuantities(), count: rests.count)
        var rooms: [String: [ResourceQuantities]] = [:]
        return tasks.map { task in
            let need = task.booked.quantities
            let role = task.booked.first { $0.allocationRole != nil }?.allocationRole
            let name = role ?? Role.unreserved
            let room = rooms[name] ?? rests.map { $0.usable(by: name).quantities }
            rooms[name] = room
            let place = room.indices.first { room[$0].contains(given[$0] + need) }
            if let place { given[place] += need }
            return DrainReport.Task(
                key: task.key,
                frameworkName: frameworks[task.framework]?.description.name ?? "",
                name: task.description.name, resources: task.booked.allocated(to: nil),
                fitsOn: place.map { others[others.startIndex + $0].id })
        }
    }

    /// What no task holds of an agent, volumes aside: they are others' data.
    private func rest(of agent: MasterAgent) -> Resources {
        var rest = allocator.available(agent.id)
        for offer in agent.offers.sorted() {
            guard let resources = offers[offer]?.resources else { continue }
            rest.add(resources.allocated(to: nil))
        }
        return rest.filter { !$0.isPersistentVolume }
    }
}
