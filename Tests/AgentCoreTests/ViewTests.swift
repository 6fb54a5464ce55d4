import MachineCore
import Model
import Testing

@testable import AgentCore

@Suite struct ViewTests {
    @Test func showWhatRunsAndWhatHasEnded() throws {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let container = harness.run(.example("done"))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        _ = harness.run(.example("now", [volume]))
        let view = try #require(harness.agent.frameworkViews().first)
        #expect(view.executors.map(\.row.executor.id.value) == ["now"])
        #expect(view.executors.first?.isRunning == true)
        #expect(view.executors.first?.tasks.map(\.state) == [.running])
        #expect(view.terminatedTasks.map(\.row.task.id.value) == ["done"])
        #expect(view.completedExecutors.map(\.container) == [container])
        #expect(view.completedTasks.isEmpty)
        harness.acknowledgeAll("done")
        #expect(
            harness.agent.frameworkViews().first?.completedTasks.map(\.row.task.id.value)
                == ["done"])
        #expect(
            harness.agent.volumeViews().map(\.tasks) == [
                [TaskKey(Harness.framework, TaskID("now"))]
            ])
        #expect(harness.agent.history.operations.map(\.result.sequence) == [1, 2])
    }

    @Test func keepABoundedPast() {
        var options = AgentOptions.example
        options.limits.completedTasksPerFramework = 5
        options.limits.completedFrameworks = 3
        var harness = Harness(options: options)
        for round in 0..<6 {
            let framework = FrameworkID("F\(round)")
            for index in 0..<8 {
                let id = TaskID("t\(index)")
                harness.hear(
                    .launch(
                        TaskLaunch(
                            framework: .example(id: framework), tasks: [.example("t\(index)")])))
                let container = harness.launched?.container ?? ContainerID("none")
                harness.send(.containerFailed(container, reason: "no"))
                let key = TaskKey(framework, id)
                while let uuid = harness.agent.state.tasks[key]?.pending.first?.uuid {
                    harness.hear(.acknowledge(framework, id, uuid))
                }
            }
        }
        let completed = harness.agent.completedFrameworks
        #expect(completed.map(\.description.id) == ["F3", "F4", "F5"].map { FrameworkID($0) })
        #expect(completed.map(\.tasks.count) == [5, 5, 5])
    }

    @Test func showLaunchesThatWait() {
        var harness = Harness()
        let disk = Resource.disk(100)
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let create = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        harness.hear(.applyOperation(create))
        _ = harness.run(.example("free"))
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example("t", [volume])])))
        #expect(harness.agent.pendingOperations.map(\.uuid) == [create.uuid])
        #expect(
            harness.agent.frameworkViews().first?.waitingTasks.map(\.id.value) == ["t"])
        // A new master hears of it, and of nothing that is not there.
        harness.send(.masterConnected)
        guard case .send(.register(let registration)) = harness.last.first else {
            Issue.record("no registration")
            return
        }
        #expect(registration.tasks.map(\.task.id.value) == ["free", "t"])
        #expect(registration.lastSequence == 1)
    }
}
