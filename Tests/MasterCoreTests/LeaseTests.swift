import MachineCore
import Model
import Testing

@testable import MasterCore

/// Leases of reservations: what runs out goes back to the pool, and never early.
@Suite struct LeaseTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID

    init() throws {
        agent = try cluster.addAgent("cpus:8;mem:8192;disk:10240;disk(fixed):100")
        id = try #require(agent.id)
    }

    private func cpus(_ count: Int64, _ role: String = "db") -> Resource {
        Resource.scalar("cpus", count).reserved(for: role)
    }

    private func reserve(_ resources: [Resource], seconds: Int64?) -> Answer? {
        cluster.call(
            .apply(
                .reserve(resources, source: []), agent: id,
                leaseMilliseconds: seconds.map { $0 * 1000 }))
    }

    private func row(_ role: String = "db") -> ReservationRow? {
        cluster.master.reservationViews.first { $0.row.stack.last?.role == role }?.row
    }

    private func renew(_ change: LeaseRenewal.Change, _ role: String = "db") throws -> Answer? {
        let uuid = try #require(row(role)?.uuid)
        return cluster.call(.renewLeases(LeaseRenewal(reservations: [uuid], change)))
    }

    private func left(_ role: String = "db") -> Double? {
        row(role).flatMap { cluster.master.leaseView(of: $0, at: cluster.now)?.left.seconds }
    }

    private var trail: [AuditEntry] {
        cluster.records.compactMap { record in
            if case .audited(let entry) = record { return entry }
            return nil
        }
    }

    // MARK: the end

    @Test func reservationsThatAreGivenBackLeaveNothingBehind() throws {
        for _ in 0..<1_500 {
            #expect(reserve([cpus(2)], seconds: 86_400) == .accepted)
            #expect(cluster.operate(.unreserve([cpus(2)]), on: id) == .accepted)
        }
        #expect(cluster.master.leaseTimers.isEmpty)
        #expect(cluster.master.timers.count <= 1_100)
    }

    @Test func whatRunsOutGoesBackToThePool() throws {
        #expect(reserve([cpus(2), disk(10)], seconds: 60) == .accepted)
        #expect(left() == 60)
        cluster.pass(seconds: 59)
        #expect(left() == 1)
        #expect(agent.total != agent.base)
        cluster.pass(seconds: 1)
        #expect(agent.total == agent.base)
        #expect(row() == nil)
        let line = try #require(trail.last)
        #expect(line.action == .unreserve && line.outcome == .finished)
        #expect(line.message == "lease: 60 s have run out")
        #expect(line.framework == nil && line.principal == nil)
    }

    @Test func whatHasNoLeaseStays() throws {
        #expect(reserve([cpus(2)], seconds: nil) == .accepted)
        #expect(row()?.lease == nil)
        cluster.pass(seconds: 100_000)
        #expect(agent.total.contains(cpus(2)))
    }

    @Test func offersOfItAreRescinded() throws {
        let scheduler = cluster.subscribe(.test())
        #expect(reserve([cpus(2)], seconds: 30) == .accepted)
        cluster.pass(seconds: 1)
        let mine = try #require(
            scheduler.offers.first { $0.resources.contains(cpus(2).with(allocationRole: "db")) })
        cluster.pass(seconds: 30)
        #expect(scheduler.events.contains(.rescind(mine.id)))
        #expect(agent.total == agent.base)
    }

    @Test func aTaskKeepsItAndThenItGoes() throws {
        let scheduler = cluster.subscribe(.test())
        let reserve = OfferOperation(
            .reserve([cpus(2)], source: []), leaseMilliseconds: 30_000)
        try scheduler.accept([reserve, .launch(.test("t", on: id, [cpus(1)]))])
        cluster.pass(seconds: 100)
        #expect(agent.total.contains(cpus(2)), "all of it stays, not only what the task uses")
        #expect(left() == 0)
        try scheduler.end("t", on: agent)
        cluster.pass(seconds: 2)
        #expect(agent.total == agent.base)
    }

    @Test func aVolumeIsNeverTaken() throws {
        #expect(reserve([disk(50), cpus(1)], seconds: 30) == .accepted)
        #expect(cluster.operate(.create([disk(20).volume("v")]), on: id) == .accepted)
        cluster.pass(seconds: 10_000)
        #expect(agent.total.contains(disk(20).volume("v")))
        #expect(agent.total.contains(disk(30)), "what the volume may grow by")
        #expect(left() == 0)
        #expect(cluster.operate(.destroy([disk(20).volume("v")]), on: id) == .accepted)
        cluster.pass(seconds: 2)
        #expect(agent.total == agent.base)
    }

    @Test func aRefinedReservationKeepsItAndItsLease() throws {
        #expect(reserve([cpus(2)], seconds: 60) == .accepted)
        let uuid = try #require(row()?.uuid)
        let refined = cpus(2).reserved(for: "db/sub")
        #expect(cluster.operate(.reserve([refined], source: []), on: id) == .accepted)
        #expect(row()?.uuid == uuid, "it has no resources of its own and is there still")
        cluster.pass(seconds: 100)
        #expect(agent.total.contains(refined))
        #expect(cluster.operate(.unreserve([refined]), on: id) == .accepted)
        #expect(row()?.uuid == uuid)
        cluster.pass(seconds: 2)
        #expect(agent.total == agent.base)
    }

    @Test func whatRefinesItRunsOutByItself() throws {
        #expect(reserve([cpus(2)], seconds: nil) == .accepted)
        let refined = cpus(2).reserved(for: "db/sub")
        #expect(reserve([refined], seconds: 10) == .accepted)
        cluster.pass(seconds: 11)
        #expect(agent.total.contains(cpus(2)))
        #expect(row() != nil && row("db/sub") == nil)
    }

    @Test func anAgentThatFailsIsAskedAgainLater() throws {
        #expect(reserve([cpus(2)], seconds: 10) == .accepted)
        agent.failures[.unreserve] = "no"
        cluster.pass(seconds: 55)
        #expect(trail.count { $0.outcome == .failed } == 1)
        agent.failures = [:]
        cluster.pass(seconds: 20)
        #expect(agent.total == agent.base)
    }

    // MARK: renewals

    @Test func aRenewedOneStays() throws {
        let scheduler = cluster.subscribe(.test())
        #expect(reserve([cpus(2)], seconds: 60) == .accepted)
        for _ in 0..<5 {
            cluster.pass(seconds: 40)
            #expect(
                try scheduler.call(.renewLeases(LeaseRenewal(role: "db", .renew))) == .accepted)
            #expect(left() == 60)
        }
        let uuid = try #require(row()?.uuid)
        cluster.pass(seconds: 59)
        #expect(
            try scheduler.call(.renewLeases(LeaseRenewal(reservations: [uuid], .renew)))
                == .accepted)
        cluster.pass(seconds: 59)
        #expect(agent.total.contains(cpus(2)))
        cluster.pass(seconds: 1)
        #expect(agent.total == agent.base)
    }

    @Test func anExpiredOneThatATaskKeepsIsRenewed() throws {
        let scheduler = cluster.subscribe(.test())
        #expect(reserve([cpus(2)], seconds: 30) == .accepted)
        try scheduler.acceptAll([.launch(.test("t", on: id, [cpus(1)]))])
        cluster.pass(seconds: 100)
        #expect(left() == 0)
        #expect(try renew(.renew) == .done)
        try scheduler.end("t", on: agent)
        cluster.pass(seconds: 20)
        #expect(agent.total.contains(cpus(2)))
        cluster.pass(seconds: 20)
        #expect(agent.total == agent.base)
    }

    @Test func anOperatorSetsAndRemovesLeases() throws {
        #expect(reserve([cpus(2)], seconds: nil) == .accepted)
        #expect(try renew(.renew)?.refusal?.kind == .conflict)
        #expect(try renew(.set(milliseconds: 30_000)) == .done)
        cluster.pass(seconds: 20)
        #expect(try renew(.remove) == .done)
        cluster.pass(seconds: 1_000)
        #expect(agent.total.contains(cpus(2)))
        #expect(try renew(.set(milliseconds: 30_000)) == .done)
        #expect(try renew(.set(milliseconds: 5_000)) == .done)
        cluster.pass(seconds: 6)
        #expect(agent.total == agent.base)
        #expect(trail.count { $0.action == .renewLease } == 4)
    }

    @Test func aReserveWithoutALeaseTakesItOffAndOneWithItRenews() throws {
        #expect(reserve([cpus(1)], seconds: 60) == .accepted)
        cluster.pass(seconds: 50)
        #expect(reserve([cpus(1)], seconds: 30) == .accepted)
        #expect(left() == 30)
        #expect(reserve([cpus(1)], seconds: 5) == .accepted)
        #expect(left() == 30, "never earlier than was told")
        #expect(reserve([cpus(1)], seconds: nil) == .accepted)
        #expect(row()?.lease == nil)
        let refusal = reserve([cpus(1)], seconds: 60)?.refusal
        #expect(refusal?.kind == .conflict)
        #expect(refusal?.message.contains("without a lease") == true)
        cluster.pass(seconds: 1_000)
        #expect(agent.total.contains(cpus(4)))
    }

    @Test func wrongOnesAreRefused() throws {
        #expect(reserve([cpus(1)], seconds: 0)?.refusal?.kind == .invalid)
        #expect(reserve([cpus(1)], seconds: -5)?.refusal?.kind == .invalid)
        #expect(reserve([cpus(1)], seconds: .max / 1000)?.refusal?.kind == .invalid)
        let fixed = try #require(row("fixed")?.uuid)
        let set = LeaseRenewal(reservations: [fixed], .set(milliseconds: 60_000))
        #expect(cluster.call(.renewLeases(set))?.refusal?.message.contains("STATIC") == true)
        for renewal in [
            LeaseRenewal(.renew), LeaseRenewal(reservations: [fixed], role: "a", .renew),
        ] {
            #expect(cluster.call(.renewLeases(renewal))?.refusal?.kind == .invalid)
        }
        let nobody = LeaseRenewal(reservations: [ReservationUUID("x")], .renew)
        #expect(cluster.call(.renewLeases(nobody))?.refusal?.kind == .notFound)
        #expect(reserve([cpus(1, "web")], seconds: 60) == .accepted)
        let web = try #require(row("web")?.uuid)
        let scheduler = cluster.subscribe(.test())
        for renewal in [
            LeaseRenewal(reservations: [web], .renew), LeaseRenewal(role: "web", .renew),
        ] {
            #expect(try scheduler.call(.renewLeases(renewal))?.refusal?.kind == .forbidden)
        }
        #expect(agent.total.contains(cpus(1, "web")))
    }

    // MARK: restarts and partitions

    @Test func itOutlivesTheMasterAndEndsInItsTime() throws {
        #expect(reserve([cpus(2)], seconds: 3_600) == .accepted)
        let lease = try #require(row()?.lease)
        cluster.pass(seconds: 1_000)
        cluster.restartMaster()
        #expect(row()?.lease == lease)
        cluster.connect(agent)
        #expect(left() == 2_600)
        cluster.pass(seconds: 2_599)
        #expect(agent.total.contains(cpus(2)))
        cluster.pass(seconds: 1)
        #expect(agent.total == agent.base)
    }

    /// The time without a master, or a clock that was set forward, ends nothing at once.
    @Test func afterAStartThereIsTimeToRenew() throws {
        #expect(reserve([cpus(2)], seconds: 3_600) == .accepted)
        #expect(reserve([cpus(1, "short")], seconds: 60) == .accepted)
        cluster.now = cluster.now + .seconds(20_000_000)
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(left() == 600, "as long as agents may take to come back")
        #expect(left("short") == 60, "its own length, where that is less")
        cluster.pass(seconds: 61)
        #expect(agent.total.contains(cpus(2)))
        #expect(row("short") == nil)
        cluster.pass(seconds: 540)
        #expect(agent.total == agent.base)
    }

    @Test func aClockThatWasSetBackMakesItNoLongerThanItsLength() throws {
        #expect(reserve([cpus(2)], seconds: 3_600) == .accepted)
        cluster.now = cluster.now + .seconds(-10_000_000)
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(left() == 3_600)
        cluster.pass(seconds: 3_600)
        #expect(agent.total == agent.base)
    }

    @Test func onAnAgentThatIsAwayItGoesWhenThatIsBack() throws {
        #expect(reserve([cpus(2)], seconds: 60) == .accepted)
        cluster.disconnect(agent)
        cluster.pass(seconds: 10_000)
        #expect(left() == 0)
        #expect(agent.total.contains(cpus(2)))
        cluster.connect(agent)
        cluster.pass(seconds: 2)
        #expect(agent.total == agent.base)
    }

    /// The agent did the RESERVE, and the master that gave it out did not live to hear so.
    @Test func aLeaseThatOnlyTheAgentKnowsIsTakenUp() throws {
        agent.isSilent = true
        let request = RequestID(cluster.number())
        cluster.handle(
            .operatorCalled(
                request,
                .apply(
                    .reserve([cpus(2)], source: []), agent: id, leaseMilliseconds: 60_000),
                principal: nil))
        guard case .applyOperation(let operation)? = agent.heard.last else {
            Issue.record("no operation was sent")
            return
        }
        #expect(operation.leaseMilliseconds == 60_000)
        agent.isSilent = false
        _ = agent.hear(.applyOperation(operation))
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(left() == 60)
        cluster.pass(seconds: 61)
        #expect(agent.total == agent.base)
    }

    /// No later master may renew what is on its way back.
    @Test func theEndOutlivesTheMaster() throws {
        #expect(reserve([cpus(2)], seconds: 60) == .accepted)
        agent.isSilent = true
        cluster.pass(seconds: 61)
        #expect(cluster.master.pendingOperations.count == 1)
        #expect(try renew(.renew)?.refusal?.kind == .conflict)
        cluster.restartMaster()
        #expect(cluster.master.pendingOperations.count == 1)
        #expect(try renew(.renew)?.refusal?.kind == .conflict)
        agent.isSilent = false
        cluster.connect(agent)
        #expect(agent.total == agent.base)
    }

    @Test func manyRenewalsLeaveNothingBehind() throws {
        #expect(reserve([cpus(2)], seconds: 3_600) == .accepted)
        for _ in 0..<200 {
            cluster.pass(seconds: 1)
            #expect(try renew(.renew) == .done)
        }
        #expect(cluster.master.leaseTimers.count == 1)
        #expect(left() == 3_600)
    }
}
