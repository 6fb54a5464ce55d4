import AllocatorCore
import Model
import Testing

@testable import MasterCore

/// Volumes that grow by a rule, once their agent says that they fill.
@Suite struct GrowthTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let scheduler: FakeScheduler
    let volume = disk(100).volume("v")
    let uuid: VolumeUUID

    /// A task `t` on a volume of 100 MiB, of which 100 MiB more are reserved for its role.
    init() throws {
        agent = try cluster.addAgent("cpus:8;mem:8192;disk:400")
        id = try #require(agent.id)
        scheduler = cluster.subscribe(.test())
        try scheduler.accept([
            OfferOperation(.reserve([disk(200)], source: [])), OfferOperation(.create([volume])),
            .launch(.test("t", on: id, [.scalar("cpus", 1), volume])),
        ])
        uuid = try #require(agent.volumes.first?.uuid)
        cluster.handle(.operatorSubscribed(SubscriberID(7), [.usageAlarms]))
    }

    private func rule(step: Int64 = 50, cap: Int64? = nil, of role: String = "db") -> Answer? {
        cluster.call(
            .lifecycle(
                .setPolicy(
                    LifecyclePolicy(
                        role: role,
                        atLimit: .grow(
                            GrowthRule(
                                step: Amount(thousandths: step * 1000),
                                cap: cap.map { Amount(thousandths: $0 * 1000) }))))))
    }

    /// The agent says that so much of a volume is used, which it has read at `size` MiB.
    private func fill(_ percent: Int64, at size: Int64, grows: Bool = true) {
        let bytes = size << 20
        cluster.say(
            agent,
            .volumeReport([
                VolumeReport(
                    uuid: uuid, backend: "loop-xfs", enforcement: .kernel,
                    growsWhileMounted: grows, usableBytes: bytes / 2,
                    usedBytes: bytes / 2 / 100 * percent + 99, bookedBytes: bytes)
            ]))
        cluster.settle()
    }

    private var size: Int64? {
        cluster.master.ledger.volumes[uuid].map { $0.volume.resource.amount.thousandths / 1000 }
    }

    private var alarms: [String] {
        cluster.published.compactMap { event in
            guard case .usageAlarm(id, let alarm) = event else { return nil }
            return alarm.kind
        }
    }

    private var refusals: [AuditEntry] {
        cluster.records.compactMap { record in
            guard case .audited(let entry) = record, entry.outcome == .refused else { return nil }
            return entry
        }
    }

    @Test func aFullVolumeGrowsByItsRolesRule() throws {
        #expect(rule() == .done)
        fill(89, at: 100)
        #expect(size == 100)
        fill(90, at: 100)
        #expect(size == 150)
        #expect(agent.total.contains(disk(150).volume("v")))
        let task = try #require(
            cluster.master.framework(try scheduler.id)?.tasks[TaskID("t")])
        #expect(task.booked.contains(disk(150).volume("v").with(allocationRole: "db")))
        #expect(alarms == ["volume-grown"])
        let entries = cluster.records.compactMap { record -> AuditEntry? in
            guard case .audited(let entry) = record, entry.action == .grow else { return nil }
            return entry
        }
        #expect(entries.map(\.principal) == ["rule"] && entries.map(\.volumes) == [[uuid]])
    }

    @Test func withoutARuleNothingGrows() {
        fill(100, at: 100)
        #expect(size == 100 && alarms.isEmpty && refusals.isEmpty)
        #expect(rule(of: "other") == .done)
        fill(100, at: 100)
        #expect(size == 100)
    }

    /// A report that was read before a growth makes no second one.
    @Test func aLateReportIsNoCallForMore() {
        #expect(rule() == .done)
        fill(95, at: 100)
        #expect(size == 150)
        fill(95, at: 100)
        fill(99, at: 100)
        #expect(size == 150)
        fill(95, at: 150)
        #expect(size == 200)
        #expect(alarms == ["volume-grown", "volume-grown"])
    }

    @Test func whileOneIsPendingThereIsNoOther() {
        #expect(rule() == .done)
        agent.isSilent = true
        fill(95, at: 100)
        fill(96, at: 100)
        #expect(cluster.master.pendingOperations.count == 1)
        agent.isSilent = false
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(size == 150)
        #expect(agent.total.contains(disk(150).volume("v")))
        #expect(cluster.master.pendingOperations.isEmpty)
    }

    @Test func theLastStepIsShorterAndThenItIsToldOnce() throws {
        #expect(rule(step: 60, cap: 200) == .done)
        fill(95, at: 100)
        fill(95, at: 160)
        #expect(size == 200)
        #expect(alarms == ["volume-grown", "volume-grown"])
        for _ in 0..<5 { fill(97, at: 200) }
        #expect(size == 200)
        #expect(alarms == ["volume-grown", "volume-grown", "volume-not-grown"])
        let refusal = try #require(refusals.first)
        #expect(refusals.count == 1 && refusal.principal == "rule")
        #expect(refusal.message == "it has 200 MiB, and its rule allows no more")
        // To and fro within the margin is the same crossing; far below begins another.
        fill(86, at: 200)
        fill(95, at: 200)
        #expect(refusals.count == 1)
        fill(80, at: 200)
        fill(95, at: 200)
        #expect(refusals.count == 2)
    }

    /// What an operator's policy wants may come out of what nobody has reserved.
    @Test func unreservedDiskIsTakenForARolesRule() throws {
        #expect(rule(step: 150) == .done)
        fill(95, at: 100)
        #expect(size == 250)
        let total = try #require(cluster.master.agentView(id)?.total)
        #expect(total.contains(.scalar("disk", 150)))
        #expect(!total.contains(.scalar("disk", 151)))
        // More than there is: nothing is reserved for it.
        #expect(rule(step: 151) == .done)
        fill(95, at: 250)
        #expect(size == 250 && refusals.count == 1)
        #expect(cluster.master.agentView(id)?.total == total)
    }

    @Test func aRefusedGrowthLeavesEverythingAsItWas() throws {
        #expect(rule(step: 500) == .done)
        cluster.pass(seconds: 6)
        let offers = scheduler.offers.map(\.id)
        let before = cluster.master.agentView(id)?.total
        for _ in 0..<4 { fill(95, at: 100) }
        #expect(size == 100 && cluster.master.pendingOperations.isEmpty)
        #expect(cluster.master.agentView(id)?.total == before)
        #expect(scheduler.offers.map(\.id) == offers)
        #expect(alarms == ["volume-not-grown"] && refusals.count == 1)
        // It is tried with each report: once there is room it grows.
        #expect(rule(step: 100) == .done)
        fill(95, at: 100)
        #expect(size == 200)
    }

    @Test func aBackendThatCantIsToldOnce() {
        #expect(rule() == .done)
        for _ in 0..<3 { fill(95, at: 100, grows: false) }
        #expect(size == 100 && alarms == ["volume-not-grown"] && refusals.count == 1)
    }

    @Test func whatTheAgentCouldNotDoIsTriedAgainLater() {
        #expect(rule() == .done)
        agent.failures[.grow] = "no space left on the disk"
        for _ in 0..<3 { fill(95, at: 100) }
        #expect(size == 100 && alarms == ["volume-not-grown"])
        agent.failures[.grow] = nil
        fill(95, at: 100)
        #expect(size == 100, "it is too early")
        cluster.pass(seconds: 601)
        fill(95, at: 100)
        #expect(size == 150)
    }

    @Test func whatNobodyUsesDoesNotGrow() throws {
        #expect(rule() == .done)
        let key = TaskKey(try scheduler.id, TaskID("t"))
        cluster.say(agent, try #require(agent.end(key, .finished).first))
        fill(100, at: 100)
        #expect(size == 100 && alarms.isEmpty)
    }

    // MARK: what agents and subscribers are told

    private var rulesSent: [[RoleDiskRule]] {
        cluster.lastActions.compactMap { action in
            guard case .send(_, .diskRules(let rules)) = action else { return nil }
            return rules
        }
    }

    @Test func agentsHearOfRulesWhenTheyChangeAndBeforeTheyAreRegistered() throws {
        #expect(rule() == .done)
        let rules = cluster.master.policies.map(\.diskRule)
        #expect(rulesSent == [rules])
        #expect(rule() == .done)
        #expect(rulesSent.isEmpty)
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(cluster.call(.lifecycle(.removePolicy(role: "db"))) == .done)
        #expect(rulesSent == [[]])
        // A policy that says nothing of limits is nothing to agents.
        let silent = LifecyclePolicy(role: "db", trashNanoseconds: 1)
        #expect(cluster.call(.lifecycle(.setPolicy(silent))) == .done)
        #expect(rulesSent.isEmpty)
    }

    @Test func alarmsOfAgentsReachWhoAskedForThem() {
        let alarm = UsageAlarm(kind: "volume-over", text: "v", nanoseconds: 1)
        cluster.say(agent, .usageAlarm(alarm))
        #expect(alarms == ["volume-over"])
        cluster.handle(.operatorUnsubscribed(SubscriberID(7)))
        cluster.handle(.operatorSubscribed(SubscriberID(8), [.volumes]))
        cluster.published = []
        cluster.say(agent, .usageAlarm(alarm))
        #expect(alarms.isEmpty)
    }

    @Test func aRuleThatMakesNoSenseIsRefused() {
        let wrong: [(DiskLimitRule.Action?, AlarmRule?)] = [
            (.grow(GrowthRule(percent: 0, step: disk(1).amount)), nil),
            (.grow(GrowthRule(percent: 100, step: disk(1).amount)), nil),
            (.grow(GrowthRule(step: .zero)), nil),
            (.grow(GrowthRule(step: disk(1).amount, cap: .zero)), nil),
            (nil, AlarmRule(percents: [90, 80], fullWithinSeconds: nil)),
            (nil, AlarmRule(percents: [5], fullWithinSeconds: nil)),
            (nil, AlarmRule(percents: [101], fullWithinSeconds: nil)),
            (nil, AlarmRule(percents: Array(10...20), fullWithinSeconds: nil)),
            (nil, AlarmRule(percents: [], fullWithinSeconds: 0)),
        ]
        for (limit, alarms) in wrong {
            let policy = LifecyclePolicy(role: "db", atLimit: limit, alarms: alarms)
            let answer = cluster.call(.lifecycle(.setPolicy(policy)))
            #expect(answer?.refusal?.kind == .invalid, "\(policy)")
        }
        #expect(cluster.master.policies.isEmpty)
    }
}

/// A task's own rule goes before its role's policy.
@Suite struct OwnGrowthTests {
    @Test func aTasksRuleTakesOnlyWhatIsReserved() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent("cpus:8;mem:8192;disk:400")
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        let volume = disk(100).volume("v")
        var task = TaskDescription.test("t", on: id, [.scalar("cpus", 1), volume])
        let step = Amount(thousandths: 50_000)
        task.diskLimits = [DiskLimitRule(.grow(GrowthRule(step: step)), for: .volume(id: "v"))]
        try scheduler.accept([
            OfferOperation(.reserve([disk(150)], source: [])), OfferOperation(.create([volume])),
            .launch(task),
        ])
        let uuid = try #require(agent.volumes.first?.uuid)
        for size in [Int64(100), 150] {
            let bytes = size << 20
            cluster.say(
                agent,
                .volumeReport([
                    VolumeReport(
                        uuid: uuid, backend: "loop-xfs", enforcement: .kernel,
                        growsWhileMounted: true, usableBytes: bytes, usedBytes: bytes,
                        bookedBytes: bytes)
                ]))
            cluster.settle()
        }
        let row = try #require(cluster.master.ledger.volumes[uuid])
        #expect(row.volume.resource.amount == Amount(thousandths: 150_000))
        #expect(cluster.master.pendingOperations.isEmpty)
    }
}
