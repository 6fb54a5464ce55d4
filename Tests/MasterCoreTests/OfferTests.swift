import MachineCore
import Model
import Testing

@testable import MasterCore

@Suite struct OfferTests {
    let cluster = Cluster()

    @Test func subscribedThenHeartbeatThenOffers() throws {
        let agent = try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        let clusterID = try #require(cluster.master.ledger.clusterID)
        #expect(try scheduler.id == FrameworkID("\(clusterID)-0000"))
        #expect(agent.id == AgentID("\(clusterID)-S0"))
        guard case .subscribed(_, 15_000) = scheduler.events[0] else {
            Issue.record("no SUBSCRIBED: \(scheduler.events)")
            return
        }
        #expect(scheduler.events[1] == .heartbeat)
        let offer = try scheduler.offer
        #expect(offer.id.value.hasPrefix("\(clusterID)-O"))
        #expect(offer.role == "db")
        #expect(offer.resources == agent.total.allocated(to: "db"))
    }

    @Test func heartbeatsGoOnWhileSubscribed() throws {
        let scheduler = cluster.subscribe(.test())
        cluster.pass(seconds: 46)
        #expect(scheduler.events.filter { $0 == .heartbeat }.count == 4)
        scheduler.close()
        cluster.pass(seconds: 60)
        #expect(scheduler.events.filter { $0 == .heartbeat }.count == 4)
    }

    @Test func declineWithoutFilterOffersAgainAtOnce() throws {
        try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        let first = try scheduler.offer.id
        #expect(try scheduler.call(.decline(offers: [first], refuseSeconds: 0)) == .accepted)
        cluster.pass(seconds: 0.02)
        #expect(try scheduler.offer.id != first)
    }

    @Test(arguments: [(nil, 5.0), (-1.0, 5.0), (Double.nan, 5.0), (60.0, 60.0)])
    func declineFilters(refused: Double?, seconds: Double) throws {
        try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        try scheduler.call(.decline(offers: [try scheduler.offer.id], refuseSeconds: refused))
        cluster.pass(seconds: seconds - 0.1)
        #expect(scheduler.offers.isEmpty)
        cluster.pass(seconds: 0.2)
        #expect(scheduler.offers.count == 1)
    }

    @Test func reviveClearsFilters() throws {
        try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        try scheduler.call(.decline(offers: [try scheduler.offer.id], refuseSeconds: 1000))
        #expect(scheduler.offers.isEmpty)
        try scheduler.call(.revive(roles: []))
        #expect(scheduler.offers.count == 1)
    }

    @Test func suppressedRolesGetNothingUntilRevived() throws {
        try cluster.addAgent()
        let scheduler = cluster.subscribe(.test(roles: ["db", "web"]), suppressed: ["db", "web"])
        #expect(scheduler.offers.isEmpty)
        try scheduler.call(.revive(roles: ["nobody"]))
        #expect(scheduler.offers.isEmpty)
        try scheduler.call(.revive(roles: ["web"]))
        #expect(scheduler.offers.map(\.role) == ["web"])
        #expect(cluster.master.framework(try scheduler.id)?.suppressedRoles == ["db"])
        try scheduler.call(.suppress(roles: []))
        #expect(cluster.master.framework(try scheduler.id)?.suppressedRoles == ["db", "web"])
    }

    @Test func offerTimeoutRescinds() throws {
        var options = MasterOptions()
        options.offerTimeoutMilliseconds = 1_000
        let cluster = Cluster(options: options)
        try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        let first = try scheduler.offer.id
        cluster.pass(seconds: 1.5)
        #expect(scheduler.events.contains(.rescind(first)))
        #expect(try scheduler.offer.id != first)
    }

    @Test func agentDisconnectionRescindsItsOffers() throws {
        let agent = try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        let offer = try scheduler.offer.id
        cluster.disconnect(agent)
        #expect(scheduler.events.last == .rescind(offer))
        cluster.connect(agent)
        #expect(scheduler.offers.count == 1)
    }

    @Test func invalidOfferDropsTasksAndFailsOperationsWithId() throws {
        let agent = try #require(try cluster.addAgent().id)
        let scheduler = cluster.subscribe(.test())
        let held = try scheduler.offer.id
        try scheduler.call(
            .accept(
                offers: [held, OfferID("nope-O1")],
                operations: [
                    OfferOperation(id: OperationID("op-inv"), .reserve([disk(1)], source: [])),
                    .launch(.test("t-inv", on: agent)),
                ], refuseSeconds: nil))
        let status = try #require(scheduler.statuses.last)
        #expect(status.state == .error)
        #expect(status.uuid == nil && status.agent == nil)
        #expect(
            status.message
                == "Operation attempted with invalid offers: Offer nope-O1 is no longer valid")
        let update = try #require(scheduler.updates.last)
        #expect(update.state == .dropped)
        #expect(update.reason == .invalidOffers)
        #expect(
            update.message
                == "Task launched with invalid offers: Offer nope-O1 is no longer valid")
        #expect(!scheduler.offers.contains { $0.id == held })
        #expect(try scheduler.offer.resources.total(of: "cpus") == Amount(8))
    }

    @Test func frameworksWithoutPartitionsHearTaskLost() throws {
        let agent = try #require(try cluster.addAgent().id)
        let scheduler = cluster.subscribe(.test(capabilities: .multiRole))
        try scheduler.call(
            .accept(
                offers: [OfferID("nope")], operations: [.launch(.test("t", on: agent))],
                refuseSeconds: nil))
        #expect(scheduler.updates.last?.state == .lost)
    }

    @Test func offersOfOneAgentAreAcceptedTogether() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        #expect(cluster.operate(.reserve([disk(100)], source: []), on: id) == .accepted)
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([.launch(.test("one", on: id, [.scalar("cpus", 1)]))])
        let first = try scheduler.offer
        _ = agent.end(TaskKey(try scheduler.id, TaskID("one")), .finished)
            .map { cluster.say(agent, $0) }
        let offers = scheduler.offers.map(\.id)
        #expect(offers.count == 2)
        #expect(offers.contains(first.id))
        try scheduler.call(
            .accept(
                offers: offers,
                operations: [.launch(.test("all", on: id, [.scalar("cpus", 8)]))],
                refuseSeconds: 0))
        #expect(scheduler.updates.last?.state == .running)
        #expect(scheduler.updates.last?.task == TaskID("all"))
    }

    @Test func offersOfSeveralAgentsCannotBeAcceptedTogether() throws {
        try cluster.addAgent()
        let second = try #require(try cluster.addAgent().id)
        let scheduler = cluster.subscribe(.test())
        #expect(scheduler.offers.count == 2)
        try scheduler.call(
            .accept(
                offers: scheduler.offers.map(\.id),
                operations: [.launch(.test("t", on: second))], refuseSeconds: 0))
        let message = try #require(scheduler.updates.last?.message)
        #expect(message.contains("Aggregated offers must belong to one single agent"))
    }
}
