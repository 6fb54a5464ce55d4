import MachineCore
import Model
import Testing

@testable import MasterCore

/// Idle reserved cpus and memory, lent as revocable resources and returned promptly.
@Suite struct LendingTests {
    let cluster: Cluster
    let agent: FakeAgent
    let id: AgentID
    let owner: FakeScheduler
    let borrower: FakeScheduler

    init() throws {
        var options = MasterOptions()
        options.lendsIdle = true
        cluster = Cluster(options: options)
        agent = try cluster.addAgent("cpus(db):4;mem(db):1024;disk(db):100")
        id = try #require(agent.id)
        owner = cluster.subscribe(.test())
        var capabilities = FrameworkDescription.test().capabilities
        capabilities.insert(.revocableResources)
        borrower = cluster.subscribe(.test(roles: ["batch"], capabilities: capabilities))
        cluster.pass(seconds: 0.1)
    }

    private func own(_ cpus: Int64, mem: Int64) -> [Resource] {
        let stack = [Reservation(.fixed, role: "db")]
        return [
            Resource.scalar("cpus", cpus).with(reservations: stack),
            Resource.scalar("mem", mem).with(reservations: stack),
        ]
    }

    private func lent(_ cpus: Int64, mem: Int64) -> [Resource] {
        [("cpus", cpus), ("mem", mem)].map { name, count in
            var resource = Resource.scalar(name, count)
            resource.isRevocable = true
            return resource
        }
    }

    private func launches() -> [TaskID] {
        agent.heard.flatMap { message -> [TaskID] in
            if case .launch(let launch) = message { return launch.tasks.map(\.id) }
            return []
        }
    }

    private func kills() -> [TaskID] {
        agent.heard.compactMap { message in
            if case .kill(_, let task, _) = message { return task }
            return nil
        }
    }

    private func borrow(_ name: String, _ resources: [Resource]) throws {
        try borrower.acceptAll([.launch(.test(name, on: id, resources))])
    }

    private func use(_ name: String, _ resources: [Resource]) throws {
        try owner.acceptAll([.launch(.test(name, on: id, resources))])
    }

    @Test func aBorrowersKillPolicyDoesNotKeepTheOwnerWaiting() throws {
        var task = TaskDescription.test("b", on: id, lent(4, mem: 1024))
        task.killGraceMilliseconds = 365 * 86_400_000
        try borrower.acceptAll([.launch(task)])
        agent.heard = []
        try use("t", own(4, mem: 1024))
        let graces = agent.heard.compactMap { message -> Int64? in
            if case .kill(_, _, let grace) = message { return grace }
            return nil
        }
        #expect(graces == [cluster.master.options.longestRecallGraceMilliseconds])
    }

    @Test func bothAreOfferedIt() throws {
        #expect(owner.offered() == agent.base)
        #expect(borrower.offered() == Resources(lent(4, mem: 1024)))
    }

    @Test func whoCannotUseRevocableResourcesIsNotOfferedThem() throws {
        let plain = cluster.subscribe(.test(roles: ["web"]))
        #expect(plain.offered().isEmpty)
    }

    @Test func aRoleBorrowsNothingOfItsOwn() throws {
        var capabilities = FrameworkDescription.test().capabilities
        capabilities.insert(.revocableResources)
        let able = cluster.subscribe(.test(roles: ["db/sub"], capabilities: capabilities))
        for scheduler in [owner, borrower] { try scheduler.call(.suppress(roles: [])) }
        for scheduler in [owner, borrower] {
            try scheduler.call(.decline(offers: scheduler.offers.map(\.id), refuseSeconds: 0))
        }
        #expect(able.offered() == agent.base)
    }

    @Test func whatATaskUsesIsNotLent() throws {
        try use("t", own(3, mem: 1000))
        #expect(borrower.offered() == Resources(lent(1, mem: 24)))
    }

    @Test func theOwnersLaunchWaitsForTheBorrower() throws {
        try borrow("b", lent(4, mem: 512))
        #expect(launches() == [TaskID("b")])
        #expect(owner.offered() == agent.base, "lending hides nothing from the owner")
        agent.isSilent = true
        try use("t", own(2, mem: 100))
        #expect(kills() == [TaskID("b")])
        #expect(launches() == [TaskID("b")], "it waits")
        agent.isSilent = false
        try borrower.end("b", on: agent, .killed)
        #expect(launches() == [TaskID("b"), TaskID("t")])
        let end = try #require(borrower.updates.last)
        #expect(end.state == .killed && end.reason == .preempted)
        #expect(borrower.offered() == Resources(lent(2, mem: 924)))
    }

    @Test func onlyTheNewestAreKilledAndOnlyWhereItIsNeeded() throws {
        try borrow("b1", lent(1, mem: 100))
        try borrow("b2", lent(1, mem: 100))
        try use("t1", own(2, mem: 500))
        #expect(kills().isEmpty)
        #expect(launches().count == 3)
        agent.isSilent = true
        try use("t2", own(1, mem: 100))
        #expect(kills() == [TaskID("b2")])
        agent.isSilent = false
        try borrower.end("b2", on: agent, .killed)
        #expect(launches().last == TaskID("t2"))
    }

    @Test func offersOfWhatIsNeededAreRescinded() throws {
        let offer = try #require(borrower.offers.first)
        try use("t", own(4, mem: 1024))
        #expect(borrower.events.contains(.rescind(offer.id)))
        #expect(launches() == [TaskID("t")])
        #expect(borrower.offered().isEmpty)
    }

    @Test func aWaitingTaskThatIsKilledIsNeverSent() throws {
        try borrow("b", lent(4, mem: 512))
        agent.isSilent = true
        try use("t", own(2, mem: 100))
        try owner.call(.kill(TaskID("t"), agent: nil, graceMilliseconds: nil))
        #expect(owner.updates.last?.state == .killed)
        agent.isSilent = false
        try borrower.end("b", on: agent, .killed)
        #expect(launches() == [TaskID("b")])
        #expect(owner.offered() == agent.base)
    }

    @Test func anAgentThatComesBackMeanwhileHasItNot() throws {
        try borrow("b", lent(4, mem: 512))
        agent.isSilent = true
        try use("t", own(2, mem: 100))
        cluster.disconnect(agent)
        agent.isSilent = false
        cluster.connect(agent)
        #expect(owner.updates.last?.state == .dropped)
    }

    @Test func aNewMasterKnowsWhatIsLent() throws {
        try borrow("b", lent(3, mem: 512))
        cluster.restartMaster()
        cluster.connect(agent)
        let again = cluster.subscribe(.test(id: try owner.id))
        cluster.pass(seconds: 1)
        agent.isSilent = true
        try again.acceptAll([.launch(.test("t", on: id, own(2, mem: 100)))])
        #expect(kills() == [TaskID("b")])
        #expect(launches() == [TaskID("b")])
    }

    @Test func anUnreserveTakesBackWhatIsLentOfIt() throws {
        let labeled = [Reservation(role: "web")]
        let agent = try cluster.addAgent("cpus:4;mem:1024")
        let other = try #require(agent.id)
        let piece = Resource.scalar("cpus", 2).with(reservations: labeled)
        let memory = Resource.scalar("mem", 512).with(reservations: labeled)
        #expect(
            cluster.operate(.reserve([piece, memory], source: []), on: other) == .accepted)
        cluster.pass(seconds: 1)
        let offer = try #require(borrower.offers.first { $0.agent == other })
        try borrower.call(
            .accept(
                offers: [offer.id],
                operations: [.launch(.test("b", on: other, lent(2, mem: 64)))],
                refuseSeconds: 60))
        #expect(cluster.operate(.unreserve([piece]), on: other) == .accepted)
        #expect(
            agent.heard.contains { message in
                if case .kill(_, TaskID("b"), _) = message { return true }
                return false
            })
    }

    @Test func anExecutorBorrowsNothing() throws {
        var task = TaskDescription.test("b", on: id, lent(1, mem: 64))
        task.executor = ExecutorDescription(
            id: ExecutorID("e"), kind: .custom, resources: lent(1, mem: 64))
        task.hasCommand = false
        try borrower.acceptAll([.launch(task)])
        #expect(borrower.updates.last?.state == .error)
        #expect(launches().isEmpty)
    }
}
