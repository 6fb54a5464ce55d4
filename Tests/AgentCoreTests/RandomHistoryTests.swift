import MachineCore
import Model
import OrderedCollections
import Testing

@testable import AgentCore

@Suite struct RandomHistoryTests {
    @Test(arguments: 0..<16) func nothingIsLost(seed: Int) throws {
        var world = World(seed: UInt64(seed))
        for _ in 0..<1_000 { world.step() }
        try world.settle()
    }

    @Test func everythingOccurs() {
        var counts: [String: Int] = [:]
        for seed in 100..<106 {
            var world = World(seed: UInt64(seed))
            for _ in 0..<1_000 { world.step() }
            for (what, count) in world.counts { counts[what, default: 0] += count }
        }
        let wanted = [
            "crash", "reboot", "disconnect", "compaction", "executor disconnect",
            "volume work failed", "container update", "container update failed",
            "operation_repeated", "update_unknown", "task_unknown",
            "volume_work_unknown", "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED",
            "TASK_FAILED", "TASK_KILLED", "TASK_DROPPED", "command task", "executor task",
            "RESERVE", "UNRESERVE", "CREATE", "DESTROY", "GROW_VOLUME",
        ]
        for what in wanted { #expect((counts[what] ?? 0) > 0, "\(what)") }
    }

    @Test func theSameSeedGivesTheSameHistory() {
        let journals = (0..<2).map { _ in
            var world = World(seed: 77)
            for _ in 0..<800 { world.step() }
            return world.journal
        }
        #expect(journals[0] == journals[1])
    }
}

extension World {
    /// Ends everything without further faults, and checks that all stories end.
    fileprivate mutating func settle() throws {
        for round in 0..<3_000 {
            quietStep(round)
            if work.isEmpty, containers.isEmpty, outstanding.isEmpty,
                agent.state.tasks.isEmpty, outcomes.count == intents.count
            {
                break
            }
        }
        for result in outcomes.values { hear(.acknowledgeResult(result.uuid), mayCrash: false) }
        #expect(outcomes.count == intents.count)
        #expect(agent.state.tasks.isEmpty)
        #expect(agent.state.executors.isEmpty)
        #expect(agent.state.frameworks.isEmpty)
        #expect(agent.state.used.isEmpty)
        #expect(agent.state.results.isEmpty)
        let live = tasks.filter { !$0.value.isTerminal }.map(\.key.task.value)
        #expect(live == [])
        let books = agent.state.sortedVolumes.map(\.uuid)
        #expect(books == disk.keys.sorted())
        for volume in agent.state.sortedVolumes {
            #expect(disk[volume.uuid] == volume.resource.amount)
        }
        var total = Resources.example
        for (index, intent) in intents.enumerated()
        where outcomes[UInt64(index + 1)]?.state == .finished {
            try total.apply(intent.conversion)
        }
        #expect(agent.state.total == total)
        var replayed = AgentState()
        for record in journal { try replayed.apply(record) }
        #expect(replayed == agent.state)
    }

    private mutating func quietStep(_ round: Int) {
        now = now + .seconds(3)
        if !isConnected {
            isConnected = true
            send(.masterConnected, mayCrash: false)
            hear(.registered(Harness.agentID, pingTimeoutMilliseconds: 0), mayCrash: false)
        }
        for intent in intents where intent.sequence > agent.state.lastSequence {
            hear(.applyOperation(intent), mayCrash: false)
        }
        while let (uuid, changes) = work.elements.first {
            work[uuid] = nil
            change(changes)
            send(.volumesChanged(uuid, failure: nil), mayCrash: false)
        }
        for container in Array(updates.keys) {
            finishUpdate(of: container, isFailing: false)
        }
        for (key, state) in tasks where !state.isTerminal {
            hear(.kill(key.framework, key.task, graceMilliseconds: 0), mayCrash: false)
        }
        for (container, state) in containers {
            switch state {
            case .starting:
                setRunning(container)
                send(.containerStarted(container, status: Payload()), mayCrash: false)
            case .running: containers[container] = .ended(0)
            case .ended(let status):
                send(
                    .containerEnded(container, ContainerEnd(waitStatus: status)),
                    mayCrash: false)
            }
        }
        while let (key, update) = outstanding.elements.first, let uuid = update.uuid {
            outstanding[key] = nil
            hear(.acknowledge(key.framework, key.task, uuid), mayCrash: false)
        }
        if let deadline = agent.deadline, deadline <= now { send(.ticked, mayCrash: false) }
    }
}
