import MachineCore
import Model
import Testing

@testable import ServiceCore

@Suite struct RemoveTests {
    /// A service whose task has ended because it was removed.
    static func ended(destroyVolumes: Bool) -> Bench {
        var bench = Bench.running()
        bench.request(.remove("db", destroyVolumes: destroyVolumes))
        bench.report(.killed)
        return bench
    }

    @Test func withItsVolumesNothingOfItStays() {
        var bench = Bench.running()
        let held = bench.held
        bench.request(.remove("db", destroyVolumes: true))
        #expect(bench.answer == .accepted("is being removed"))
        #expect(bench.actions.contains { if case .kill = $0 { true } else { false } })
        bench.report(.killed)
        bench.offer(held + Bench.free)
        #expect(bench.kinds == ["destroy", "unreserve"])
        guard case .unreserve(let back, _) = bench.steps.last else { return }
        #expect(Resources(back).total(of: "disk") == Bench.mebibytes(256))
        bench.finish(bench.operation)
        #expect(bench.service == nil)
        #expect(bench.actions.contains(.forget("db")))
    }

    @Test func withoutThemTheyStayReservedAndARedeploymentFindsThem() {
        let spec = Bench.spec(ports: [.init(name: "any")])
        var bench = Bench.running(spec)
        bench.request(.remove("db", destroyVolumes: false))
        bench.report(.killed)
        bench.offer(bench.held + Bench.free)
        #expect(bench.kinds == ["unreserve"])
        bench.finish(bench.operation)
        #expect(bench.service?.phase == .idle)
        #expect(bench.held.map(\.isPersistentVolume) == [true])
        let volume = bench.held
        #expect(bench.request(.deploy(spec)) == .accepted("is being placed"))
        bench.offer(volume + Bench.free)
        #expect(bench.kinds == ["reserve", "launch"])
        #expect(bench.held.contains { $0.name == "ports" }, "its port is chosen anew")
        #expect(volume.allSatisfy { bench.held.contains($0) })
    }

    @Test func aReleaseWhoseNewsWasLostEndsWithTheNextOffer() {
        var bench = Self.ended(destroyVolumes: true)
        bench.offer(bench.held)
        bench.wait(milliseconds: 15_000)
        bench.offer(Bench.free)
        #expect(bench.steps.isEmpty)
        #expect(bench.actions.contains(.forget("db")))
    }

    @Test func aReleaseThatFailedIsTriedAgain() {
        var bench = Self.ended(destroyVolumes: true)
        bench.offer(bench.held)
        bench.finish(bench.operation, .failed)
        bench.wait(milliseconds: 1_000)
        bench.offer(bench.held)
        #expect(bench.kinds == ["destroy", "unreserve"])
    }

    @Test func aRestartBetweenEndAndReleaseStillReleases() throws {
        let row = try #require(Self.ended(destroyVolumes: false).service?.row)
        var bench = Bench(rows: [row])
        bench.subscribe()
        bench.offer(bench.held)
        #expect(bench.kinds == ["unreserve"])
    }

    @Test func aResizeUnderWayIsRefusedByARemoval() {
        var bench = Bench.running()
        bench.request(.resize("db", volume: nil, size: Bench.mebibytes(512)))
        bench.request(.remove("db", destroyVolumes: true))
        #expect(bench.reason == "service 'db' is being removed")
    }

    @Test func whileItIsReleasedItIsNeitherDeployedNorRemoved() {
        var bench = Self.ended(destroyVolumes: false)
        bench.offer(bench.held)
        bench.request(.deploy(Bench.spec()))
        #expect(bench.reason == "service 'db' is being removed")
        bench.request(.remove("db", destroyVolumes: true))
        #expect(bench.reason == "service 'db' is being removed already")
    }

    @Test func aServiceThatIsNowhereIsForgottenAtOnce() {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(Bench.spec()))
        bench.request(.remove("db", destroyVolumes: false))
        #expect(bench.service == nil)
    }

    @Test func aServiceWhoseAgentIsGoneCanBeRemoved() {
        var bench = Bench.running()
        bench.report(.goneByOperator)
        bench.offer(Bench.free, agent: AgentID("a2"))
        #expect(bench.steps.isEmpty, "its data is not replaced by an empty volume")
        bench.request(.remove("db", destroyVolumes: true))
        #expect(bench.actions.contains(.forget("db")))
    }
}
