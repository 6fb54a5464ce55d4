import MachineCore
import Model
import Testing

@testable import AgentCore

@Suite struct KillTests {
    private let key = TaskKey(Harness.framework, TaskID("t"))

    @Test func termsThenKills() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: nil))
        #expect(harness.last.contains(.signalContainer(container, .terminate)))
        #expect(harness.entry("t")?.row.isKilled == true)
        harness.wait(.milliseconds(2_999))
        #expect(!harness.last.contains(.signalContainer(container, .kill)))
        harness.wait(.milliseconds(2))
        #expect(harness.last.contains(.signalContainer(container, .kill)))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 9)))
        #expect(harness.entry("t")?.state == .killed)
        #expect(harness.entry("t")?.latest?.message == "Command terminated with signal Killed")
        #expect(harness.agent.deadline != nil)
    }

    @Test func usesTheShortestGraceThatWasAsked() {
        var harness = Harness()
        var task = TaskDescription.example()
        task.killGraceMilliseconds = 60_000
        let container = harness.run(task)
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: nil))
        harness.wait(.seconds(10))
        #expect(!harness.last.contains(.signalContainer(container, .kill)))
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: 1_000))
        harness.wait(.seconds(2))
        #expect(harness.last.contains(.signalContainer(container, .kill)))
    }

    @Test func killsAtOnceWithoutGrace() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: -1))
        #expect(harness.last.contains(.signalContainer(container, .kill)))
    }

    @Test func tellsOfKillingWhereTheFrameworkKnowsIt() {
        var harness = Harness()
        _ = harness.run(.example(), .example([.taskKillingState]))
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: nil))
        #expect(harness.entry("t")?.state == .killing)
        var other = Harness()
        _ = other.run(.example())
        other.hear(.kill(key.framework, key.task, graceMilliseconds: nil))
        #expect(other.entry("t")?.state == .running)
    }

    @Test func aKilledTaskNeverCountsAsFinished() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: nil))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        #expect(harness.entry("t")?.state == .killed)
    }

    @Test func killsWhatIsJustStarting() {
        var harness = Harness()
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example()])))
        guard let container = harness.launched?.container else { return }
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: nil))
        #expect(harness.last.contains(.signalContainer(container, .kill)))
        harness.send(.containerFailed(container, reason: "killed"))
        #expect(harness.entry("t")?.state == .killed)
        #expect(harness.entry("t")?.latest?.reason == .killedDuringLaunch)
    }

    @Test func killsAContainerThatStartsInSpiteOfTheKill() {
        var harness = Harness()
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example()])))
        guard let container = harness.launched?.container else { return }
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: nil))
        harness.send(.containerStarted(container, status: Payload()))
        #expect(harness.last == [.signalContainer(container, .kill)])
        // No running after killed.
        #expect(harness.entry("t")?.state == .starting)
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 9)))
        #expect(harness.entry("t")?.state == .killed)
    }

    @Test func asksAgainForADeathThatDoesNotCome() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: 0))
        harness.wait(.seconds(25))
        let kills = harness.last.filter { $0 == .signalContainer(container, .kill) }
        #expect(kills.count == 2)
    }

    @Test func dropsTheKillOfAnUnknownTask() {
        var harness = Harness()
        harness.hear(.kill(key.framework, TaskID("ghost"), graceMilliseconds: nil))
        #expect(harness.drops == [.taskUnknown])
    }

    @Test func shutdownOfAFrameworkEndsAllOfIt() {
        var harness = Harness()
        let first = harness.run(.example("a"))
        let second = harness.run(.example("b"))
        harness.hear(.shutdownFramework(Harness.framework))
        #expect(harness.last.contains(.signalContainer(first, .terminate)))
        #expect(harness.last.contains(.signalContainer(second, .terminate)))
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example("c")])))
        #expect(harness.drops == [.frameworkUnknown])
        harness.send(.containerEnded(first, ContainerEnd(waitStatus: 15)))
        #expect(harness.agent.state.frameworks.count == 1)
        harness.send(.containerEnded(second, ContainerEnd(waitStatus: 15)))
        #expect(harness.agent.state.frameworks.isEmpty)
        #expect(harness.agent.state.tasks.isEmpty)
        #expect(harness.agent.state.used.isEmpty)
    }
}
