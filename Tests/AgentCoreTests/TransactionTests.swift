import MachineCore
import Model
import Testing

@testable import AgentCore

/// A transaction is one operation with one end, whatever dies in the middle of it.
@Suite struct TransactionTests {
    private let old = Resource.volume("old", 100)
    private let new = Resource.volume("new", 50)

    /// Gives the volume `old` up and makes `new` of a part of its disk.
    private func exchange(_ harness: inout Harness) -> AgentOperation {
        transaction(
            &harness, ResourceConversion(old, to: [new, Resource.disk(50).reserved]),
            [.create(.example("new", new)), .destroy(VolumeUUID("old"))])
    }

    private func transaction(
        _ harness: inout Harness, _ conversion: ResourceConversion, _ changes: [VolumeChange]
    ) -> AgentOperation {
        var operation = harness.apply(.transact, conversion, changes)
        operation.steps = [
            TransactionStep(uuid: OperationUUID("step"), type: .create, conversion: conversion)
        ]
        return operation
    }

    private func withOld() -> Harness {
        var harness = Harness()
        _ = harness.makeVolume("old")
        return harness
    }

    @Test func whatCannotBeTakenBackIsDoneAfterTheEndIsStored() throws {
        var harness = withOld()
        let operation = exchange(&harness)
        harness.hear(.applyOperation(operation))
        #expect(
            harness.last == [
                .store(.transactionBegun(operation)),
                .changeVolumes(operation.uuid, [.create(.example("new", new))]),
            ])
        #expect(harness.agent.state.volumes[VolumeUUID("old")] != nil)
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        #expect(harness.results.map(\.state) == [.finished])
        let end = harness.last.firstIndex { $0.isRecord }
        let discard = harness.last.firstIndex(
            of: .changeVolumes(operation.uuid, [.destroy(VolumeUUID("old"))]))
        #expect(try #require(end) < #require(discard))
        #expect(harness.agent.state.volumes.keys.sorted() == [VolumeUUID("new")])
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        #expect(harness.last == [.store(.volumesDiscarded(operation.uuid))])
        #expect(try harness.replayed() == harness.agent.state)
    }

    @Test func aFailureLeavesTheBooksAsTheyWere() throws {
        var harness = withOld()
        let before = harness.agent.state.total
        let operation = exchange(&harness)
        harness.hear(.applyOperation(operation))
        harness.send(.volumesChanged(operation.uuid, failure: "no space"))
        #expect(harness.results.map(\.message) == ["no space"])
        #expect(harness.agent.state.total == before)
        #expect(harness.agent.state.volumes.keys.sorted() == [VolumeUUID("old")])
        // Whatever the disk still has of it goes.
        #expect(
            harness.last.contains(.changeVolumes(operation.uuid, [.destroy(VolumeUUID("new"))])))
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        #expect(harness.agent.state.doomed.isEmpty)
        #expect(try harness.replayed() == harness.agent.state)
    }

    @Test func aCrashInTheMiddleIsGoneOnWithWithoutTheMaster() throws {
        var harness = withOld()
        let operation = exchange(&harness)
        harness.hear(.applyOperation(operation))
        harness.restart()
        let work = Agent.Action.changeVolumes(
            operation.uuid, [.create(.example("new", new))])
        #expect(harness.last.contains(work))
        #expect(!harness.last.contains(.store(.transactionBegun(operation))))
        // The master that asks for it again hears nothing new.
        harness.register()
        harness.hear(.applyOperation(operation))
        #expect(harness.drops == [.operationRepeated])
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        #expect(harness.results.map(\.state) == [.finished])
    }

    @Test func aCrashAfterTheEndStillGivesTheVolumesUp() throws {
        var harness = withOld()
        let operation = exchange(&harness)
        harness.hear(.applyOperation(operation))
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        // Also through a snapshot.
        var state = AgentState()
        for record in harness.agent.state.snapshot() { try state.apply(record) }
        #expect(state == harness.agent.state)
        harness.restart()
        let discard = Agent.Action.changeVolumes(
            operation.uuid, [.destroy(VolumeUUID("old"))])
        #expect(harness.last.contains(discard))
        #expect(harness.agent.unclaimedVolumes.isEmpty)
        // What fails is tried again.
        harness.send(.volumesChanged(operation.uuid, failure: "the disk is broken"))
        harness.wait(.seconds(11))
        #expect(harness.last.contains(discard))
    }

    @Test func itWaitsForItsTurnAndHoldsBackNewWorkWhileVolumesAreRetired() {
        var harness = withOld()
        let disk = Resource.disk(60)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let first = harness.apply(
            .create, .init(Resource.disk(20).reserved, .volume("a", 20)),
            [.create(.example("a", .volume("a", 20)))])
        let second = exchange(&harness)
        let third = harness.apply(
            .create, .init(Resource.disk(20).reserved, .volume("b", 20)),
            [.create(.example("b", .volume("b", 20)))])
        harness.hear(.applyOperation(first))
        harness.hear(.applyOperation(second))
        #expect(harness.last.isEmpty)
        harness.send(.volumesChanged(first.uuid, failure: nil))
        harness.send(.volumesChanged(second.uuid, failure: nil))
        harness.hear(.applyOperation(third))
        #expect(harness.last.isEmpty)
        harness.send(.volumesChanged(second.uuid, failure: nil))
        #expect(harness.last.contains(.changeVolumes(third.uuid, third.volumeChanges)))
    }

    @Test func growthIsTakenBackWhereTheBooksChangedOverARestart() throws {
        var harness = withOld()
        let more = Resource.disk(50)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(more, more.reserved))))
        let grown = Resource.volume("old", 150)
        let operation = transaction(
            &harness,
            ResourceConversion(
                old, more.reserved, .cpus(4), to: [grown, Resource.cpus(4).reserved]),
            [.resize(VolumeUUID("old"), to: grown.amount)])
        harness.hear(.applyOperation(operation))
        #expect(harness.last.contains(.store(.transactionBegun(operation))))
        let fewer = Resources([
            .cpus(3), .mem(4096), .disk(10_000), Resource("ports", .ranges(Ranges(31000...32000))),
        ])
        harness.agent = Agent(
            options: {
                var options = AgentOptions.example
                options.reconfigurationPolicy = .compatible
                return options
            }())
        harness.send(
            .started(
                entropy: [9],
                StartReport(
                    bootID: "boot", resources: fewer, records: harness.journal,
                    volumes: [.init(VolumeUUID("old"))])))
        #expect(
            harness.last.contains(
                .changeVolumes(operation.uuid, [.resize(VolumeUUID("old"), to: old.amount)])))
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        #expect(harness.agent.state.results[operation.uuid]?.result.state == .failed)
        #expect(harness.agent.state.volumes[VolumeUUID("old")]?.resource == old)
    }

    @Test func aJournalWithABeginningOutOfTurnIsRefused() {
        var state = AgentState()
        let operation = AgentOperation(
            uuid: OperationUUID("x"), sequence: 7, type: .transact, conversion: .nothing)
        #expect(throws: Refusal.self) { try state.apply(.transactionBegun(operation)) }
    }
}
