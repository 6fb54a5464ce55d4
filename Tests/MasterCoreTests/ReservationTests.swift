import Model
import Testing

@testable import MasterCore

/// A framework's reservations, made and given back in answer to offers.
@Suite struct ReservationTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let scheduler: FakeScheduler
    let cpus = Resource.scalar("cpus", 4).reserved(for: "db")

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        scheduler = cluster.subscribe(.test())
    }

    private func reserve(_ resource: Resource) -> OfferOperation {
        OfferOperation(.reserve([resource], source: []))
    }

    /// The conversions that the agent was sent.
    private var conversions: [ResourceConversion] {
        agent.heard.compactMap { message in
            if case .applyOperation(let operation) = message { return operation.conversion }
            return nil
        }
    }

    /// Scenario: reservation_tests ReservationTest.ReserveThenUnreserve
    @Test func whatIsReservedIsOfferedAndWhatIsGivenBackToo() throws {
        try scheduler.acceptAll([reserve(cpus)])
        let offered = scheduler.offered()
        #expect(offered.contains(cpus))
        #expect(offered.total(of: "cpus") == Amount(8))
        try scheduler.acceptAll([OfferOperation(.unreserve([cpus]))])
        #expect(scheduler.offered() == agent.base)
        #expect(agent.total == agent.base)
    }

    /// Scenario: reservation_tests ReservationTest.ReserveTwiceWithDoubleValue
    @Test func tenthsAddUpWithoutARest() throws {
        func tenths(_ count: Int64) -> Resource {
            Resource("cpus", .scalar(Amount(thousandths: count * 100))).reserved(for: "db")
        }
        try scheduler.acceptAll([reserve(tenths(1))])
        try scheduler.acceptAll([reserve(tenths(2))])
        let offered = scheduler.offered()
        #expect(offered.contains(tenths(3)))
        #expect(!offered.contains(tenths(4)))
        try scheduler.acceptAll([reserve(tenths(77))])
        #expect(scheduler.offered().contains(tenths(80)))
        try scheduler.acceptAll([OfferOperation(.unreserve([tenths(80)]))])
        #expect(agent.total == agent.base)
    }

    /// Scenario: reservation_tests ReservationTest.ReserveAndLaunchThenUnreserve
    @Test func aTaskOnWhatIsReservedGivesItBackToTheRole() throws {
        try scheduler.acceptAll([reserve(cpus), .launch(.test("t", on: id, [cpus]))])
        #expect(scheduler.updates.map(\.state) == [.running])
        #expect(!scheduler.offered().contains(cpus))
        try scheduler.end("t", on: agent)
        #expect(scheduler.offered().contains(cpus))
        try scheduler.acceptAll([OfferOperation(.unreserve([cpus]))])
        #expect(scheduler.offered() == agent.base)
    }

    /// Scenario: reservation_tests ReservationTest.ReserveShareWithinRole
    @Test func anotherFrameworkOfTheRoleGetsWhatTheFirstReserved() throws {
        try scheduler.acceptAll([reserve(cpus)])
        let stranger = cluster.subscribe(.test(roles: ["web"]))
        let other = cluster.subscribe(.test())
        cluster.pass(seconds: 0.1)
        try scheduler.call(
            .decline(offers: scheduler.offers.map(\.id), refuseSeconds: 1_000))
        cluster.pass(seconds: 0.1)
        #expect(!stranger.offered().contains(cpus))
        #expect(other.offered().contains(cpus))
    }

    /// Scenario: reservation_tests ReservationTest.DropReserveTooLarge
    @Test func moreThanTheOfferHasIsDropped() throws {
        try scheduler.acceptAll([reserve(.scalar("cpus", 9).reserved(for: "db"))])
        #expect(conversions.isEmpty)
        #expect(cluster.drops.contains(.operationInvalid))
        #expect(scheduler.offered() == agent.base)
        #expect(cluster.master.agentView(id)?.total == agent.base)
    }

    /// Scenario: reservation_tests ReservationTest.MasterFailover
    @Test func anotherMasterOffersWhatIsReserved() throws {
        try scheduler.acceptAll([reserve(cpus)])
        cluster.restartMaster()
        cluster.connect(agent)
        let back = cluster.subscribe(.test(id: try scheduler.id))
        #expect(back.offered().contains(cpus))
        #expect(back.offered() == agent.total)
    }

    /// Scenario: reservation_tests ReservationTest.WithoutAuthenticationWithoutPrincipal
    /// Scenario: reservation_tests ReservationTest.WithoutAuthenticationWithPrincipal
    @Test(arguments: [nil, "ops"])
    func nobodyHasToSayWhoTheyAre(_ principal: String?) throws {
        var description = FrameworkDescription.test(roles: ["own"])
        description.principal = principal
        try scheduler.call(.teardown)
        let framework = cluster.subscribe(description)
        let piece = Resource.scalar("cpus", 4).reserved(for: "own", principal: principal)
        try framework.acceptAll([reserve(piece)])
        #expect(framework.offered().contains(piece))
        try framework.acceptAll([OfferOperation(.unreserve([piece]))])
        #expect(framework.offered() == agent.base)
    }

    @Test func anotherPrincipalThanTheFrameworksIsRefused() throws {
        var description = FrameworkDescription.test(roles: ["own"])
        description.principal = "ops"
        try scheduler.call(.teardown)
        let framework = cluster.subscribe(description)
        for principal in [nil, "else"] {
            try framework.acceptAll([
                OfferOperation(
                    id: OperationID("op"),
                    .reserve(
                        [
                            cpus.with(reservations: []).reserved(
                                for: "own", principal: principal)
                        ], source: []))
            ])
            #expect(framework.statuses.last?.state == .error)
        }
        #expect(agent.total == agent.base)
    }

    /// Scenario: reservation_tests ReservationTest.PreventUnreservingAlienResources
    @Test func anotherRoleCanNotGiveItBack() throws {
        try scheduler.acceptAll([reserve(cpus)])
        try scheduler.call(.suppress(roles: []))
        let other = cluster.subscribe(.test(roles: ["web"]))
        try scheduler.call(.decline(offers: scheduler.offers.map(\.id), refuseSeconds: 0))
        cluster.pass(seconds: 0.1)
        #expect(!other.offers.isEmpty)
        try other.acceptAll([
            OfferOperation(id: OperationID("alien"), .unreserve([cpus]))
        ])
        #expect(other.statuses.map(\.state) == [.error])
        #expect(agent.total.contains(cpus))
        #expect(!other.offered().contains(cpus))
    }

    /// Scenario: reservation_tests ReservationCheckpointingTest.SendingCheckpointResourcesMessage
    @Test func theAgentIsSentWhatItHasToStore() throws {
        let disk = disk(512)
        try scheduler.acceptAll([reserve(cpus)])
        try scheduler.acceptAll([reserve(disk)])
        try scheduler.acceptAll([OfferOperation(.unreserve([cpus]))])
        let bare = Resources([.scalar("cpus", 4)])
        #expect(
            conversions == [
                ResourceConversion(consumed: bare, converted: Resources([cpus])),
                ResourceConversion(
                    consumed: Resources([.scalar("disk", 512)]), converted: Resources([disk])),
                ResourceConversion(consumed: Resources([cpus]), converted: bare),
            ])
        #expect(agent.total.contains(disk) && !agent.total.contains(cpus))
    }

    @Test("Label equality is a multiset's: {a, a, b} is not {a, b, b}")
    func labelsAreAMultiset() throws {
        func piece(_ names: String...) -> Resource {
            let labels = Labels(names.map { Labels.Label($0, nil) })
            return Resource.scalar("cpus", 1).with(
                reservations: [Reservation(role: "db", labels: labels)])
        }
        try scheduler.acceptAll([reserve(piece("a", "a", "b"))])
        #expect(!scheduler.offered().contains(piece("a", "b", "b")))
        try scheduler.acceptAll([
            OfferOperation(id: OperationID("op"), .unreserve([piece("a", "b", "b")]))
        ])
        #expect(scheduler.statuses.map(\.state) == [.error])
        #expect(agent.total.contains(piece("b", "a", "a")), "their order does not matter")
        try scheduler.acceptAll([OfferOperation(.unreserve([piece("a", "b", "a")]))])
        #expect(agent.total == agent.base)
    }
}
