import MachineCore
import Model
import Testing

@testable import MasterCore

/// The operator API's event stream: what is told, when, and to whom. That the events together are
/// the inventory, over random histories with crashes, is the simulator's to show (InventoryMirror).
@Suite struct SubscriberTests {
    private func subscribe(
        _ cluster: Cluster, _ wish: Inventories = [.volumes, .reservations]
    ) -> SubscriberID {
        let id = SubscriberID(cluster.number())
        cluster.handle(.operatorSubscribed(id, wish))
        return id
    }

    /// What the events are, in short.
    private func take(_ cluster: Cluster) -> [String] {
        defer { cluster.published = [] }
        return cluster.published.map { event in
            switch event {
            case .heartbeat: "heartbeat"
            case .usageAlarm(_, let alarm): "alarm \(alarm.kind)"
            case .taskAdded(let task): "task added \(task.state.rawValue)"
            case .taskUpdated(let update, let state):
                "task \(update.state.rawValue)"
                    + (state == update.state ? "" : " by now \(state.rawValue)")
            case .framework(let change, let listing):
                "framework \(change) \(listing.isConnected ? "connected" : "disconnected")"
            case .agentAdded: "agent added"
            case .agentRemoved: "agent removed"
            case .volume(let change, let listing):
                "volume \(change) \(listing.row.standing.rawValue)"
                    + " \(listing.row.volume.resource.amount.text)"
                    + (listing.row.lastUse.map { $0.untilNanoseconds == nil ? " used" : " idle" }
                        ?? "")
                    + (listing.agentState.map { ", agent \($0)" } ?? "")
            case .reservation(let change, let listing):
                "reservation \(change) "
                    + (listing.resources.isEmpty
                        ? "nothing" : listing.resources.total(of: "disk").text)
                    + (listing.agentState.map { ", agent \($0)" } ?? "")
            }
        }
    }

    @Test func aVolumesLifeIsToldAfterItsRecords() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        _ = subscribe(cluster)
        #expect(cluster.published.isEmpty, "told what SUBSCRIBED tells")
        cluster.operate(.reserve([disk(100)], source: []), on: id)
        #expect(take(cluster) == ["reservation added 100"])
        let isLast = cluster.lastActions.last.map {
            if case .publish = $0 { true } else { false }
        }
        #expect(isLast == true, "\(cluster.lastActions)")

        cluster.operate(.create([disk(60).volume("v")]), on: id)
        #expect(take(cluster) == ["reservation updated 100", "volume added active 60"])
        cluster.operate(.grow(volume: disk(60).volume("v"), addition: disk(10)), on: id)
        #expect(take(cluster) == ["reservation updated 100", "volume updated active 70"])
        cluster.operate(
            .shrink(volume: disk(70).volume("v"), subtract: Amount(thousandths: 50_000)), on: id)
        #expect(take(cluster) == ["reservation updated 100", "volume updated active 20"])

        cluster.disconnect(agent)
        #expect(
            take(cluster) == [
                "reservation updated 100, agent disconnected",
                "volume updated active 20, agent disconnected",
            ])
        let volumes = agent.volumes
        agent.volumes = []
        cluster.connect(agent)
        #expect(take(cluster) == ["reservation updated 100", "volume updated lost 20"])
        agent.volumes = volumes
        cluster.disconnect(agent)
        _ = take(cluster)
        cluster.connect(agent)
        #expect(take(cluster) == ["reservation updated 100", "volume updated active 20"])

        cluster.operate(.destroy([disk(20).volume("v")]), on: id)
        #expect(take(cluster) == ["reservation updated 100", "volume removed active 20"])
        cluster.operate(.unreserve([disk(100)]), on: id)
        #expect(take(cluster) == ["reservation removed nothing"])
    }

    /// Scenario: api_tests MasterAPITest.Subscribe
    @Test func aTasksLifeIsTold() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        _ = subscribe(cluster, [])
        let scheduler = cluster.subscribe(.test(roles: ["db"], failoverSeconds: 0))
        let offer = try #require(scheduler.offers.first)
        #expect(take(cluster) == ["framework added connected"])
        let parts = [disk(50), disk(50).volume("v")]
        try scheduler.call(
            .accept(
                offers: [offer.id],
                operations: [
                    OfferOperation(.reserve([parts[0]], source: [])),
                    OfferOperation(.create([parts[1]])),
                    OfferOperation(.launch([.test("t", on: id, [.scalar("cpus", 1), parts[1]])])),
                ], refuseSeconds: 1))
        let told = take(cluster)
        #expect(told.first == "task added TASK_STAGING")
        #expect(told.last == "task TASK_RUNNING", "\(told)")
        #expect(!told.contains { $0.hasPrefix("volume") || $0.hasPrefix("reservation") })
        for key in agent.tasks.keys.sorted() {
            for message in agent.end(key, .failed) { cluster.say(agent, message) }
        }
        #expect(take(cluster) == ["task TASK_FAILED"])
        scheduler.close()
        // Its failover timeout is zero.
        #expect(take(cluster) == ["framework removed connected"])
        cluster.call(.markAgentGone(id))
        #expect(take(cluster) == ["agent removed"])
        cluster.pass(seconds: 16)
        #expect(take(cluster).contains("heartbeat"))
    }

    /// Scenario: api_tests MasterAPITest.SubscribeAgentEvents
    @Test func anAgentThatComesBackIsAddedAndWhatItBringsIsToo() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        cluster.operate(.reserve([disk(100)], source: []), on: id)
        cluster.operate(.create([disk(60).volume("v")]), on: id)
        cluster.restartMaster()
        _ = subscribe(cluster)
        #expect(cluster.published.isEmpty)
        cluster.connect(agent)
        #expect(
            take(cluster) == [
                "agent added", "reservation updated 100", "volume updated active 60",
            ])
        cluster.disconnect(agent)
        _ = take(cluster)
        cluster.pass(seconds: 80)
        let told = take(cluster).filter { $0 != "heartbeat" }
        #expect(
            told == [
                "reservation updated 100, agent unreachable",
                "volume updated active 60, agent unreachable", "agent removed",
            ])
    }

    @Test func whoWantsNoInventoryCostsNone() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        cluster.operate(.reserve([disk(100)], source: []), on: id)
        #expect(cluster.published.isEmpty && cluster.master.subscribers == nil)
        let plain = subscribe(cluster, [])
        cluster.operate(.create([disk(60).volume("v")]), on: id)
        #expect(cluster.published.isEmpty)
        let curious = subscribe(cluster, .volumes)
        cluster.operate(.destroy([disk(60).volume("v")]), on: id)
        #expect(take(cluster) == ["volume removed active 60"])
        cluster.handle(.operatorUnsubscribed(curious))
        cluster.operate(.create([disk(60).volume("v")]), on: id)
        #expect(cluster.published.isEmpty)
        cluster.handle(.operatorUnsubscribed(plain))
        #expect(cluster.master.subscribers == nil)
        cluster.pass(seconds: 60)
        #expect(cluster.published.isEmpty)
    }

    /// Scenario: api_tests MasterAPITest.MaxEventStreamSubscribers
    @Test func theOldestGoesWhenThereAreTooMany() throws {
        var options = MasterOptions()
        options.subscribersAtMost = 2
        let cluster = Cluster(options: options)
        let ids = (0..<3).map { _ in subscribe(cluster) }
        #expect(cluster.closedSubscribers == [ids[0]])
        #expect(ids.map(cluster.master.isSubscribed) == [false, true, true])
    }
}
