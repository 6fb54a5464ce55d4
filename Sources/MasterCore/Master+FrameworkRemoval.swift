import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// The end of a framework. Its tasks are killed; what they hold is free when they have ended, not
// before, and until then the framework is kept as one that ends.

extension Master {
    mutating func removeFramework(_ id: FrameworkID) {
        guard let framework = frameworks[id], !framework.isEnding else { return }
        frameworks[id]?.isEnding = true
        frameworks[id]?.isRecovered = false
        frameworks[id]?.failoverDue = nil
        if framework.disconnectedNanoseconds == nil {
            frameworks[id]?.disconnectedNanoseconds = now.nanoseconds
        }
        storeFramework(id)
        audit(.frameworkRemoved, framework: id, principal: framework.description.principal)
        for offer in framework.offers.sorted() { removeOffer(offer, isRescinded: false) }
        if let stream = framework.stream {
            streams[stream] = nil
            frameworks[id]?.stream = nil
            frameworks[id]?.streamUUID = nil
            emit(.closeStream(stream))
        }
        allocator.removeFramework(id)
        frameworks[id]?.operations.removeAll()
        for (uuid, operation) in framework.operations {
            acknowledgeHeld(operation.transaction ?? uuid, of: operation.agent)
            forgetDestroyed(uuid)
        }
        for task in framework.unreachableTasks.values {
            frameworks[id]?.complete(task, limits: options.limits)
        }
        frameworks[id]?.unreachableTasks.removeAll()
        for task in framework.sortedTasks {
            frameworks[id]?.tasks[task.description.id]?.isKillRequested = true
            // It may still wait on the agent, which then knows of no framework to shut down.
            if task.state == .staging {
                sendKill(task.key, to: task.agent, graceMilliseconds: nil)
            }
            acknowledgeAlone(task)
        }
        for agent in agents.values where runs(framework, on: agent) {
            if let connection = agent.connection { shutDown(id, connection) }
        }
        completeIfEnded(id)
        if frameworks[id] != nil { awaitEnding(id) }
        if !ledger.policies.isEmpty { awaitCollection(at: now) }
    }

    private mutating func awaitEnding(_ id: FrameworkID) {
        timers.add(.ending(id), at: now + .milliseconds(Self.endingMilliseconds))
    }

    /// Long after most grace periods.
    private static let endingMilliseconds: Int64 = 300_000

    /// An agent that has not told of the end is to register anew: what it then lists is all that
    /// it runs.
    mutating func endingDue(_ id: FrameworkID) {
        guard let framework = frameworks[id], framework.isEnding else { return }
        for agent in agents.values where runs(framework, on: agent) {
            if let connection = agent.connection { disconnect(connection) }
        }
        awaitEnding(id)
    }

    private func runs(_ framework: MasterFramework, on agent: MasterAgent) -> Bool {
        agent.tasks.contains { $0.framework == framework.id }
            || agent.executors.contains { $0.framework == framework.id }
    }

    mutating func shutDown(_ id: FrameworkID, _ connection: ConnectionID) {
        emit(.send(connection, .shutdownFramework(id)))
    }

    /// The master acknowledges for a framework that will not do it any more.
    private mutating func acknowledgeAlone(_ task: MasterTask) {
        guard let update = task.lastUpdate, let uuid = update.uuid else { return }
        if let connection = agents[task.agent]?.connection {
            emit(.send(connection, .acknowledge(task.framework, task.description.id, uuid)))
        }
        if task.state.isTerminal { removeTask(task.key, asCompleted: true) }
    }

    /// Moves an ending framework to the completed ones once nothing of it runs.
    mutating func completeIfEnded(_ id: FrameworkID) {
        guard let framework = frameworks[id], framework.isEnding, framework.tasks.isEmpty,
            framework.executors.isEmpty
        else { return }
        frameworks[id] = nil
        completedFrameworks.append(framework)
        while completedFrameworks.count > max(1, options.limits.completedFrameworks) {
            let oldest = completedFrameworks.removeFirst()
            noteForgotten(oldest.id)
            store(.frameworkRemoved(oldest.id))
        }
    }

    /// An agent still runs something of a removed framework: it ends once more, so that what it
    /// holds is booked. False: the framework was not removed.
    mutating func resumeEnding(_ id: FrameworkID) -> Bool {
        if let framework = frameworks[id] { return framework.isEnding }
        if let index = completedFrameworks.firstIndex(where: { $0.id == id }) {
            frameworks[id] = completedFrameworks.remove(at: index)
            awaitEnding(id)
            return true
        }
        return false
    }
}
