import Model
import Testing

@testable import MasterCore

/// Persistent volumes by an operator's calls.
@Suite struct VolumeCallTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let volume = disk(64).volume("v")

    init() throws {
        agent = try cluster.addAgent("cpus:8;mem:8192;disk:10240;disk(db):512")
        id = try #require(agent.id)
    }

    private func operate(_ kind: OfferOperation.Kind) -> Answer? {
        cluster.operate(kind, on: id)
    }

    private func reserve(_ mebibytes: Int64, for role: String = "db") -> Answer? {
        operate(.reserve([disk(mebibytes, for: role)], source: []))
    }

    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.StaticReservation
    @Test func volumesAreMadeOnWhatTheAgentReservesItself() throws {
        let fixed = Resource.scalar("disk", 64).with(
            reservations: [Reservation(.fixed, role: "db")])
        let volume = fixed.volume("v")
        #expect(operate(.create([volume])) == .accepted)
        let scheduler = cluster.subscribe(.test())
        #expect(scheduler.offered().contains(volume))
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(operate(.unreserve([fixed]))?.refusal?.kind == .invalid)
        cluster.pass(seconds: 6)
        #expect(scheduler.offered() == agent.base)
    }

    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.DynamicReservationRoleMismatch
    @Test func whatAnotherRoleReservedMakesNoVolume() throws {
        #expect(reserve(128) == .accepted)
        let other = disk(64, for: "web").volume("v")
        #expect(operate(.create([other]))?.refusal?.kind == .conflict)
        #expect(agent.volumes.isEmpty)
    }

    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.UnreserveVolumeResources
    @Test func whatAVolumeIsMadeOfIsNotUnreserved() throws {
        #expect(reserve(64) == .accepted)
        #expect(operate(.create([volume])) == .accepted)
        #expect(operate(.unreserve([disk(64)]))?.refusal?.kind == .conflict)
        #expect(operate(.unreserve([volume]))?.refusal?.kind == .invalid)
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(operate(.unreserve([disk(64)])) == .accepted)
        #expect(agent.total == agent.base)
    }

    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.InvalidVolume
    @Test func whatIsNoVolumeIsNeitherMadeNorDestroyed() throws {
        #expect(reserve(64) == .accepted)
        let wrong = [
            disk(64), Resource.scalar("cpus", 1).reserved(for: "db").volume("v"),
            Resource.scalar("disk", 64).volume("v"), disk(64).volume(""),
            disk(64).volume("a/b"), disk(64).volume(".."),
        ]
        for piece in wrong {
            #expect(operate(.create([piece]))?.refusal?.kind == .invalid)
            #expect(operate(.destroy([piece]))?.refusal?.kind == .invalid)
        }
        #expect(agent.volumes.isEmpty)
    }

    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.VolumeExceedsReservedSize
    @Test func aVolumeIsNoLargerThanWhatIsReserved() throws {
        #expect(reserve(64) == .accepted)
        let larger = disk(65).volume("v")
        #expect(operate(.create([larger]))?.refusal?.kind == .conflict)
        #expect(operate(.create([volume])) == .accepted)
        #expect(operate(.destroy([larger]))?.refusal?.kind == .invalid)
    }

    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.OfferCreateThenEndpointRemove
    @Test func whatAFrameworkMadeAnOperatorTakesAway() throws {
        let scheduler = cluster.subscribe(.test())
        try scheduler.acceptAll([OfferOperation(.reserve([disk(64)], source: []))])
        try scheduler.acceptAll([OfferOperation(.create([volume]))])
        let offer = try #require(
            scheduler.offers.first { $0.resources.contains { $0.isPersistentVolume } })
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(scheduler.events.contains(.rescind(offer.id)))
        cluster.pass(seconds: 6)
        #expect(scheduler.offered().contains(disk(64)))
        #expect(operate(.unreserve([disk(64)])) == .accepted)
        cluster.pass(seconds: 6)
        #expect(scheduler.offered() == agent.base)
    }

    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.EndpointCreateThenOfferRemove
    @Test func whatAnOperatorMadeAFrameworkTakesAway() throws {
        #expect(reserve(64) == .accepted)
        #expect(operate(.create([volume])) == .accepted)
        let scheduler = cluster.subscribe(.test())
        #expect(scheduler.offered().contains(volume))
        try scheduler.acceptAll([OfferOperation(.destroy([volume]))])
        #expect(scheduler.offered().contains(disk(64)))
        try scheduler.acceptAll([OfferOperation(.unreserve([disk(64)]))])
        #expect(scheduler.offered() == agent.base)
    }

    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.ReserveAndSlaveRemoval
    @Test("MESOS-5698: reservations on an agent that goes do not touch those on another")
    func removalOfAnAgent() throws {
        let second = try cluster.addAgent()
        let other = try #require(second.id)
        let scheduler = cluster.subscribe(.test())
        for (agent, size) in [(id, Int64(16)), (other, 32)] {
            cluster.pass(seconds: 6)
            #expect(
                cluster.operate(.reserve([disk(size)], source: []), on: agent) == .accepted)
            cluster.pass(seconds: 6)
            let offers = scheduler.offers.filter { $0.agent == agent }.map(\.id)
            let operations = [
                OfferOperation(.reserve([.scalar("cpus", 1).reserved(for: "db")], source: [])),
                OfferOperation(.create([disk(size).volume("v")])),
            ]
            try scheduler.call(
                .accept(offers: offers, operations: operations, refuseSeconds: 0))
        }
        cluster.disconnect(agent)
        cluster.call(.markAgentGone(id))
        #expect(cluster.master.agentView(id)?.total.isEmpty == true)
        let offered = scheduler.offered()
        #expect(offered == second.total)
        #expect(offered.contains(disk(32).volume("v")))
        let kept = [disk(32).volume("v"), .scalar("cpus", 1).reserved(for: "db")]
        #expect(cluster.operate(.destroy([kept[0]]), on: other) == .accepted)
        #expect(
            cluster.operate(.unreserve([disk(32), kept[1]]), on: other) == .accepted)
        #expect(second.total == second.base)
        let standings = cluster.master.volumeRows.map(\.standing)
        #expect(standings == [.lost], "what was on the agent that is gone stays listed")
    }
}
