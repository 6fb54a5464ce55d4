import MachineCore
import Model
import Testing

@testable import AgentCore

@Suite struct ConnectionTests {
    private func reconnects(_ harness: Harness) -> Int {
        harness.last.count { action in
            if case .reconnect = action { true } else { false }
        }
    }

    @Test func keepsTheIdThatItWasGiven() {
        var harness = Harness(isRegistered: false)
        harness.send(.masterConnected)
        guard case .send(.register(let registration)) = harness.last.first else {
            Issue.record("no registration")
            return
        }
        #expect(registration.description.id == nil)
        #expect(registration.total == .example)
        harness.hear(.registered(Harness.agentID, pingTimeoutMilliseconds: 0))
        #expect(harness.last == [.store(.identified(Harness.agentID))])
        harness.restart()
        harness.register()
        #expect(harness.last.isEmpty)
        harness.send(.masterConnected)
        harness.hear(.registered(AgentID("other"), pingTimeoutMilliseconds: 0))
        #expect(harness.exitText?.contains("other") == true)
    }

    /// The master tells the last one from those that arrive late.
    @Test func registrationsAreNumbered() throws {
        var harness = Harness()
        var numbers: [UInt64] = []
        for _ in 0..<2 {
            harness.send(.masterConnected)
            numbers.append(try #require(harness.registrationNumber))
            harness.send(.masterConnected)
            numbers.append(try #require(harness.registrationNumber))
            harness.wait(.seconds(1))
            harness.restart()
        }
        #expect(Set(numbers).count == 4)
        #expect(numbers == numbers.sorted())
    }

    @Test func asksAgainWithGrowingPauses() {
        var harness = Harness(isRegistered: false)
        harness.send(.masterConnected)
        harness.wait(.seconds(2))
        #expect(reconnects(harness) == 1)
        harness.send(.masterConnected)
        harness.wait(.milliseconds(1_400))
        #expect(reconnects(harness) == 0)
        harness.wait(.seconds(2))
        #expect(reconnects(harness) == 1)
    }

    @Test func answersPingsAndMissesThem() {
        var harness = Harness(isRegistered: false)
        harness.send(.masterConnected)
        harness.hear(.registered(Harness.agentID, pingTimeoutMilliseconds: 15_000))
        for number in 1...4 {
            harness.wait(.seconds(14))
            #expect(reconnects(harness) == 0)
            harness.hear(.ping(UInt64(number)))
            #expect(harness.last == [.send(.pong(UInt64(number)))])
        }
        harness.wait(.seconds(16))
        #expect(reconnects(harness) == 1)
    }

    @Test func hearsNothingBeforeItIsRegistered() {
        var harness = Harness(isRegistered: false)
        harness.send(.masterConnected)
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example()])))
        #expect(harness.drops == [.notRegistered])
        harness.hear(.refused("not now", isFinal: false))
        harness.wait(.seconds(3))
        #expect(reconnects(harness) == 1)
    }

    @Test func endsWhenItIsNotWantedAnyMore() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.hear(.refused("marked gone", isFinal: true))
        #expect(harness.last.contains(.signalContainer(container, .terminate)))
        #expect(harness.exitText == nil)
        harness.send(.masterConnected)
        #expect(harness.last.isEmpty)
        harness.wait(.seconds(4))
        #expect(harness.last.contains(.signalContainer(container, .kill)))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 9)))
        #expect(harness.exitText?.contains("marked gone") == true)
        var idle = Harness()
        idle.hear(.refused("marked gone", isFinal: true))
        #expect(idle.exitText != nil)
    }

    @Test func tellsOfItsVolumes() {
        var harness = Harness()
        _ = harness.makeVolume("v")
        let report = VolumeReport(
            uuid: VolumeUUID("v"), backend: "loop", enforcement: .kernel,
            growsWhileMounted: true, usableBytes: 90 << 20)
        harness.send(.volumeReported([report]))
        #expect(
            harness.last == [
                .store(.volumesPrepared([report.uuid])), .send(.volumeReport([report])),
            ])
        harness.send(.volumeReported([report]))
        #expect(harness.last == [.send(.volumeReport([report]))])
        harness.send(.masterDisconnected)
        harness.send(.volumeReported([report]))
        #expect(harness.last.isEmpty)
        harness.register()
        #expect(harness.last == [.send(.volumeReport([report]))])
    }

    @Test func bringsItsTasksAndExecutors() {
        var harness = Harness()
        let executor = ExecutorDescription.example()
        _ = harness.run(.example("command"))
        harness.hear(
            .launch(
                TaskLaunch(framework: .example(), executor: executor, tasks: [.example("own")])))
        harness.send(.masterDisconnected)
        harness.send(.masterConnected)
        guard case .send(.register(let registration)) = harness.last.first else {
            Issue.record("no registration")
            return
        }
        #expect(registration.frameworks == [.example()])
        #expect(registration.executors.map(\.executor) == [executor])
        #expect(registration.tasks.map(\.state) == [.running, .staging])
        #expect(registration.tasks.map(\.unacknowledged?.state) == [.starting, nil])
    }
}
