import MachineCore
import Model
import Testing

@testable import AgentCore

/// What an agent has stored of reservations and volumes is there after a restart, is told to the
/// master, and has to fit what `--resources` then says.
@Suite struct CheckpointTests {
    private let cpus = Resource.cpus(2)
    private let mem = Resource.mem(2048)

    private func registration(of harness: inout Harness) -> AgentRegistration? {
        harness.send(.masterConnected)
        for case .send(.register(let registration)) in harness.last { return registration }
        return nil
    }

    private func reserving() -> Harness {
        var harness = Harness()
        for piece in [cpus, mem] {
            harness.hear(
                .applyOperation(harness.apply(.reserve, .init(piece, piece.reserved))))
        }
        return harness
    }

    /// Scenario: reservation_tests ReservationTest.ResourcesCheckpointing
    @Test func reservationsAreToldAfterARestart() throws {
        var harness = reserving()
        let total = harness.agent.state.total
        #expect(total.contains(cpus.reserved) && total.contains(mem.reserved))
        harness.restart()
        let told = try #require(registration(of: &harness))
        #expect(told.total == total)
        #expect(told.description.resources == .example)
        #expect(told.lastSequence == 2)
        #expect(told.description.id == Harness.agentID)
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.ResourcesCheckpointing
    @Test func volumesAreToldAfterARestart() throws {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        harness.restart()
        let told = try #require(registration(of: &harness))
        #expect(told.total.contains(volume))
        #expect(told.volumes.map(\.resource) == [volume])
        #expect(told.volumes.map(\.uuid) == [VolumeUUID("v")])
    }

    /// Scenario: reservation_tests ReservationTest.CompatibleCheckpointedResources
    @Test func moreOfOneAndLessOfAnotherFitWhereTheReservedIsThere() throws {
        var harness = reserving()
        let changed = Resources([.cpus(12), .mem(2048), .disk(10_000)])
        harness.restart(resources: changed)
        #expect(harness.exitText == nil)
        let told = try #require(registration(of: &harness))
        #expect(told.description.resources == changed)
        #expect(told.total.contains(cpus.reserved) && told.total.contains(mem.reserved))
        #expect(told.total.bare == changed.bare)
    }

    /// Scenario: reservation_tests ReservationTest.IncompatibleCheckpointedResources
    @Test func lessThanIsReservedEndsTheAgent() {
        for less in [
            Resources([.cpus(1), .mem(4096), .disk(10_000)]),
            Resources([.cpus(4), .mem(2047), .disk(10_000)]),
        ] {
            var harness = reserving()
            let journal = harness.journal
            harness.restart(resources: less)
            #expect(harness.exitText?.contains("--resources no longer has") == true)
            #expect(registration(of: &harness) == nil)
            #expect(harness.journal == journal, "what is stored stays as it was")
        }
    }

    @Test(arguments: ReconfigurationPolicy.allCases)
    func resourcesChangeAsThePolicyAllows(_ policy: ReconfigurationPolicy) {
        let same = Resources.example
        let more = same.adding(Resources([.cpus(1), .scalar("licences", 3)]))
        let less = Resources([.cpus(4), .mem(4096), .disk(9_000)])
        let otherType = less.adding(Resources([Resource("ports", .scalar(Amount(thousandths: 1)))]))
        let allowed: [Resources] =
            switch policy {
            case .equal: [same]
            case .additive: [same, more]
            case .compatible: [same, more, less, otherType]
            }
        for resources in [same, more, less, otherType] {
            var options = AgentOptions.example
            options.reconfigurationPolicy = policy
            var harness = Harness(options: options)
            let volume = harness.makeVolume("v")
            let journal = harness.journal
            harness.restart(resources: resources)
            guard !allowed.contains(resources) else {
                #expect(harness.exitText == nil)
                #expect(harness.agent.state.total.contains(volume))
                continue
            }
            #expect(harness.exitText?.contains("--reconfiguration-policy=\(policy)") == true)
            #expect(harness.journal == journal)
            // With what it had before, it starts again.
            harness.restart(resources: same)
            #expect(harness.exitText == nil)
        }
    }

    /// The end of an operation is for a master that has not heard of it, too.
    @Test func endsThatNobodyAcknowledgedAreToldWhole() throws {
        var harness = Harness()
        var operation = harness.apply(.reserve, .init(cpus, cpus.reserved))
        operation.framework = Harness.framework
        operation.id = OperationID("op")
        let own = harness.apply(.reserve, .init(mem, mem.reserved))
        for each in [operation, own] { harness.hear(.applyOperation(each)) }
        for _ in 0..<2 {
            harness.restart()
            let told = try #require(registration(of: &harness))
            #expect(told.results.map(\.uuid) == [operation.uuid, own.uuid])
            #expect(told.operations == [operation, own])
            let views = harness.agent.operationViews()
            #expect(views.map(\.operation) == [operation, own])
            #expect(views.map(\.state) == [.finished, .finished])
        }
        harness.hear(.registered(Harness.agentID, pingTimeoutMilliseconds: 0))
        harness.hear(.acknowledgeResult(operation.uuid))
        harness.restart()
        let told = try #require(registration(of: &harness))
        #expect(told.results.map(\.uuid) == [own.uuid])
        #expect(told.operations == [own])
    }

    @Test("A failing DESTROY leaves the volume and the agent as they were")
    func failingDestroy() throws {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        let before = harness.agent.state.total
        let bare = volume.with(disk: nil)
        for _ in 0..<2 {
            let destroy = harness.apply(
                .destroy, .init(volume, bare), [.destroy(VolumeUUID("v"))])
            harness.hear(.applyOperation(destroy))
            harness.send(.volumesChanged(destroy.uuid, failure: "Device or resource busy"))
            #expect(harness.results.map(\.state) == [.failed])
            #expect(harness.results.first?.message == "Device or resource busy")
            #expect(harness.exitText == nil)
            #expect(harness.agent.state.total == before)
            // Nor does it end at its next start.
            harness.restart()
            #expect(harness.exitText == nil)
            harness.register()
        }
        let container = harness.run(.example("t", [volume]))
        #expect(harness.entry("t")?.state == .running)
        harness.send(.containerEnded(container, ContainerEnd(waitStatus: 0)))
        let destroy = harness.apply(.destroy, .init(volume, bare), [.destroy(VolumeUUID("v"))])
        harness.hear(.applyOperation(destroy))
        harness.send(.volumesChanged(destroy.uuid, failure: nil))
        #expect(harness.results.map(\.state) == [.finished])
        #expect(harness.agent.state.volumes.isEmpty)
    }
}
