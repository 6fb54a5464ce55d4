import MachineCore
import Model
import Testing

@testable import AgentCore

@Suite struct ExecutorTests {
    let executor = ExecutorDescription.example()

    /// Launches tasks in one executor, whose container starts.
    func launched(_ tasks: [TaskDescription], in harness: inout Harness) -> ContainerID {
        harness.hear(
            .launch(TaskLaunch(framework: .example(), executor: executor, tasks: tasks)))
        let container = harness.launched?.container ?? ContainerID("none")
        harness.send(.containerStarted(container, status: Payload([1])))
        return container
    }

    func subscribe(
        _ stream: UInt64, in harness: inout Harness, tasks: [TaskDescription] = [],
        updates: [StatusUpdate] = []
    ) {
        harness.send(
            .executorSubscribed(
                ExecutorStreamID(stream), Harness.framework, executor.id,
                unacknowledgedTasks: tasks, unacknowledgedUpdates: updates))
    }

    func update(
        _ state: TaskState, _ uuid: String?, of task: String = "t",
        source: StatusSource = .executor
    ) -> StatusUpdate {
        StatusUpdate(
            uuid: uuid.map(UpdateUUID.init), framework: Harness.framework, task: TaskID(task),
            state: state, source: source, timestampNanoseconds: 5, payload: Payload([3]))
    }

    func call(_ call: ExecutorCall, in harness: inout Harness) -> Refusal? {
        harness.send(
            .executorCalled(ExecutorRequestID(1), Harness.framework, executor.id, call))
        for case .answer(_, let refusal) in harness.last { return refusal }
        return Refusal(.invalid, "no answer")
    }

    @Test func runsTasksAndAcknowledgesTheirUpdates() {
        var harness = Harness()
        let first = TaskDescription.example("t", executor: executor)
        let container = launched([first], in: &harness)
        subscribe(1, in: &harness)
        let events = harness.events(1)
        guard case .subscribed(let subscription) = events.first else {
            Issue.record("not subscribed")
            return
        }
        #expect(subscription.container == container)
        #expect(subscription.agent.id == Harness.agentID)
        #expect(events.dropFirst() == [.launch(first)])

        #expect(call(.update(update(.running, "u1")), in: &harness) == nil)
        #expect(harness.events(1) == [.acknowledged(TaskID("t"), UpdateUUID("u1"))])
        let stored = harness.last.firstIndex { action in
            if case .store(.updateStored) = action { true } else { false }
        }
        let acknowledged = harness.last.firstIndex { action in
            if case .sendExecutorEvent = action { true } else { false }
        }
        #expect((stored ?? 9) < (acknowledged ?? 0))
        #expect(harness.sent.first?.payload == Payload([1, 3]))
        #expect(harness.sent.first?.executor == executor.id)

        // The same one again is only acknowledged.
        #expect(call(.update(update(.running, "u1")), in: &harness) == nil)
        #expect(harness.entry("t")?.pending.count == 1)
        #expect(harness.events(1).count == 1)

        // A second task goes straight to the running executor.
        let second = TaskDescription.example("s", executor: executor)
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [second])))
        #expect(harness.events(1) == [.launch(second)])
        #expect(harness.launches.isEmpty)

        harness.hear(.kill(Harness.framework, TaskID("t"), graceMilliseconds: 7))
        #expect(harness.events(1) == [.kill(TaskID("t"), graceMilliseconds: 7)])
        #expect(call(.update(update(.killed, "u2")), in: &harness) == nil)
        #expect(harness.entry("t")?.isHolding == false)
        harness.acknowledgeAll("t")
        #expect(harness.updates.map(\.state) == [.running, .killed])
    }

    @Test func messagesGoBothWays() {
        var harness = Harness()
        _ = launched([.example("t", executor: executor)], in: &harness)
        harness.hear(.frameworkMessage(Harness.framework, executor.id, Payload([1])))
        #expect(harness.drops == [.executorNotSubscribed])
        subscribe(1, in: &harness)
        harness.hear(.frameworkMessage(Harness.framework, executor.id, Payload([1])))
        #expect(harness.events(1) == [.message(Payload([1]))])
        #expect(call(.message(Payload([2])), in: &harness) == nil)
        #expect(
            harness.last.contains(
                .send(.executorMessage(Harness.framework, executor.id, Payload([2])))))
        harness.wait(.seconds(16))
        #expect(harness.events(1) == [.heartbeat])
    }

    @Test func refusesBadCallsInMesosWords() {
        var harness = Harness()
        _ = launched([.example("t", executor: executor)], in: &harness)
        #expect(
            call(.heartbeat, in: &harness)
                == Refusal(.forbidden, "Executor is not subscribed"))
        subscribe(1, in: &harness)
        let prefix = "Failed to validate Executor::Call: "
        #expect(
            call(.update(update(.running, nil)), in: &harness)?.message
                == prefix + "Expecting 'uuid' to be present")
        #expect(
            call(.update(update(.staging, "u")), in: &harness)?.message
                == prefix
                + "Received TASK_STAGING from executor e of framework F which is not allowed")
        #expect(
            call(.update(update(.running, "u", source: .master)), in: &harness)?.message
                == prefix + "Received Call from executor e of framework F with invalid source, "
                + "expecting 'SOURCE_EXECUTOR'")
        #expect(harness.entry("t")?.latest == nil)
        harness.send(
            .executorSubscribed(
                ExecutorStreamID(2), FrameworkID("nope"), executor.id, unacknowledgedTasks: [],
                unacknowledgedUpdates: []))
        #expect(
            harness.last == [
                .refuseExecutorStream(
                    ExecutorStreamID(2), Refusal(.invalid, "Framework cannot be found"))
            ])
        harness.send(
            .executorSubscribed(
                ExecutorStreamID(2), Harness.framework, ExecutorID("nope"),
                unacknowledgedTasks: [], unacknowledgedUpdates: []))
        #expect(
            harness.last == [
                .refuseExecutorStream(
                    ExecutorStreamID(2), Refusal(.invalid, "Executor cannot be found"))
            ])
    }

    @Test func mustRegisterInTime() {
        var harness = Harness()
        let container = launched([.example("t", executor: executor)], in: &harness)
        harness.wait(.seconds(61))
        #expect(harness.last.contains(.signalContainer(container, .kill)))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 9)))
        #expect(harness.entry("t")?.latest?.reason == .registrationTimeout)
        #expect(harness.entry("t")?.state == .dropped)
    }

    @Test func itsEndEndsItsTasks() {
        var harness = Harness()
        let tasks = ["t", "s"].map { TaskDescription.example($0, executor: executor) }
        let container = launched(tasks, in: &harness)
        subscribe(1, in: &harness)
        #expect(call(.update(update(.finished, "u1")), in: &harness) == nil)
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 1 << 8)))
        #expect(harness.entry("t")?.state == .finished)
        #expect(harness.entry("s")?.state == .failed)
        #expect(harness.entry("s")?.latest?.reason == .executorTerminated)
        #expect(harness.entry("s")?.latest?.message == "Executor exited with status 1")
        #expect(
            harness.last.contains(
                .send(.executorExited(Harness.framework, executor.id, status: 256))))
        #expect(harness.last.contains(.closeExecutorStream(ExecutorStreamID(1))))
        #expect(harness.agent.state.used.isEmpty)
    }

    @Test func aSecondStreamReplacesTheFirst() {
        var harness = Harness()
        let task = TaskDescription.example("t", executor: executor)
        _ = launched([task], in: &harness)
        subscribe(1, in: &harness)
        // It answers a task that it knows with neither launch nor loss.
        subscribe(2, in: &harness, tasks: [task])
        #expect(harness.last.contains(.closeExecutorStream(ExecutorStreamID(1))))
        #expect(harness.events(2).count == 1)
        harness.send(.executorStreamClosed(ExecutorStreamID(1)))
        #expect(call(.heartbeat, in: &harness) == nil)
        harness.send(.executorStreamClosed(ExecutorStreamID(2)))
        #expect(call(.heartbeat, in: &harness)?.kind == .forbidden)
        // What it never got is sent again, what it did meanwhile is taken.
        subscribe(3, in: &harness, updates: [update(.running, "u1")])
        #expect(
            harness.events(3).dropFirst() == [.acknowledged(TaskID("t"), UpdateUUID("u1"))])
        #expect(harness.entry("t")?.state == .running)
    }

    @Test func aTaskThatItNeverGotIsKilledByTheAgent() {
        var harness = Harness()
        let container = launched([.example("t", executor: executor)], in: &harness)
        harness.hear(.kill(Harness.framework, TaskID("t"), graceMilliseconds: nil))
        #expect(harness.sent.map(\.state) == [.killed])
        // The executor has nothing to do, and never had.
        #expect(harness.last.contains(.signalContainer(container, .kill)))
    }

    @Test func shutsDownWithGrace() {
        var harness = Harness()
        let container = launched([.example("t", executor: executor)], in: &harness)
        subscribe(1, in: &harness)
        harness.hear(.shutdownExecutor(Harness.framework, executor.id))
        #expect(harness.events(1) == [.shutdown])
        harness.hear(
            .launch(
                TaskLaunch(
                    framework: .example(), executor: executor, tasks: [.example("late")])))
        #expect(harness.sent.first?.reason == .executorTerminated)
        harness.wait(.seconds(6))
        #expect(harness.last.contains(.signalContainer(container, .kill)))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 9)))
        #expect(harness.entry("t")?.state == .failed)
    }

    @Test func anotherExecutorOfTheSameIdIsRefused() {
        var harness = Harness()
        _ = launched([.example("t", executor: executor)], in: &harness)
        var other = executor
        other.payload = Payload([10])
        harness.hear(
            .launch(TaskLaunch(framework: .example(), executor: other, tasks: [.example("s")])))
        #expect(harness.sent.first?.state == .error)
        // A command task takes no executor's id.
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example("e")])))
        #expect(harness.sent.first?.state == .error)
    }

    @Test func volumesOfItsTasksComeAndGo() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let container = launched([.example("t", executor: executor)], in: &harness)
        subscribe(1, in: &harness)
        let task = TaskDescription.example("s", [volume], executor: executor)
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [task])))
        let mounts = harness.last.compactMap { action -> [VolumeMount]? in
            if case .updateContainer(container, _, let volumes, _) = action { volumes } else { nil }
        }
        #expect(mounts.map { $0.map(\.volume.value) } == [["v"]])
        #expect(call(.update(update(.finished, "u", of: "s")), in: &harness) == nil)
        #expect(
            harness.last.contains { action in
                if case .updateContainer(container, _, [], _) = action { true } else { false }
            })
    }
}
