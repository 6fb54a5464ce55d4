import MachineCore
import Model
import Testing

@testable import AgentCore

@Suite struct OperationTests {
    private let disk = Resource.disk(100)

    private func work(_ harness: Harness) -> [OperationUUID] {
        harness.last.compactMap { action in
            if case .changeVolumes(let uuid, _) = action { uuid } else { nil }
        }
    }

    @Test func reservesAtOnce() {
        var harness = Harness()
        let operation = harness.apply(.reserve, .init(disk, disk.reserved))
        harness.hear(.applyOperation(operation))
        let result = OperationResult(uuid: operation.uuid, sequence: 1, state: .finished)
        #expect(
            harness.last == [
                .store(.operationEnded(operation, result)), .send(.operationResult(result)),
            ])
        #expect(harness.agent.state.total.contains(disk.reserved))
        harness.hear(.acknowledgeResult(operation.uuid))
        #expect(harness.last == [.store(.resultAcknowledged(operation.uuid))])
        #expect(harness.agent.state.results.isEmpty)
    }

    @Test func makesAVolumeOnDiskBeforeItIsJournaled() {
        var harness = Harness()
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let create = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        harness.hear(.applyOperation(create))
        #expect(harness.last == [.changeVolumes(create.uuid, create.volumeChanges)])
        harness.send(.volumesChanged(create.uuid, failure: nil))
        #expect(harness.results.first?.state == .finished)
        #expect(harness.agent.state.volumes[VolumeUUID("v")]?.resource == volume)
        let destroy = harness.apply(
            .destroy, .init(volume, disk.reserved), [.destroy(VolumeUUID("v"))])
        harness.hear(.applyOperation(destroy))
        harness.send(.volumesChanged(destroy.uuid, failure: nil))
        #expect(harness.agent.state.volumes.isEmpty)
        #expect(harness.agent.state.total.contains(disk.reserved))
    }

    @Test func tellsResultsInOrderAcrossARegistration() {
        var harness = Harness()
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let create = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        harness.hear(.applyOperation(create))
        harness.send(.masterDisconnected)
        harness.send(.masterConnected)
        // It ends when the registration is on its way, which does not name it.
        harness.send(.volumesChanged(create.uuid, failure: nil))
        #expect(harness.results.isEmpty)
        harness.hear(.registered(Harness.agentID, pingTimeoutMilliseconds: 0))
        #expect(harness.results.map(\.uuid) == [create.uuid])
    }

    @Test func resizesAVolume() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let grown = volume.with(amount: Amount(thousandths: 200_000))
        let grow = harness.apply(
            .grow, .init(volume, disk.reserved, to: [grown]),
            [.resize(VolumeUUID("v"), to: grown.amount)])
        harness.hear(.applyOperation(grow))
        harness.send(.volumesChanged(grow.uuid, failure: nil))
        #expect(harness.agent.state.volumes[VolumeUUID("v")]?.resource == grown)
        let shrink = harness.apply(
            .shrink, .init(grown, to: [volume, disk.reserved]),
            [.resize(VolumeUUID("v"), to: volume.amount)])
        harness.hear(.applyOperation(shrink))
        harness.send(.volumesChanged(shrink.uuid, failure: "more is stored"))
        #expect(harness.results.first?.message == "more is stored")
        #expect(harness.agent.state.volumes[VolumeUUID("v")]?.resource == grown)
    }

    @Test func leavesTheBooksWhenTheDiskRefuses() {
        var harness = Harness()
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let before = harness.agent.state.total
        let create = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        harness.hear(.applyOperation(create))
        harness.send(.volumesChanged(create.uuid, failure: "no space"))
        #expect(harness.results.first?.state == .failed)
        #expect(harness.results.first?.message == "no space")
        #expect(harness.agent.state.total == before)
        #expect(harness.agent.state.lastSequence == 2)
    }

    @Test func refusesWhatDoesNotFitTheBooks() {
        var harness = Harness()
        let bad: [(ResourceConversion, [VolumeChange])] = [
            (.init(.disk(20_000), .disk(20_000).reserved), []),
            (.init(.disk(1), .disk(2)), []),
            (.init(disk.reserved, disk), []),
            (.init(disk, .volume("v", 100)), []),
            (.init(disk, disk.reserved), [.destroy(VolumeUUID("v"))]),
            (.init(.cpus(1).with(isShared: true), .cpus(1).reserved), []),
            (.init(disk, disk.reserved), [.resize(VolumeUUID("v"), to: .zero)]),
            (.init(disk, disk.reserved), [.create(.example("v", .volume("v", 100)))]),
        ]
        let before = harness.agent.state.total
        for (conversion, changes) in bad {
            harness.hear(.applyOperation(harness.apply(.reserve, conversion, changes)))
            #expect(harness.results.first?.state == .failed)
            #expect(harness.results.first?.message?.isEmpty == false)
            #expect(work(harness).isEmpty)
        }
        #expect(harness.agent.state.total == before)
    }

    @Test func refusesToTakeWhatATaskUses() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let container = harness.run(.example("t", [.cpus(3), volume]))
        harness.hear(
            .applyOperation(
                harness.apply(
                    .destroy, .init(volume, disk.reserved), [.destroy(VolumeUUID("v"))])))
        #expect(harness.results.first?.state == .failed)
        harness.hear(
            .applyOperation(harness.apply(.reserve, .init(.cpus(2), .cpus(2).reserved))))
        #expect(harness.results.first?.message == "cpus:2 is in use")
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        harness.hear(
            .applyOperation(harness.apply(.reserve, .init(.cpus(2), .cpus(2).reserved))))
        #expect(harness.results.first?.state == .finished)
    }

    @Test func answersARepeatedOneAgain() {
        var harness = Harness()
        let operation = harness.apply(.reserve, .init(disk, disk.reserved))
        harness.hear(.applyOperation(operation))
        let result = harness.results.first
        harness.hear(.applyOperation(operation))
        #expect(harness.results.first == result)
        #expect(harness.last.count == 1)
        harness.hear(.acknowledgeResult(operation.uuid))
        harness.hear(.applyOperation(operation))
        #expect(harness.drops == [.operationRepeated])
    }

    @Test func dropsWhatFollowsAGapAndRegistersAgain() {
        var harness = Harness()
        harness.sequence = 1
        harness.hear(
            .applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        #expect(harness.drops == [.sequenceGap])
        #expect(harness.results.isEmpty)
        harness.wait(.seconds(2))
        #expect(
            harness.last.contains { action in
                if case .reconnect = action { true } else { false }
            })
    }

    @Test func independentVolumeWorkOverlapsAndEndsInOrder() {
        var harness = Harness()
        let volumes = (0..<5).map { Resource.volume("v\($0)", 100) }
        let all = Resource.disk(500)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(all, all.reserved))))
        let creates = volumes.enumerated().map { index, volume in
            harness.apply(
                .create, .init(disk.reserved, volume), [.create(.example("v\(index)", volume))])
        }
        for create in creates {
            harness.hear(.applyOperation(create))
            #expect(work(harness) == [create.uuid])
        }
        for create in creates.dropFirst().reversed() {
            harness.send(.volumesChanged(create.uuid, failure: nil))
            #expect(harness.last.isEmpty)
        }
        harness.send(.volumesChanged(creates[0].uuid, failure: "bad block"))
        #expect(harness.results.map(\.sequence) == [2, 3, 4, 5, 6])
        #expect(
            harness.results.map(\.state) == [.failed, .finished, .finished, .finished, .finished])
        #expect(harness.agent.state.volumes.count == 4)
    }

    @Test func dependentWorkWaits() {
        var harness = Harness()
        let volume = Resource.volume("v", 100)
        let other = Resource.volume("w", 100)
        let reserve = harness.apply(.reserve, .init(disk, disk.reserved))
        let first = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        // Destroys what the one before makes, and then uses its space again.
        let destroy = harness.apply(
            .destroy, .init(volume, disk.reserved), [.destroy(VolumeUUID("v"))])
        let second = harness.apply(
            .create, .init(disk.reserved, other), [.create(.example("w", other))])
        harness.hear(.applyOperation(reserve))
        for operation in [first, destroy, second] { harness.hear(.applyOperation(operation)) }
        #expect(work(harness).isEmpty)
        harness.send(.volumesChanged(first.uuid, failure: nil))
        #expect(work(harness) == [destroy.uuid])
        harness.send(.volumesChanged(destroy.uuid, failure: nil))
        #expect(work(harness) == [second.uuid])
    }

    /// Seed 368: agent and master died after the create's work, and nobody knew of the reservation.
    @Test func aReservationThatHasNotEndedIsNotCountedOn() {
        var harness = Harness()
        _ = harness.makeVolume("v")
        let volume = Resource.volume("v", 100)
        let destroy = harness.apply(
            .destroy, .init(volume, disk.reserved), [.destroy(VolumeUUID("v"))])
        harness.hear(.applyOperation(destroy))
        // Behind a destroy that takes long, a reservation and a create that uses it.
        let other = Resource.volume("w", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let create = harness.apply(
            .create, .init(disk.reserved, other), [.create(.example("w", other))])
        harness.hear(.applyOperation(create))
        #expect(work(harness).isEmpty)
        harness.send(.volumesChanged(destroy.uuid, failure: nil))
        #expect(harness.results.map(\.sequence) == [3, 4])
        #expect(work(harness) == [create.uuid])
        harness.send(.volumesChanged(create.uuid, failure: nil))
        #expect(harness.results.map(\.sequence) == [5])
    }

    @Test func twoCreatesOfOneIdDoNotOverlap() {
        var harness = Harness()
        let all = Resource.disk(200)
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(all, all.reserved))))
        let first = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v1", volume))])
        let second = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v2", volume))])
        harness.hear(.applyOperation(first))
        harness.hear(.applyOperation(second))
        #expect(work(harness).isEmpty)
        harness.send(.volumesChanged(first.uuid, failure: nil))
        #expect(harness.results.map(\.state) == [.finished, .failed])
        #expect(work(harness).isEmpty)
    }

    @Test func aLaunchWaitsForItsVolume() {
        var harness = Harness()
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let create = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        harness.hear(.applyOperation(create))
        harness.hear(
            .launch(
                TaskLaunch(framework: .example(), tasks: [.example("t", [.cpus(1), volume])])))
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example("free")])))
        // One that needs nothing of it does not wait.
        #expect(harness.launches.map(\.task.id.value) == ["free"])
        harness.send(.volumesChanged(create.uuid, failure: nil))
        #expect(harness.launched?.task.id.value == "t")
        #expect(
            harness.launched?.volumes == [
                VolumeMount(
                    volume: VolumeUUID("v"), containerPath: "data", isReadOnly: false)
            ])
    }

    @Test func aLaunchIsDroppedWhenItsVolumeFails() {
        var harness = Harness()
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let create = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        harness.hear(.applyOperation(create))
        let tasks = [TaskDescription.example("t", [volume]), .example("u", [volume])]
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: tasks)))
        harness.hear(.kill(Harness.framework, TaskID("u"), graceMilliseconds: nil))
        #expect(harness.sent.first?.reason == .killedDuringLaunch)
        harness.send(.volumesChanged(create.uuid, failure: "no space"))
        #expect(harness.launches.isEmpty)
        #expect(harness.sent.map(\.reason) == [.resourcesUnknown])
    }

    @Test func noTaskGetsAVolumeThatIsBeingDestroyed() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let destroy = harness.apply(
            .destroy, .init(volume, disk.reserved), [.destroy(VolumeUUID("v"))])
        harness.hear(.applyOperation(destroy))
        harness.hear(.launch(TaskLaunch(framework: .example(), tasks: [.example("t", [volume])])))
        #expect(harness.launches.isEmpty)
        harness.send(.volumesChanged(destroy.uuid, failure: nil))
        #expect(harness.launches.isEmpty)
        #expect(harness.sent.first?.reason == .resourcesUnknown)
    }

    @Test func sharedVolumesHaveSeveralHolders() {
        var harness = Harness()
        let volume = Resource.volume("v", 100, isShared: true)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let create = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        harness.hear(.applyOperation(create))
        harness.send(.volumesChanged(create.uuid, failure: nil))
        let first = harness.run(.example("a", [volume]))
        let second = harness.run(.example("b", [volume]))
        for container in [first, second] {
            harness.hear(
                .applyOperation(
                    harness.apply(
                        .destroy, .init(volume, disk.reserved), [.destroy(VolumeUUID("v"))])))
            #expect(harness.results.first?.state == .failed)
            harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        }
        let destroy = harness.apply(
            .destroy, .init(volume, disk.reserved), [.destroy(VolumeUUID("v"))])
        harness.hear(.applyOperation(destroy))
        #expect(work(harness) == [destroy.uuid])
    }

    @Test func createsNothingWhileTheDiskIsFull() {
        var harness = Harness()
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        harness.send(.storageLow(true))
        harness.hear(
            .applyOperation(
                harness.apply(
                    .create, .init(disk.reserved, volume), [.create(.example("v", volume))])))
        #expect(harness.results.first?.state == .failed)
        harness.hear(
            .applyOperation(harness.apply(.unreserve, .init(disk.reserved, disk))))
        #expect(harness.results.first?.state == .finished)
    }

    /// Done on the disk by a process that could not tell: refused now, it would lie there for ever.
    @Test func aVolumeThatIsOnTheDiskAlreadyNeedsNoSpace() {
        var harness = Harness()
        let volume = Resource.volume("v", 100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let create = harness.apply(
            .create, .init(disk.reserved, volume), [.create(.example("v", volume))])
        harness.hear(.applyOperation(create))
        harness.agent = Agent(options: harness.agent.options)
        harness.send(
            .started(
                entropy: [7],
                StartReport(
                    bootID: "boot", resources: .example, records: harness.journal,
                    volumes: [.init(VolumeUUID("v"))])))
        harness.register()
        harness.send(.storageLow(true))
        harness.hear(.applyOperation(create))
        #expect(harness.last.contains(.changeVolumes(create.uuid, create.volumeChanges)))
        harness.send(.volumesChanged(create.uuid, failure: nil))
        #expect(harness.results.first?.state == .finished)
        #expect(harness.agent.unclaimedVolumes == [])
    }
}
