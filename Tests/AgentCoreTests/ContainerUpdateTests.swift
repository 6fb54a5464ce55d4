import MachineCore
import Model
import Testing

@testable import AgentCore

/// What an executor's container holds follows its tasks.
@Suite struct ContainerUpdateTests {
    let executor = ExecutorDescription.example()

    func launch(_ tasks: [TaskDescription], in harness: inout Harness) {
        harness.hear(
            .launch(TaskLaunch(framework: .example(), executor: executor, tasks: tasks)))
    }

    func subscribe(
        _ stream: UInt64, in harness: inout Harness, tasks: [TaskDescription] = []
    ) {
        harness.send(
            .executorSubscribed(
                ExecutorStreamID(stream), Harness.framework, executor.id,
                unacknowledgedTasks: tasks, unacknowledgedUpdates: []))
    }

    func tell(_ state: TaskState, of task: String, in harness: inout Harness) {
        let update = StatusUpdate(
            uuid: UpdateUUID("\(task)-\(state.rawValue)"), framework: Harness.framework,
            task: TaskID(task), state: state, source: .executor, timestampNanoseconds: 5)
        harness.send(
            .executorCalled(
                ExecutorRequestID(1), Harness.framework, executor.id, .update(update)))
    }

    /// A harness that answers no update, with an executor whose container has just started.
    func started(
        _ tasks: [TaskDescription], _ harness: inout Harness
    ) -> ContainerID {
        harness.holdsContainerUpdates = true
        launch(tasks, in: &harness)
        let container = harness.launched?.container ?? ContainerID("none")
        #expect(harness.launched?.volumes == [])
        #expect(harness.mounted == [], "it starts yet")
        harness.send(.containerStarted(container, status: Payload()))
        return container
    }

    @Test func theFirstTasksVolumeComesByAnUpdateToo() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let task = TaskDescription.example("t", [.cpus(1), volume], executor: executor)
        let container = started([task], &harness)
        #expect(harness.mounted == [["v"]])
        for case .updateContainer(let id, let resources, _, let tasks) in harness.last {
            #expect(id == container)
            #expect(resources.filter { $0.name == "cpus" }.map(\.amount.value) == [1, 1])
            #expect(tasks == [task.payload])
        }
        subscribe(1, in: &harness)
        #expect(harness.events(1).count == 1, "no launch before the update's end")
        harness.send(.containerUpdated(container, failure: nil))
        #expect(harness.events(1) == [.launch(task)])
        #expect(harness.mounted == [])

        // Its end takes the volume away, and is told at once.
        tell(.finished, of: "t", in: &harness)
        #expect(harness.mounted == [[]])
        #expect(harness.sent.map(\.state) == [.finished])
        harness.send(.containerUpdated(container, failure: "busy"))
        #expect(harness.last == [], "nobody is concerned")
    }

    @Test func anExecutorsOwnVolumeIsThereFromItsStart() {
        var harness = Harness()
        let volume = harness.makeVolume("own")
        var owner = executor
        owner.resources.append(volume.allocated)
        harness.hear(
            .launch(
                TaskLaunch(
                    framework: .example(), executor: owner, tasks: [.example("t")])))
        #expect(harness.launched?.volumes.map(\.volume.value) == ["own"])
        harness.send(
            .containerStarted(harness.launched?.container ?? .init("none"), status: Payload()))
        #expect(harness.mounted == [[]], "it is no task's")
    }

    @Test func theNewestWins() {
        var harness = Harness()
        let (v, w) = (harness.makeVolume("v"), harness.makeVolume("w"))
        let container = started([.example("t", [v], executor: executor)], &harness)
        subscribe(1, in: &harness)
        launch([.example("s", [w], executor: executor)], in: &harness)
        launch([.example("u", executor: executor)], in: &harness)
        #expect(harness.mounted == [], "one update at a time")
        harness.send(.containerUpdated(container, failure: nil))
        #expect(harness.events(1) == [.launch(.example("t", [v], executor: executor))])
        #expect(harness.mounted == [["v", "w"]])
        harness.send(.containerUpdated(container, failure: nil))
        #expect(harness.events(1).count == 2)
        #expect(harness.mounted == [])
        harness.send(.containerUpdated(container, failure: nil))
        #expect(harness.drops == [.containerUnknown])
    }

    @Test func aFailureEndsTheTaskThatWaits() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let container = started([.example("t", executor: executor)], &harness)
        subscribe(1, in: &harness)
        harness.send(.containerUpdated(container, failure: nil))
        launch([.example("s", [volume], executor: executor)], in: &harness)
        harness.send(.containerUpdated(container, failure: "no such device"))
        #expect(harness.events(1) == [])
        #expect(harness.sent.map(\.state) == [.failed])
        #expect(harness.sent.first?.reason == .containerUpdateFailed)
        #expect(harness.sent.first?.message == "Failed to update container: no such device")
        // What it may have done is taken back, and the other task goes on.
        #expect(harness.mounted == [[]])
        #expect(harness.entry("t")?.isHolding == true)
        harness.send(.containerUpdated(container, failure: nil))
        #expect(harness.last == [])
    }

    @Test func noTaskFailsForAnothersFault() {
        var harness = Harness()
        let (v, w) = (harness.makeVolume("v"), harness.makeVolume("w"))
        let good = TaskDescription.example("good", [v], executor: executor)
        let bad = TaskDescription.example("bad", [w], executor: executor)
        let container = started([bad, good], &harness)
        subscribe(1, in: &harness)
        harness.send(.containerUpdated(container, failure: "one of them"))
        #expect(harness.mounted == [["w"]])
        harness.send(.containerUpdated(container, failure: "this one"))
        #expect(harness.entry("bad")?.state == .failed)
        #expect(harness.mounted == [["v"]])
        harness.send(.containerUpdated(container, failure: nil))
        #expect(harness.events(1) == [.launch(good)])
    }

    @Test func anExecutorThatCouldNeverWorkEnds() {
        var harness = Harness()
        let container = started([.example("t", executor: executor)], &harness)
        harness.send(.containerUpdated(container, failure: "no"))
        #expect(harness.entry("t")?.state == .failed)
        #expect(harness.last.contains(.signalContainer(container, .kill)))
    }

    @Test func aTaskThatIsKilledMeanwhileIsForgotten() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let container = started([.example("t", executor: executor)], &harness)
        subscribe(1, in: &harness)
        harness.send(.containerUpdated(container, failure: nil))
        launch([.example("s", [volume], executor: executor)], in: &harness)
        harness.hear(.kill(Harness.framework, TaskID("s"), graceMilliseconds: nil))
        #expect(harness.sent.map(\.state) == [.killed])
        harness.acknowledgeAll("s")
        // Another one of its name waits for the next update.
        launch([.example("s", [volume], executor: executor)], in: &harness)
        harness.send(.containerUpdated(container, failure: "late"))
        #expect(harness.events(1) == [])
        #expect(harness.entry("s")?.latest == nil)
        #expect(harness.mounted == [["v"]])
        harness.send(.containerUpdated(container, failure: nil))
        #expect(harness.events(1).count == 1)
    }

    @Test func afterARestartItIsAskedAgain() {
        var harness = Harness()
        let (v, w) = (harness.makeVolume("v"), harness.makeVolume("w"))
        let runs = TaskDescription.example("runs", [v], executor: executor)
        let waits = TaskDescription.example("waits", [w], executor: executor)
        let container = started([runs], &harness)
        subscribe(1, in: &harness)
        harness.send(.containerUpdated(container, failure: nil))
        tell(.running, of: "runs", in: &harness)
        launch([waits], in: &harness)
        harness.restart([.init(container, .running(status: Payload()))])
        #expect(harness.mounted == [["v", "w"]])
        harness.register()
        // It may run what it has not reported yet: nothing fails before it is back.
        harness.send(.containerUpdated(container, failure: "not yet"))
        #expect(harness.last == [])
        subscribe(2, in: &harness)
        #expect(harness.events(2).count == 1)
        #expect(harness.mounted == [["v", "w"]])
        harness.send(.containerUpdated(container, failure: nil))
        #expect(harness.events(2) == [.launch(waits)])
        // Once more, and now it knows the task, whatever an update says.
        harness.restart([.init(container, .running(status: Payload()))])
        subscribe(3, in: &harness, tasks: [waits])
        harness.send(.containerUpdated(container, failure: "no"))
        #expect(harness.last == [])
        #expect(harness.entry("waits")?.isHolding == true)
    }

    @Test func aContainerThatEndsIsNotUpdated() {
        var harness = Harness()
        let container = started([.example("t", executor: executor)], &harness)
        subscribe(1, in: &harness)
        harness.hear(.shutdownExecutor(Harness.framework, executor.id))
        harness.send(.containerUpdated(container, failure: nil))
        #expect(harness.events(1) == [])
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        #expect(harness.entry("t")?.state == .dropped)
        #expect(harness.mounted == [])
    }
}
