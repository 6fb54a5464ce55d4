import MachineCore
import Model
import Testing

@testable import ServiceCore

@Suite struct ServicePlacementTests {
    @Test func oneAcceptReservesCreatesAndLaunches() throws {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(Bench.spec()))
        bench.offer(Bench.free)
        #expect(bench.kinds == ["reserve", "create", "launch"])
        guard case .create(let volumes) = bench.steps[1] else { return }
        #expect(volumes.map(\.amount) == [Bench.mebibytes(256)])
        #expect(volumes.first?.reservations.last?.principal == "holdfast")
        guard case .launch(_, _, let agent, let resources) = bench.steps[2] else { return }
        #expect(agent == Bench.agent)
        #expect(resources.allSatisfy { $0.reservations.last?.role == Bench.role })
        #expect(resources.filter(\.isPersistentVolume).count == 1)
    }

    @Test func theRowIsStoredBeforeTheAcceptLeaves() {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(Bench.spec()))
        bench.offer(Bench.free)
        let store = bench.actions.firstIndex { if case .store = $0 { true } else { false } }
        let accept = bench.actions.firstIndex { if case .accept = $0 { true } else { false } }
        #expect(store != nil && accept != nil)
        #expect((store ?? 9) < (accept ?? 0))
    }

    @Test func anOfferThatIsTooSmallIsDeclined() {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(Bench.spec(size: Bench.mebibytes(2048))))
        bench.offer(Bench.free)
        #expect(bench.steps.isEmpty)
        #expect(bench.actions.contains { if case .decline = $0 { true } else { false } })
        #expect(bench.service?.phase == .waiting)
    }

    @Test func portsAreTakenFromTheOfferAndFixedOnesMustBeInIt() {
        let ports = [ServiceSpec.Port(name: "any"), .init(name: "sql", number: 31_000)]
        let bench = Bench.running(Bench.spec(ports: ports))
        let taken = bench.held.first { $0.name == "ports" }
        #expect(taken?.value == .ranges(Ranges(31_000...31_001)))
        var other = Bench()
        other.subscribe()
        other.request(.deploy(Bench.spec(ports: [.init(name: "sql", number: 80)])))
        other.offer(Bench.free)
        #expect(other.steps.isEmpty)
    }

    @Test func twoServicesShareAnOfferOnlyAsFarAsItGoes() {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(Bench.spec(size: Bench.mebibytes(600))))
        bench.request(.deploy(Bench.spec(name: "second", size: Bench.mebibytes(600))))
        bench.offer(Bench.free)
        #expect(bench.kinds == ["reserve", "create", "launch"])
        #expect(bench.scheduler.service(named: "second")?.phase == .waiting)
    }

    @Test func offersAreSuppressedWhileNothingWaits() {
        var bench = Bench()
        bench.subscribe()
        #expect(bench.actions.contains(.suppress([Bench.role])))
        bench.request(.deploy(Bench.spec()))
        #expect(bench.actions.contains(.revive([Bench.role])))
        bench.offer(Bench.free)
        #expect(bench.actions.contains(.suppress([Bench.role])))
        bench.report(.running)
        #expect(!bench.actions.contains { if case .suppress = $0 { true } else { false } })
        bench.report(.failed)
        #expect(!bench.actions.contains(.revive([Bench.role])), "it waits for its back-off")
        bench.wait(milliseconds: 30_000)
        #expect(bench.actions.contains(.revive([Bench.role])))
    }
}
