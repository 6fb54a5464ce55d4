import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// Fake disks and containers: work takes its time, fails, or succeeds without being told.

extension Simulation {
    mutating func finishWork(_ index: Int, life: Int, _ uuid: OperationUUID) {
        guard agents[index].isUp, agents[index].life == life,
            let changes = agents[index].work.removeValue(forKey: uuid)
        else { return }
        if let volume = agents[index].shrunkInUse(changes) {
            violate("volume \(volume) of agent \(index) shrinks while it is in use")
        }
        let grown = agents[index].grownInUse(changes)
        if isFaulty, chance.oneIn(grown.isEmpty ? 10 : 2), mayFail(uuid, changes, on: index) {
            count(.volumeWorkFailed)
            undo(uuid, changes, on: index)
            if !grown.isEmpty { count(.growthInUseFailed) }
            return tell(index, .volumesChanged(uuid, failure: "the disk is broken"))
        }
        guard grown.allSatisfy(AgentHost.growsWhileMounted) else {
            undo(uuid, changes, on: index)
            return tell(index, .volumesChanged(uuid, failure: "the volume is still attached"))
        }
        if !grown.isEmpty { count(.volumeGrownInUse) }
        agents[index].change(changes)
        countLimited(changes)
        tell(index, .volumesChanged(uuid, failure: nil))
        add(.volumeReports(agent: index, life: life), within: 500)
    }

    mutating func start(_ launch: ContainerLaunch, on index: Int) {
        if agents[index].containers[launch.container] != nil {
            violate("container \(launch.container) is launched twice")
        }
        for mount in launch.volumes where agents[index].disk[mount.volume] == nil {
            violate("container \(launch.container) has volume \(mount.volume), which is gone")
        }
        for mount in launch.volumes where agents[index].wiped.contains(mount.volume) {
            violate("container \(launch.container) has volume \(mount.volume), which is erased")
        }
        agents[index].containers[launch.container] = .init(launch: launch)
        later(launch.container, on: index, within: 100)
    }

    private mutating func later(_ id: ContainerID, on index: Int, within milliseconds: Int) {
        add(.container(agent: index, boot: agents[index].boot, id), within: milliseconds)
    }

    mutating func signal(_ id: ContainerID, _ signal: ContainerSignal, on index: Int) {
        guard let container = agents[index].containers[id] else { return }
        let status: Int32
        switch signal {
        case .terminate:
            if isFaulty, chance.oneIn(2) { return }
            status = 15
        case .kill: status = 9
        }
        switch container.state {
        case .starting, .running: end(id, status: status, on: index)
        case .ended: break
        }
    }

    /// Ends a container; its agent learns it soon.
    mutating func end(_ id: ContainerID, status: Int32, on index: Int) {
        agents[index].containers[id]?.state = .ended(status)
        agents[index].containers[id]?.executor = nil
        later(id, on: index, within: 30)
    }

    mutating func progress(_ index: Int, boot: Int, _ id: ContainerID) {
        guard agents[index].boot == boot, let container = agents[index].containers[id] else {
            return
        }
        switch container.state {
        case .starting:
            guard agents[index].isUp else { return }
            guard !(isFaulty && chance.oneIn(10)) else {
                count(.containerFailed)
                agents[index].containers[id] = nil
                return tell(index, .containerFailed(id, reason: "no such image"))
            }
            setRunning(id, on: index)
            later(id, on: index, within: chance.oneIn(3) ? 40_000 : 4_000)
            tell(index, .containerStarted(id, status: Payload([1])))
        case .running:
            let status: Int32 = chance.oneIn(3) ? 1 << 8 : 0
            if container.executor != nil {
                // With tasks in it; most executors live on until they are idle.
                guard chance.oneIn(3) else { return }
                count(.executorEnded)
            } else if status != 0 {
                count(.taskFailed)
            }
            end(id, status: status, on: index)
        case .ended(let status):
            guard agents[index].isUp, !container.isTold else { return }
            agents[index].containers[id]?.isTold = true
            tell(index, .containerEnded(id, ContainerEnd(waitStatus: status)))
        }
    }
}
