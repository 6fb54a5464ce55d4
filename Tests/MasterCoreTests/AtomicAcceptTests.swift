import MachineCore
import Model
import OrderedCollections
import Testing

@testable import MasterCore

/// Transactions of frameworks: TRANSACT, and ACCEPT with the capability ATOMIC_ACCEPT.
@Suite struct AtomicAcceptTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let scheduler: FakeScheduler
    private let volume = disk(60).volume("v")

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        scheduler = cluster.subscribe(
            .test(capabilities: [
                .multiRole, .reservationRefinement, .partitionAware, .atomicAccept,
            ]))
    }

    private var results: [Transaction] {
        scheduler.events.compactMap { event in
            if case .transaction(let result) = event { result } else { nil }
        }
    }

    private var made: [OfferOperation] {
        [
            OfferOperation(id: OperationID("r"), .reserve([disk(100)], source: [])),
            OfferOperation(id: OperationID("c"), .create([volume])),
        ]
    }

    private func launch(_ name: String, _ resources: [Resource]? = nil) -> OfferOperation {
        .launch(.test(name, on: id, resources ?? [.scalar("cpus", 1), volume]))
    }

    private var launches: Int {
        agent.heard.count { if case .launch = $0 { true } else { false } }
    }

    @Test func theTaskIsSentOnceAllIsDone() throws {
        agent.isSilent = true
        try scheduler.accept(made + [launch("t")])
        #expect(launches == 0)
        #expect(cluster.master.framework(try scheduler.id)?.tasks[TaskID("t")]?.state == .staging)
        agent.isSilent = false
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(launches == 1)
        #expect(scheduler.updates.last?.state == .running)
        #expect(scheduler.statuses.map(\.state) == [.finished, .finished])
        #expect(results.map(\.state) == [.finished])
        #expect(results.first?.tasks == [TaskID("t")])
    }

    @Test func anInvalidLaunchLeavesNoReservation() throws {
        try scheduler.accept(made + [launch("t", [.scalar("cpus", 1_000)])])
        #expect(agent.lastSequence == 0)
        #expect(cluster.master.ledger.confirmed(id) == agent.base)
        #expect(scheduler.statuses.map(\.state) == [.error, .error])
        #expect(scheduler.updates.map(\.state) == [.error])
        #expect(results.map(\.state) == [.error])
        #expect(results.first?.message?.contains("step 3 (LAUNCH)") == true)
        // The whole offer is free again.
        #expect(scheduler.offered() == agent.base)
    }

    @Test func withoutTheCapabilityTheOthersAreDone() throws {
        let plain = cluster.subscribe(.test())
        let first = try #require(scheduler.offers.first)
        try scheduler.call(.decline(offers: [first.id], refuseSeconds: 3_600))
        try plain.accept(made + [launch("t", [.scalar("cpus", 1_000)])])
        #expect(agent.lastSequence == 2)
        #expect(plain.updates.map(\.state) == [.error])
    }

    @Test func whatTheAgentCannotDoLaunchesNothing() throws {
        agent.failures = [.transact: "the disk is full"]
        try scheduler.accept(made + [launch("t")])
        #expect(launches == 0)
        #expect(scheduler.updates.map(\.state) == [.dropped])
        #expect(scheduler.statuses.map(\.state) == [.failed, .failed])
        #expect(cluster.master.agents[id]?.total == agent.base)
        #expect(scheduler.offered() == agent.base)
    }

    @Test func aMasterThatComesAfterSendsTheTask() throws {
        agent.isSilent = true
        try scheduler.accept(made + [launch("t")])
        let framework = try scheduler.id
        cluster.restartMaster()
        agent.isSilent = false
        cluster.connect(agent)
        #expect(launches == 1)
        #expect(cluster.master.framework(framework)?.tasks[TaskID("t")]?.state == .running)
    }

    @Test func aKilledTaskIsNeverSent() throws {
        agent.isSilent = true
        try scheduler.accept(made + [launch("t")])
        try scheduler.call(.kill(TaskID("t"), agent: id, graceMilliseconds: nil))
        agent.isSilent = false
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(launches == 0)
        #expect(scheduler.updates.map(\.state) == [.killed])
        #expect(agent.total.contains(volume))
    }

    @Test func aFrameworkThatEndsMeanwhileLaunchesNothing() throws {
        agent.isSilent = true
        try scheduler.accept(made + [launch("t")])
        let framework = try scheduler.id
        cluster.call(.teardown(framework))
        agent.isSilent = false
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(launches == 0)
        #expect(cluster.master.frameworks[framework] == nil)
    }

    @Test func stepsAreAcknowledgedOneByOne() throws {
        try scheduler.accept(made)
        let statuses = scheduler.statuses
        #expect(statuses.map(\.operation.value) == ["r", "c"])
        let held = try #require(cluster.master.agents[id]?.heldResults)
        #expect(held.count == 1)
        for (index, status) in statuses.enumerated() {
            #expect(agent.results.count == 1, "after \(index)")
            try scheduler.call(
                .acknowledgeOperationStatus(
                    status.operation, agent: id, uuid: try #require(status.uuid)))
        }
        #expect(agent.results.isEmpty)
    }

    @Test func aRepeatedCallWithOtherOffersHasTheSameResult() throws {
        let request = TransactionRequest(key: "k", fingerprint: "1", steps: made)
        let offer = try scheduler.offer
        #expect(
            try scheduler.call(.transact(offers: [offer.id], request, refuseSeconds: 0))
                == .accepted)
        cluster.pass(seconds: 0.1)
        let again = scheduler.offers.map(\.id)
        #expect(!again.isEmpty)
        try scheduler.call(.transact(offers: again, request, refuseSeconds: 0))
        #expect(results.count == 2 && results.first == results.last)
        #expect(agent.lastSequence == 1)
        var other = request
        other.fingerprint = "2"
        let refusal = try scheduler.call(.transact(offers: [], other, refuseSeconds: 0))?.refusal
        #expect(refusal?.kind == .conflict)
        #expect(cluster.master.ledger.confirmed(id).contains(volume))
    }

    @Test func offersThatAreGoneRefuseAll() throws {
        let request = TransactionRequest(key: "k", steps: made + [launch("t")])
        try scheduler.call(.transact(offers: [OfferID("gone")], request, refuseSeconds: 0))
        #expect(results.map(\.state) == [.error])
        #expect(scheduler.updates.map(\.state) == [.dropped])
        #expect(cluster.master.ledger.transactions.isEmpty)
    }
}
