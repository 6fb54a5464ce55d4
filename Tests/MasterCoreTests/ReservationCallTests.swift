import Model
import Testing

@testable import MasterCore

/// Reservations by an operator's calls, of what is free and of what is offered.
@Suite struct ReservationCallTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
    }

    private func cpus(_ count: Int64, _ principal: String? = nil) -> Resource {
        Resource.scalar("cpus", count).reserved(for: "db", principal: principal)
    }

    private func reserve(_ resource: Resource) -> Answer? {
        cluster.operate(.reserve([resource], source: []), on: id)
    }

    private func unreserve(_ resource: Resource) -> Answer? {
        cluster.operate(.unreserve([resource]), on: id)
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.AvailableResources
    @Test func whatIsFreeIsReservedAndGivenBack() throws {
        #expect(reserve(cpus(4)) == .accepted)
        let scheduler = cluster.subscribe(.test())
        #expect(scheduler.offered().contains(cpus(4)))
        try scheduler.call(.decline(offers: scheduler.offers.map(\.id), refuseSeconds: 60))
        #expect(unreserve(cpus(4)) == .accepted)
        try scheduler.call(.revive(roles: []))
        #expect(scheduler.offered() == agent.base)
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.UnreserveOfferedResources
    @Test func whatIsOfferedIsGivenBack() throws {
        #expect(reserve(cpus(4)) == .accepted)
        let scheduler = cluster.subscribe(.test())
        let offer = try scheduler.offer
        #expect(offer.resources.contains(cpus(4).with(allocationRole: "db")))
        #expect(unreserve(cpus(4)) == .accepted)
        #expect(scheduler.events.contains(.rescind(offer.id)))
        cluster.pass(seconds: 6)
        #expect(scheduler.offered() == agent.base)
    }

    /// A scheduler that is offered one half of the cpus; the other half is free.
    private func halfOffered(_ piece: Resource) throws -> (FakeScheduler, Offer) {
        let scheduler = cluster.subscribe(.test())
        try scheduler.acceptAll([.launch(.test("t", on: id, [piece]))])
        cluster.pass(seconds: 0.1)
        let offer = try scheduler.offer
        try scheduler.call(.suppress(roles: []))
        try scheduler.end("t", on: agent)
        #expect(scheduler.offered().total(of: "cpus") == Amount(4))
        return (scheduler, offer)
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.ReserveAvailableAndOfferedResources
    @Test func whatIsPartlyFreeAndPartlyOfferedIsReserved() throws {
        let (scheduler, offer) = try halfOffered(.scalar("cpus", 4))
        #expect(reserve(cpus(8)) == .accepted)
        #expect(scheduler.events.contains(.rescind(offer.id)))
        #expect(agent.total.contains(cpus(8)))
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.UnreserveAvailableAndOfferedResources
    @Test func whatIsPartlyFreeAndPartlyOfferedIsGivenBack() throws {
        #expect(reserve(cpus(8)) == .accepted)
        let (scheduler, offer) = try halfOffered(cpus(4))
        #expect(unreserve(cpus(8)) == .accepted)
        #expect(scheduler.events.contains(.rescind(offer.id)))
        #expect(agent.total == agent.base)
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.LabeledResources
    @Test func labelsBelongToWhatIsReserved() throws {
        func labeled(_ count: Int64, _ value: String) -> Resource {
            let labels = Labels([Labels.Label("service", value)])
            return Resource.scalar("cpus", count).with(
                reservations: [Reservation(role: "db", labels: labels)])
        }
        #expect(reserve(labeled(2, "one")) == .accepted)
        #expect(reserve(labeled(3, "two")) == .accepted)
        let scheduler = cluster.subscribe(.test())
        let offered = scheduler.offered()
        #expect(offered.contains(labeled(2, "one")) && offered.contains(labeled(3, "two")))
        for wrong in [labeled(5, "one"), labeled(1, "three"), cpus(1)] {
            #expect(unreserve(wrong)?.refusal?.kind == .conflict)
        }
        #expect(unreserve(labeled(3, "two")) == .accepted)
        #expect(agent.total.contains(labeled(2, "one")))
        #expect(unreserve(labeled(2, "one")) == .accepted)
        #expect(agent.total == agent.base)
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.InsufficientResources
    @Test func moreThanThereIsIsAConflict() throws {
        #expect(reserve(cpus(9))?.refusal?.kind == .conflict)
        #expect(reserve(cpus(4)) == .accepted)
        #expect(unreserve(cpus(5))?.refusal?.kind == .conflict)
        #expect(unreserve(cpus(4)) == .accepted)
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.NonMatchingPrincipal
    @Test func anotherPrincipalThanTheCallersIsRefused() throws {
        for principal in [nil, "else"] {
            let answer = cluster.operate(
                .reserve([cpus(1, principal)], source: []), on: id, principal: "ops")
            #expect(answer?.refusal?.kind == .invalid)
            #expect(answer?.refusal?.message.contains("principal 'ops'") == true)
        }
        #expect(
            cluster.operate(.reserve([cpus(1, "ops")], source: []), on: id, principal: "ops")
                == .accepted)
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.ReserveAndUnreserveNoAuthentication
    @Test func withoutAuthenticationAnyPrincipalMayBeNamed() throws {
        for piece in [cpus(2), cpus(2, "anyone")] {
            #expect(reserve(piece) == .accepted)
            #expect(unreserve(piece) == .accepted)
        }
        #expect(agent.total == agent.base)
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.DifferentPrincipalsSameRole
    @Test func whatTwoPrincipalsReservedStaysApart() throws {
        #expect(reserve(cpus(1, "one")) == .accepted)
        #expect(reserve(cpus(1, "two")) == .accepted)
        let pieces = try #require(cluster.master.agentView(id)?.total)
        #expect(pieces.contains(cpus(1, "one")) && pieces.contains(cpus(1, "two")))
        #expect(unreserve(cpus(2, "one"))?.refusal?.kind == .conflict)
        #expect(unreserve(cpus(1, "one")) == .accepted)
        #expect(agent.total.contains(cpus(1, "two")))
    }
}
