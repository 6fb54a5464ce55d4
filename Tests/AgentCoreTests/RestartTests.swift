import MachineCore
import Model
import Testing

@testable import AgentCore

@Suite struct RestartTests {
    private let key = TaskKey(Harness.framework, TaskID("t"))

    @Test func takesARunningTaskBack() throws {
        var harness = Harness()
        var task = TaskDescription.example()
        task.hasHealthCheck = true
        task.maxCompletionMilliseconds = 100_000
        let container = harness.run(task)
        harness.acknowledgeAll("t")
        harness.wait(.seconds(60))
        let before = harness.agent.state
        harness.restart([.init(container, .running(status: Payload([1])))])
        #expect(harness.agent.state == before)
        // The same container goes on, and is watched again.
        #expect(harness.last == [.startChecks(key, container, task.payload)])
        harness.register()
        harness.wait(.seconds(41))
        #expect(harness.last.contains(.signalContainer(container, .terminate)))
    }

    @Test func reportsTheEndThatItMissed() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.acknowledgeAll("t")
        harness.restart([.init(container, .ended(ContainerEnd(waitStatus: 2 << 8)))])
        #expect(harness.last.last == .removeContainer(container))
        harness.register()
        #expect(harness.sent.map(\.state) == [.failed])
        #expect(harness.sent.first?.message == "Command exited with status 2")
    }

    @Test func aKillIsNotForgotten() {
        var harness = Harness()
        let container = harness.run(.example())
        harness.hear(.kill(key.framework, key.task, graceMilliseconds: nil))
        harness.restart([.init(container, .running(status: Payload()))])
        #expect(harness.last.contains(.signalContainer(container, .terminate)))
        harness.restart([.init(container, .ended(ContainerEnd(waitStatus: 15)))])
        #expect(harness.entry("t")?.state == .killed)
    }

    @Test func reportsAsRunningWhatStartedUnseen() {
        var harness = Harness()
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example()])))
        let container = harness.launched?.container ?? ContainerID("none")
        harness.restart([.init(container, .running(status: Payload([8])))])
        #expect(harness.entry("t")?.latest?.state == .running)
        #expect(harness.entry("t")?.latest?.payload == Payload([8]))
    }

    @Test func afterARebootItsTasksHaveEnded() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        _ = harness.run(.example("t", [volume]))
        harness.restart(bootID: "other")
        #expect(harness.entry("t")?.state == .failed)
        #expect(harness.entry("t")?.latest?.reason == .agentRestarted)
        #expect(harness.entry("t")?.latest?.message == "the agent's machine was started again")
        #expect(harness.agent.state.bootID == "other")
        harness.register()
        _ = harness.run(.example("u", [volume]))
        #expect(harness.entry("u")?.state == .running)
    }

    @Test func aTaskThatWasStoredAloneIsDropped() throws {
        var harness = Harness()
        harness.hear(
            .launch(TaskLaunch(framework: .example(), tasks: [.example("t", [.cpus(9)])])))
        // The journal ends between the task's row and its terminal update.
        harness.journal.removeLast()
        harness.restart()
        #expect(harness.entry("t")?.state == .dropped)
        #expect(harness.entry("t")?.latest?.reason == .agentRestarted)
    }

    @Test func keepsWhatTheMasterHasNotAcknowledged() {
        var harness = Harness()
        let disk = Resource.disk(100)
        let operation = harness.apply(.reserve, .init(disk, disk.reserved))
        harness.hear(.applyOperation(operation))
        harness.restart()
        harness.send(.masterConnected)
        guard case .send(.register(let registration)) = harness.last.first else {
            Issue.record("no registration")
            return
        }
        #expect(registration.description.id == Harness.agentID)
        #expect(registration.lastSequence == 1)
        #expect(registration.results.map(\.uuid) == [operation.uuid])
        #expect(registration.total.contains(disk.reserved))
    }

    @Test func killsContainersThatItDoesNotKnow() {
        var harness = Harness()
        let running = ContainerID("x")
        let ended = ContainerID("y")
        harness.restart([
            .init(running, .running(status: Payload())),
            .init(ended, .ended(ContainerEnd(waitStatus: 0))),
        ])
        #expect(harness.last.contains(.signalContainer(running, .kill)))
        #expect(harness.last.contains(.removeContainer(ended)))
        harness.send(.containerEnded(running, ContainerEnd(waitStatus: 9)))
        #expect(harness.last.contains(.removeContainer(running)))
    }

    @Test func doesNotUseAMissingVolume() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        harness.restart(missing: [VolumeUUID("v")])
        harness.send(.masterConnected)
        guard case .send(.register(let registration)) = harness.last.first else {
            Issue.record("no registration")
            return
        }
        #expect(registration.volumes.isEmpty)
        #expect(registration.total.contains(volume))
        harness.hear(.registered(Harness.agentID, pingTimeoutMilliseconds: 0))
        harness.hear(
            .launch(TaskLaunch(framework: .example(), tasks: [.example("t", [volume])])))
        #expect(harness.sent.first?.reason == .resourcesUnknown)
        #expect(harness.agent.volumeViews().first?.problem == Agent.missingVolume)
    }

    /// `fsck` has mended what kept a volume from being found: the master hears of it at once.
    @Test func aMissingVolumeThatIsThereAgainIsToldAndUsed() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        harness.restart(missing: [VolumeUUID("v")])
        harness.register()
        harness.send(
            .volumeReported([
                VolumeReport(
                    uuid: VolumeUUID("v"), backend: "directory", enforcement: .none,
                    growsWhileMounted: true)
            ]))
        let asked = harness.last.contains { if case .reconnect = $0 { true } else { false } }
        #expect(asked, "\(harness.last)")
        harness.send(.masterConnected)
        guard case .send(.register(let registration)) = harness.last.first else {
            Issue.record("no registration")
            return
        }
        #expect(registration.volumes.map(\.uuid) == [VolumeUUID("v")])
        harness.hear(.registered(Harness.agentID, pingTimeoutMilliseconds: 0))
        _ = harness.run(.example("t", [volume]))
        #expect(harness.entry("t")?.state == .running)
    }

    @Test func aVolumeThatWasMadeUnseenIsClaimedByItsOperation() {
        var harness = Harness()
        let disk = Resource.disk(100)
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        // It was made on disk, and the process ended before the journal had it.
        harness.agent = Agent(options: .example)
        harness.send(
            .started(
                entropy: [3],
                StartReport(
                    bootID: "boot", resources: .example, records: harness.journal,
                    volumes: [.init(VolumeUUID("v"))])))
        #expect(harness.agent.unclaimedVolumes == [VolumeUUID("v")])
        harness.register()
        let create = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        harness.hear(.applyOperation(create))
        harness.send(.volumesChanged(create.uuid, failure: nil))
        #expect(harness.agent.unclaimedVolumes.isEmpty)
        #expect(harness.agent.volumeViews().map(\.problem) == [nil])
    }

    @Test func takesMoreResources() {
        var harness = Harness()
        _ = harness.makeVolume("v")
        var more = Resources.example
        more.add(.cpus(4))
        more.add(.disk(5_000))
        more.add(Resource("ports", .ranges(Ranges(40_000...40_009))))
        harness.restart(resources: more)
        #expect(harness.exitText == nil)
        #expect(harness.agent.state.total.bare == more.bare)
    }

    /// Scenario: reservation_tests ReservationTest.CompatibleCheckpointedResourcesWithPersistentVolumes
    @Test func takesLessWhereItIsFree() {
        var harness = Harness()
        _ = harness.makeVolume("v")
        let less = Resources([
            .cpus(1), .disk(9_000), Resource("ports", .ranges(Ranges(31_500...32_100))),
        ])
        harness.restart(resources: less)
        #expect(harness.exitText == nil)
        #expect(harness.agent.state.total.bare == less.bare)
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.IncompatibleCheckpointedResources
    @Test func endsWhenWhatIsReservedIsGone() {
        var harness = Harness()
        _ = harness.makeVolume("v")
        harness.restart(resources: Resources([.cpus(4), .mem(4096), .disk(99)]))
        #expect(harness.exitText?.contains("--resources no longer has disk") == true)
        harness.send(.masterConnected)
        #expect(harness.last.isEmpty)
    }

    @Test func endsWhenWhatATaskUsesIsGone() {
        var harness = Harness()
        let container = harness.run(.example("t", [.cpus(3)]))
        harness.restart(
            [.init(container, .running(status: Payload()))],
            resources: Resources([.cpus(2), .mem(4096), .disk(10_000)]))
        #expect(harness.exitText?.contains("cpus:3") == true)
    }

    @Test func endsOnAJournalThatContradictsItself() {
        var harness = Harness()
        let disk = Resource.disk(100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        harness.hear(.applyOperation(harness.apply(.unreserve, .init(disk.reserved, disk))))
        harness.journal.removeAll { record in
            if case .operationEnded(let operation, _) = record {
                operation.sequence == 1
            } else {
                false
            }
        }
        harness.restart()
        #expect(harness.exitText?.contains("journal") == true)
    }

    @Test func anExecutorComesBack() {
        var harness = Harness()
        let executor = ExecutorDescription.example()
        let known = TaskDescription.example("known", executor: executor)
        let lost = TaskDescription.example("lost", executor: executor)
        harness.hear(
            .launch(
                TaskLaunch(framework: .example(), executor: executor, tasks: [known, lost])))
        let container = harness.launched?.container ?? ContainerID("none")
        harness.restart([.init(container, .running(status: Payload()))])
        harness.send(
            .executorSubscribed(
                ExecutorStreamID(9), Harness.framework, executor.id,
                unacknowledgedTasks: [known], unacknowledgedUpdates: []))
        #expect(harness.events(9).dropFirst() == [.launch(lost)])
    }

    @Test func anExecutorThatStaysAwayIsEnded() {
        var harness = Harness()
        let executor = ExecutorDescription.example()
        harness.hear(
            .launch(
                TaskLaunch(framework: .example(), executor: executor, tasks: [.example("t")])))
        let container = harness.launched?.container ?? ContainerID("none")
        harness.restart([.init(container, .running(status: Payload()))])
        harness.wait(.seconds(61))
        #expect(harness.last.contains(.signalContainer(container, .kill)))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 9)))
        #expect(harness.entry("t")?.state == .failed)
        #expect(harness.entry("t")?.latest?.reason == .reregistrationTimeout)
    }

    @Test func aCompactedJournalSaysTheSame() throws {
        var options = AgentOptions.example
        options.compactionThreshold = 30
        var harness = Harness(options: options)
        let volume = harness.makeVolume("v")
        _ = harness.run(.example("long", [volume]))
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example("bad", [volume])])))
        for index in 0..<20 {
            let container = harness.run(.example("t\(index)"))
            harness.acknowledgeAll("t\(index)")
            harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
            if index < 18 { harness.acknowledgeAll("t\(index)") }
        }
        #expect(harness.journal.count < 70)
        #expect(try harness.replayed() == harness.agent.state)
    }
}
