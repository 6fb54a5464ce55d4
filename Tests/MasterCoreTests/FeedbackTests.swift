import MachineCore
import Model
import OrderedCollections
import Testing

@testable import MasterCore

/// What a framework hears of its operations, whatever gets lost or dies in between.
@Suite struct FeedbackTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let scheduler: FakeScheduler

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        scheduler = cluster.subscribe(.test())
    }

    private func reserve(_ name: String) throws {
        try scheduler.acceptAll([
            OfferOperation(id: OperationID(name), .reserve([disk(1)], source: []))
        ])
    }

    private func acknowledge(_ status: OperationStatus, by scheduler: FakeScheduler) throws {
        try scheduler.call(
            .acknowledgeOperationStatus(
                status.operation, agent: status.agent, uuid: try #require(status.uuid)))
    }

    /// The answers to a reconciliation of these operations; of all where none is named.
    private func reconcile(
        _ names: [String] = [], by scheduler: FakeScheduler? = nil
    ) throws -> [OperationStatus] {
        let scheduler = scheduler ?? self.scheduler
        let before = scheduler.statuses.count
        try scheduler.call(
            .reconcileOperations(
                names.map { OperationQuery(operation: OperationID($0), agent: id) }))
        return Array(scheduler.statuses.dropFirst(before))
    }

    private var followed: Int? {
        (try? scheduler.id).flatMap { cluster.master.framework($0)?.operations.count }
    }

    @Test func anEndAfterAPartitionAndARestartIsStillTold() throws {
        agent.isSilent = true
        try reserve("op")
        cluster.disconnect(agent)
        cluster.pass(seconds: 100)
        #expect(cluster.master.absence(of: id) == "unreachable")
        cluster.restartMaster()
        let back = cluster.subscribe(.test(id: try scheduler.id))
        #expect(try reconcile(["op"], by: back).map(\.state) == [.unreachable])
        agent.isSilent = false
        cluster.connect(agent)
        #expect(back.statuses.last?.state == .finished)
        #expect(back.statuses.last?.uuid != nil)
        #expect(agent.results.count == 1, "kept until it is acknowledged")
    }

    /// Scenario: agent_operation_feedback_tests AgentOperationFeedbackTest.RetryOperationStatusUpdate
    @Test func anEndIsToldAgainUntilItIsAcknowledged() throws {
        try reserve("op")
        let first = try #require(scheduler.statuses.last)
        cluster.pass(seconds: 9)
        #expect(scheduler.statuses == [first])
        cluster.pass(seconds: 1.5)
        #expect(scheduler.statuses == [first, first])
        cluster.pass(seconds: 15)
        #expect(scheduler.statuses.count == 2, "the pauses grow")
        cluster.pass(seconds: 10_000)
        let told = scheduler.statuses.count
        #expect(told > 10 && told < 30, "but not beyond ten minutes")
        try acknowledge(first, by: scheduler)
        #expect(agent.results.isEmpty)
        cluster.pass(seconds: 10_000)
        #expect(scheduler.statuses.count == told)
    }

    /// Nobody is told while there is nobody, and at once when there is.
    @Test func aSchedulerThatComesBackHearsItAtOnce() throws {
        try reserve("op")
        scheduler.close()
        cluster.pass(seconds: 60)
        #expect(scheduler.statuses.count == 1)
        let back = cluster.subscribe(.test(id: try scheduler.id))
        #expect(back.statuses == scheduler.statuses)
        cluster.pass(seconds: 11)
        #expect(back.statuses.count == 2)
    }

    /// Scenario: agent_operation_feedback_tests AgentOperationFeedbackTest.CleanupAcknowledgedTerminalOperation
    @Test func acknowledgedEndsAreForgottenByMasterAndAgent() throws {
        try reserve("op")
        #expect(followed == 1)
        #expect(agent.results.count == 1, "the agent keeps it for a later master")
        try acknowledge(try #require(scheduler.statuses.last), by: scheduler)
        #expect(followed == 0)
        #expect(agent.results.isEmpty)
        #expect(try reconcile().isEmpty)
    }

    @Test func aRemovedFrameworkLeavesNothingToKeep() throws {
        try reserve("op")
        try scheduler.call(.teardown)
        #expect(agent.results.isEmpty)
    }

    /// A framework that never acknowledges is no burden to others.
    @Test func agentsKeepNoMoreResultsThanABound() throws {
        var options = MasterOptions()
        options.limits.pendingOperationsPerAgent = 4
        let cluster = Cluster(options: options)
        let agent = try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        for number in 0..<6 {
            try scheduler.acceptAll([
                OfferOperation(id: OperationID("op\(number)"), .reserve([disk(1)], source: []))
            ])
        }
        #expect(scheduler.statuses.count == 6)
        #expect(agent.results.count == 2)
    }

    /// What got lost on its way is sent again, so that it ends, in place of Mesos's
    /// OPERATION_DROPPED.
    /// Scenario: agent_operation_feedback_tests AgentOperationFeedbackTest.DroppedOperationStatusUpdate
    @Test func whatGotLostOnItsWayIsToldAsWell() throws {
        agent.isSilent = true
        try reserve("op")
        #expect(scheduler.statuses.isEmpty)
        agent.isSilent = false
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(scheduler.statuses.map(\.state) == [.finished])
        #expect(agent.total.contains(disk(1)))
    }

    /// Scenario: agent_operation_feedback_tests AgentOperationFeedbackTest.DroppedOperationDuplicateStatusUpdate
    @Test("MESOS-9698: a result that is told several times ends its operation once")
    func duplicates() throws {
        agent.isSilent = true
        try reserve("op")
        guard case .applyOperation(let operation)? = agent.heard.last else {
            Issue.record("no operation was sent")
            return
        }
        agent.isSilent = false
        let answers = agent.hear(.applyOperation(operation))
        for message in answers + answers { cluster.say(agent, message) }
        cluster.disconnect(agent)
        cluster.connect(agent)
        for message in answers { cluster.say(agent, message) }
        #expect(scheduler.statuses.map(\.state) == [.finished])
        #expect(followed == 1)
        try acknowledge(try #require(scheduler.statuses.last), by: scheduler)
        for message in answers { cluster.say(agent, message) }
        #expect(scheduler.statuses.count == 1)
        #expect(agent.results.isEmpty)
    }

    @Test("MESOS-10011: feedback about an agent that is not there any more crashes nobody")
    func staleAgents() throws {
        try reserve("op")
        let told = try #require(scheduler.statuses.last)
        for agent in [nil, AgentID("gone-S9")] {
            try scheduler.call(
                .acknowledgeOperationStatus(
                    OperationID("nobody"), agent: agent, uuid: try #require(told.uuid)))
            try scheduler.call(
                .reconcileOperations([
                    OperationQuery(operation: OperationID("nobody"), agent: agent)
                ]))
            #expect(scheduler.statuses.last?.state == .unknown)
        }
        cluster.call(.markAgentGone(id))
        try acknowledge(told, by: scheduler)
        #expect(followed == 1, "its end was told anew, under another UUID")
    }

    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.PendingOperation
    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.PendingAndFinishedOperations
    @Test func pendingAndFinishedOperationsAreReconciled() throws {
        try reserve("done")
        agent.isSilent = true
        try reserve("open")
        for statuses in [try reconcile(["done", "open"]), try reconcile()] {
            #expect(statuses.map(\.state) == [.finished, .pending])
            #expect(statuses.map(\.operation.value) == ["done", "open"])
            #expect(statuses.allSatisfy { $0.uuid == nil && $0.agent == id })
        }
    }

    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.UnknownOperationRecoveredAgent
    @Test func anAgentThatMayStillComeBackIsRecovering() throws {
        cluster.restartMaster()
        let back = cluster.subscribe(.test(id: try scheduler.id))
        #expect(try reconcile(["nobody"], by: back).map(\.state) == [.recovering])
        cluster.connect(agent)
        #expect(try reconcile(["nobody"], by: back).map(\.state) == [.unknown])
    }

    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.DISABLED_AgentPendingOperationAfterMasterFailover
    @Test func aPendingOperationIsPendingForTheNextMasterToo() throws {
        agent.isSilent = true
        try reserve("open")
        cluster.restartMaster()
        let back = cluster.subscribe(.test(id: try scheduler.id))
        #expect(try reconcile(["open"], by: back).map(\.state) == [.pending])
        cluster.connect(agent)
        #expect(try reconcile(by: back).map(\.state) == [.pending])
        agent.isSilent = false
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(back.statuses.last?.state == .finished)
    }

    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.UnackedAgentOperationAfterMasterFailover
    @Test(arguments: [OperationState.finished, .failed])
    func anEndOutlivesTheMasterUntilItIsAcknowledged(_ state: OperationState) throws {
        if state == .failed { agent.failures[.reserve] = "no" }
        try reserve("op")
        #expect(scheduler.statuses.map(\.state) == [state])
        cluster.restartMaster()
        let back = cluster.subscribe(.test(id: try scheduler.id))
        #expect(back.statuses.isEmpty)
        cluster.connect(agent)
        let told = try #require(back.statuses.last)
        #expect(told.state == state && told.uuid != nil && told.agent == id)
        #expect(told.operation == OperationID("op"))
        for names in [["op"], []] {
            #expect(try reconcile(names, by: back).map(\.state) == [state])
        }
        try acknowledge(told, by: back)
        #expect(agent.results.isEmpty)
        #expect(try reconcile(by: back).isEmpty)
        cluster.restartMaster()
        cluster.connect(agent)
        let again = cluster.subscribe(.test(id: try scheduler.id))
        #expect(again.statuses.isEmpty)
    }

    /// A new master knows of the operation by the agent's registration only; a reconciliation may
    /// come just before it or just after.
    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.FrameworkReconciliationRaceWithUpdateSlaveMessage
    @Test(arguments: [true, false])
    func aReconciliationThatRacesWithTheAgentIsAnsweredInTheEnd(_ isFirst: Bool) throws {
        try reserve("op")
        cluster.restartMaster()
        let back = cluster.subscribe(.test(id: try scheduler.id))
        if !isFirst { cluster.connect(agent) }
        let states = try reconcile(["op"], by: back).map(\.state)
        #expect(states == [isFirst ? .recovering : .finished])
        if isFirst { cluster.connect(agent) }
        #expect(back.statuses.last?.state == .finished)
        #expect(back.statuses.filter { $0.uuid != nil }.count == 1)
    }

    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.ReconcileAgentOperationOnGoneAgent
    @Test func whatAnAgentHadDoneIsGoneWithIt() throws {
        try reserve("op")
        cluster.call(.markAgentGone(id))
        let told = try #require(scheduler.statuses.last)
        #expect(told.state == .goneByOperator && told.agent == id)
        let explicit = try reconcile(["op"])
        #expect(explicit.map(\.state) == [.goneByOperator])
        #expect(explicit.allSatisfy { $0.uuid == nil })
        try acknowledge(told, by: scheduler)
        #expect(try reconcile(["op"]).map(\.state) == [.goneByOperator])
        #expect(try reconcile().isEmpty)
    }
}
