import MachineCore
import Model
import Testing

@testable import AgentCore

@Suite struct CommandTaskTests {
    @Test func startsRunsAndFinishes() throws {
        var harness = Harness()
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example()])))
        let launch = try #require(harness.launched)
        #expect(launch.kind == .command)
        #expect(launch.user == "root")
        #expect(
            launch.directory
                == "/w/slaves/S0/frameworks/F/executors/t/runs/\(launch.container)")
        // Everything is journaled before the container starts.
        let firstLaunch = harness.last.firstIndex(of: .launchContainer(launch))
        let lastRow = harness.last.lastIndex { action in
            if case .store(.taskStored) = action { true } else { false }
        }
        #expect(try #require(lastRow) < #require(firstLaunch))
        #expect(harness.sent.map(\.state) == [.starting])

        harness.send(.containerStarted(launch.container, status: Payload([1])))
        #expect(harness.sent.isEmpty)
        harness.acknowledgeFirst("t")
        #expect(harness.sent.map(\.state) == [.running])
        #expect(harness.sent.first?.payload == Payload([1]))

        harness.send(
            .containerEnded(launch.container, ContainerEnd(waitStatus: 0, status: Payload([2]))))
        #expect(harness.last.contains(.removeContainer(launch.container)))
        harness.acknowledgeFirst("t")
        let end = try #require(harness.sent.first)
        #expect(end.state == .finished)
        #expect(end.source == .executor)
        #expect(end.message == "Command exited with status 0")
        #expect(end.payload == Payload([1, 2]))
        #expect(harness.agent.state.used.isEmpty)
        harness.acknowledgeFirst("t")
        #expect(harness.agent.state.tasks.isEmpty)
        #expect(harness.agent.state.frameworks.isEmpty)
        #expect(harness.agent.completedFrameworks.first?.tasks.first?.row.task.id.value == "t")
    }

    @Test(arguments: [
        (Int32(3 << 8), "Command exited with status 3"),
        (Int32(9), "Command terminated with signal Killed"),
        (Int32(11 | 0x80), "Command terminated with signal Segmentation fault (core dumped)"),
    ])
    func failsWithItsStatus(status: Int32, text: String) {
        var harness = Harness()
        let container = harness.run(.example())
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: status)))
        #expect(harness.entry("t")?.state == .failed)
        #expect(harness.entry("t")?.latest?.message == text)
        #expect(harness.entry("t")?.latest?.reason == nil)
    }

    @Test func failsWhenItsStatusIsUnknown() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: nil)))
        #expect(harness.entry("t")?.state == .failed)
        #expect(
            harness.entry("t")?.latest?.message == "The exit status of the command is not known")
    }

    @Test func failsOutOfMemory() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.send(
            .containerEnded(container, ContainerEnd(waitStatus: 9, isOutOfMemory: true)))
        let end = harness.entry("t")?.latest
        #expect(end?.state == .failed)
        #expect(end?.reason == .memoryLimitation)
        #expect(end?.source == .agent)
    }

    @Test func isKilledByTheDiskLimit() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.send(.diskLimitReached(container, message: "too much", status: Payload([5])))
        #expect(harness.last.contains(.signalContainer(container, .kill)))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 9)))
        let end = harness.entry("t")?.latest
        #expect(end?.state == .failed)
        #expect(end?.reason == .diskLimitation)
        #expect(end?.message == "too much")
        #expect(end?.payload == Payload([1, 5]))
    }

    @Test func failsWhenItsContainerCannotStart() {
        var harness = Harness()
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example()])))
        guard let container = harness.launched?.container else { return }
        harness.send(.containerFailed(container, reason: "no such user"))
        let end = harness.entry("t")?.latest
        #expect(end?.state == .failed)
        #expect(end?.reason == .launchFailed)
        #expect(end?.message == "Failed to launch container: no such user")
        #expect(harness.agent.state.executors.isEmpty)
    }

    @Test func reportsItsChecksAndDiesOfABadHealth() {
        var harness = Harness()
        var task = TaskDescription.example()
        task.hasHealthCheck = true
        let container = harness.run(task)
        let key = TaskKey(Harness.framework, task.id)
        #expect(harness.last.contains(.startChecks(key, container, task.payload)))
        harness.send(.checkChanged(key, CheckOutcome(.healthy)))
        #expect(harness.entry("t")?.latest?.isHealthy == true)
        #expect(harness.entry("t")?.latest?.reason == .healthCheckStatusUpdated)
        harness.send(.checkChanged(key, CheckOutcome(.check, status: Payload([4]))))
        #expect(harness.entry("t")?.latest?.reason == .checkStatusUpdated)
        #expect(harness.entry("t")?.latest?.payload == Payload([1, 4]))
        harness.send(.checkChanged(key, CheckOutcome(.unhealthy(isFatal: false))))
        #expect(!harness.last.contains(.signalContainer(container, .terminate)))
        harness.send(.checkChanged(key, CheckOutcome(.unhealthy(isFatal: true))))
        #expect(harness.last.contains(.signalContainer(container, .terminate)))
        #expect(harness.last.contains(.stopChecks(key)))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 15)))
        #expect(harness.entry("t")?.state == .failed)
        #expect(harness.entry("t")?.latest?.isHealthy == false)
    }

    @Test func endsWhenItsTimeIsOver() {
        var harness = Harness()
        var task = TaskDescription.example()
        task.maxCompletionMilliseconds = 60_000
        let container = harness.run(task)
        harness.wait(.seconds(59))
        #expect(!harness.last.contains(.signalContainer(container, .terminate)))
        harness.wait(.seconds(2))
        #expect(harness.last.contains(.signalContainer(container, .terminate)))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        #expect(harness.entry("t")?.state == .failed)
        #expect(harness.entry("t")?.latest?.reason == .maxCompletionTimeReached)
    }

    @Test(arguments: [true, false]) func isDroppedWithoutItsResources(knowsPartitions: Bool) {
        var harness = Harness()
        harness.hear(
            .launch(
                TaskLaunch(
                    framework: .example(knowsPartitions ? [.partitionAware] : []),
                    tasks: [.example("t", [.cpus(5)])])))
        #expect(harness.launches.isEmpty)
        #expect(harness.sent.first?.state == (knowsPartitions ? .dropped : .lost))
        #expect(harness.sent.first?.reason == .resourcesUnknown)
        harness.acknowledgeAll("t")
        #expect(harness.agent.state.tasks.isEmpty)
    }

    @Test func takesNoMoreThanThereIs() {
        var harness = Harness()
        let tasks = (0..<6).map { TaskDescription.example("t\($0)") }
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: tasks)))
        #expect(harness.launches.count == 4)
        #expect(harness.sent.filter { $0.reason == .resourcesUnknown }.count == 2)
    }

    @Test(arguments: ["", ".", "..", "a/b", "a\u{0}b", String(repeating: "x", count: 256)])
    func refusesNamesThatAreNoDirectories(name: String) {
        var harness = Harness()
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example(name)])))
        #expect(harness.launches.isEmpty)
        #expect(harness.sent.first?.state == .error)
        #expect(harness.sent.first?.reason == .taskInvalid)
    }

    @Test func refusesGroupsAndTheDefaultExecutor() {
        var harness = Harness()
        var executor = ExecutorDescription.example()
        executor.kind = .default
        harness.hear(
            .launch(
                TaskLaunch(
                    framework: .example(), executor: executor, tasks: [.example("a")],
                    isGroup: true)))
        #expect(harness.sent.first?.reason == .taskGroupInvalid)
        harness.hear(
            .launch(
                TaskLaunch(framework: .example(), executor: executor, tasks: [.example("b")])))
        #expect(harness.sent.first?.state == .error)
    }

    @Test func startsNothingWhileTheDiskIsFull() {
        var harness = Harness()
        harness.send(.storageLow(true))
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example("a")])))
        #expect(harness.launches.isEmpty)
        #expect(harness.sent.first?.state == .dropped)
        harness.send(.storageLow(false))
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example("b")])))
        #expect(harness.launches.count == 1)
    }

    @Test func ignoresATaskThatItHas() {
        var harness = Harness()
        _ = harness.run(.example())
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example()])))
        #expect(harness.drops == [.taskRepeated])
    }
}
