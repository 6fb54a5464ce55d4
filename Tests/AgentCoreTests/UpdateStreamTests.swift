import MachineCore
import Model
import Testing

@testable import AgentCore

@Suite struct UpdateStreamTests {
    @Test func sendsAgainWithGrowingPauses() {
        var harness = Harness()
        _ = harness.run(.example())
        harness.updates = []
        harness.wait(.seconds(7))
        #expect(harness.updates.isEmpty)
        harness.wait(.seconds(60))
        let early = harness.updates.count
        #expect((2...4).contains(early))
        #expect(Set(harness.updates.map(\.uuid)).count == 1)
        harness.wait(.seconds(3_600))
        // From then on about once in ten minutes.
        #expect((early + 7...early + 14).contains(harness.updates.count))
    }

    @Test func sendsOneAtATimeAndTellsTheLatestState() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        #expect(harness.sent.isEmpty)
        harness.wait(.seconds(10))
        guard case .send(.statusUpdate(let update, let latest)) = harness.last.first else {
            Issue.record("nothing was sent again")
            return
        }
        #expect(update.state == .starting)
        #expect(latest == .finished)
        harness.acknowledgeAll("t")
        #expect(harness.updates.map(\.state) == [.starting, .starting, .running, .finished])
        #expect(harness.agent.deadline == nil)
    }

    @Test func ignoresAcknowledgementsOutOfTurn() {
        var harness = Harness()
        _ = harness.run(.example())
        let entry = harness.entry("t")
        for uuid in [entry?.pending.last?.uuid, UpdateUUID("ghost")] {
            guard let uuid else { continue }
            harness.hear(.acknowledge(Harness.framework, TaskID("t"), uuid))
            #expect(harness.drops == [.updateUnknown])
        }
        #expect(harness.entry("t") == entry)
        let first = entry?.pending.first?.uuid ?? UpdateUUID("none")
        harness.hear(.acknowledge(Harness.framework, TaskID("t"), first))
        harness.hear(.acknowledge(Harness.framework, TaskID("t"), first))
        #expect(harness.drops == [.updateUnknown])
        #expect(harness.entry("t")?.pending.count == 1)
    }

    @Test func queuesWithoutAMasterAndTellsAtTheNextRegistration() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.acknowledgeAll("t")
        harness.send(.masterDisconnected)
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        #expect(harness.sent.isEmpty)
        harness.wait(.seconds(100))
        #expect(harness.sent.isEmpty)
        harness.send(.masterConnected)
        guard case .send(.register(let registration)) = harness.last.first else {
            Issue.record("no registration")
            return
        }
        #expect(registration.tasks.map(\.state) == [.finished])
        #expect(registration.tasks.first?.unacknowledged?.state == .finished)
        harness.hear(.registered(Harness.agentID, pingTimeoutMilliseconds: 0))
        #expect(harness.sent.map(\.state) == [.finished])
    }

    @Test func isBoundedButAlwaysTakesTheEnd() {
        var options = AgentOptions.example
        options.limits.unacknowledgedUpdatesPerTask = 5
        var harness = Harness(options: options)
        var task = TaskDescription.example()
        task.hasCheck = true
        let container = harness.run(task)
        let key = TaskKey(Harness.framework, task.id)
        for _ in 0..<10 { harness.send(.checkChanged(key, CheckOutcome(.check))) }
        #expect(harness.drops == [.updatesTooMany])
        #expect(harness.entry("t")?.pending.count == 5)
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        #expect(harness.entry("t")?.state == .finished)
    }

    @Test func keepsABoundedPast() {
        var harness = Harness()
        var task = TaskDescription.example()
        task.hasCheck = true
        _ = harness.run(task)
        for _ in 0..<100 {
            harness.send(
                .checkChanged(TaskKey(Harness.framework, task.id), CheckOutcome(.check)))
            harness.acknowledgeAll("t")
        }
        let past = harness.entry("t")?.acknowledged ?? []
        #expect(past.count == AgentState.acknowledgedAtMost)
        #expect(past.prefix(2).map(\.state) == [.starting, .running])
        #expect(past.prefix(2).map(\.reason) == [nil, nil])
    }
}
