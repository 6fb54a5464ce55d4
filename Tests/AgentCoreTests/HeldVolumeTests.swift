import MachineCore
import Model
import Testing

@testable import AgentCore

/// A volume grows while a task holds it.
@Suite struct HeldVolumeTests {
    private let uuid = VolumeUUID("v")
    private let grown = Resource.volume("v", 150)

    /// A task `t` on a volume of 100 MiB, and 50 MiB more that are reserved.
    private func running() -> (Harness, ContainerID) {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let more = Resource.disk(50)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(more, more.reserved))))
        let container = harness.run(.example("t", [.cpus(1), volume]))
        report(&harness, growsWhileMounted: true)
        return (harness, container)
    }

    private func report(_ harness: inout Harness, growsWhileMounted: Bool) {
        harness.send(
            .volumeReported([
                VolumeReport(
                    uuid: uuid, backend: "loop", enforcement: .kernel,
                    growsWhileMounted: growsWhileMounted)
            ]))
    }

    private func growth(_ harness: inout Harness) -> AgentOperation {
        harness.apply(
            .grow, .init(.volume("v", 100), Resource.disk(50).reserved, to: [grown]),
            [.resize(uuid, to: grown.amount)])
    }

    private func held(_ harness: Harness) -> Resource? {
        harness.entry("t")?.row.task.resources.first(where: \.isPersistentVolume)
    }

    @Test func theTasksShareGrowsWithTheBooks() throws {
        var (harness, container) = running()
        let operation = growth(&harness)
        harness.hear(.applyOperation(operation))
        #expect(harness.last == [.changeVolumes(operation.uuid, operation.volumeChanges)])
        #expect(held(harness)?.amount == Resource.volume("v", 100).amount)
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        #expect(harness.results.first?.state == .finished)
        #expect(held(harness) == grown.allocated)
        #expect(harness.agent.state.used.contains(grown))
        #expect(harness.agent.state.volumes[uuid]?.resource == grown)
        // One record says all of it.
        #expect(try harness.replayed() == harness.agent.state)
        let snapshot = harness.agent.state.snapshot()
        var state = AgentState()
        for record in snapshot { try state.apply(record) }
        #expect(state == harness.agent.state)
        let task = try #require(harness.agent.registration().tasks.first?.task)
        #expect(task.resources.contains(grown.allocated))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        #expect(harness.agent.state.used.isEmpty)
    }

    @Test func aBackendThatCannotIsNotAsked() {
        var (harness, _) = running()
        report(&harness, growsWhileMounted: false)
        harness.hear(.applyOperation(growth(&harness)))
        #expect(harness.results.first?.state == .failed)
        #expect(
            harness.results.first?.message?.hasSuffix(
                "is in use and does not grow while mounted") == true)
        #expect(held(harness)?.amount == Resource.volume("v", 100).amount)
    }

    @Test func aDiskThatRefusesLeavesTheTaskAsItWas() {
        var (harness, _) = running()
        let before = harness.agent.state.total
        let operation = growth(&harness)
        harness.hear(.applyOperation(operation))
        harness.send(.volumesChanged(operation.uuid, failure: "no space"))
        #expect(harness.results.first?.message == "no space")
        #expect(harness.agent.state.total == before)
        #expect(held(harness)?.amount == Resource.volume("v", 100).amount)
    }

    /// kill -9 of the agent while the disk works: the operation comes again.
    @Test func anAgentThatDiesInBetweenFinishesIt() {
        var (harness, container) = running()
        harness.acknowledgeAll("t")
        let operation = growth(&harness)
        harness.hear(.applyOperation(operation))
        harness.restart([.init(container, .running(status: Payload([1])))])
        harness.register()
        #expect(held(harness)?.amount == Resource.volume("v", 100).amount)
        harness.hear(.applyOperation(operation))
        // No report has come yet: the backend itself will say whether it can.
        #expect(harness.last == [.changeVolumes(operation.uuid, operation.volumeChanges)])
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        #expect(held(harness) == grown.allocated)
        harness.restart([.init(container, .running(status: Payload([1])))])
        #expect(held(harness) == grown.allocated)
    }

    @Test func aTaskThatEndsMeanwhileLeavesTheLargerVolume() {
        var (harness, container) = running()
        let operation = growth(&harness)
        harness.hear(.applyOperation(operation))
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        #expect(harness.agent.state.total.contains(grown))
        #expect(harness.agent.state.used.isEmpty)
    }

    /// The launch was sent before the growth, so it has the volume first.
    @Test func aLaunchInFrontThatWaitsIsNotOvertaken() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let more = Resource.disk(50)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(more, more.reserved))))
        let other = Resource.volume("w", 100)
        let disk = Resource.disk(100)
        harness.hear(.applyOperation(harness.apply(.reserve, .init(disk, disk.reserved))))
        let create = harness.apply(
            .create, .init(disk.reserved, other), [.create(.example("w", other))])
        harness.hear(.applyOperation(create))
        harness.hear(
            .launch(
                TaskLaunch(
                    framework: .example(), tasks: [.example("t", [.cpus(1), volume, other])])))
        #expect(harness.launched == nil)
        let operation = growth(&harness)
        harness.hear(.applyOperation(operation))
        #expect(harness.last.isEmpty)
        harness.send(.volumesChanged(create.uuid, failure: nil))
        #expect(harness.launched != nil)
        #expect(
            harness.last.contains(.changeVolumes(operation.uuid, operation.volumeChanges)))
        harness.send(.volumesChanged(operation.uuid, failure: nil))
        #expect(harness.results.first?.state == .finished)
        #expect(held(harness) == grown.allocated)
    }

    @Test func shrinkingStaysRefused() {
        var (harness, _) = running()
        harness.hear(
            .applyOperation(
                harness.apply(
                    .shrink,
                    .init(.volume("v", 100), to: [.volume("v", 60), Resource.disk(40).reserved]),
                    [.resize(uuid, to: Resource.disk(60).amount)])))
        #expect(harness.results.first?.state == .failed)
        #expect(harness.results.first?.message?.hasSuffix("is in use") == true)
    }
}
