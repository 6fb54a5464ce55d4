import MachineCore
import Model
import OrderedCollections
import Testing

@testable import MasterCore

@Suite struct OperationTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let scheduler: FakeScheduler

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        scheduler = cluster.subscribe(.test())
    }

    private func perform(_ name: String, _ kind: OfferOperation.Kind) throws -> OperationStatus {
        let before = scheduler.statuses.count
        try scheduler.accept([OfferOperation(id: OperationID(name), kind)])
        #expect(scheduler.statuses.count == before + 1)
        return try #require(scheduler.statuses.last)
    }

    /// CreateAndDestroyPersistentVolumes, GrowVolume, ShrinkVolume with feedback.
    /// Scenario: persistent_volume_tests PersistentVolumeTest.CreateAndDestroyPersistentVolumes
    /// Scenario: agent_operation_feedback_tests AgentOperationFeedbackTest.OperationUpdateContainsAgentID
    /// Scenario: agent_operation_feedback_tests AgentOperationFeedbackTest.CleanupAcknowledgedTerminalOperation
    @Test func everyOperationOfAFrameworkEndsInFeedback() throws {
        let volume = disk(64).volume("v")
        let grown = disk(96).volume("v")
        let shrunk = disk(32).volume("v")
        let less = try #require(Amount(64))
        let steps: [(String, OfferOperation.Kind)] = [
            ("reserve", .reserve([disk(128)], source: [])), ("create", .create([volume])),
            ("grow", .grow(volume: volume, addition: disk(32))),
            ("shrink", .shrink(volume: grown, subtract: less)), ("destroy", .destroy([shrunk])),
            ("unreserve", .unreserve([disk(128)])),
        ]
        for (name, kind) in steps {
            let status = try perform(name, kind)
            #expect(status.state == .finished, "\(name): \(status.message ?? "")")
            #expect(status.operation == OperationID(name))
            #expect(status.agent == id)
            let uuid = try #require(status.uuid)
            try scheduler.call(
                .acknowledgeOperationStatus(OperationID(name), agent: id, uuid: uuid))
        }
        #expect(cluster.master.framework(try scheduler.id)?.operations.isEmpty == true)
        #expect(agent.total == agent.base)
        #expect(cluster.master.volumeRows.isEmpty)
    }

    /// In Mesos a framework's SHRINK_VOLUME loses what it frees until the agent registers again.
    @Test("SHRINK_VOLUME by a framework loses nothing of what it frees")
    func shrinkFreesWhatItTakesOff() throws {
        let volume = disk(100).volume("v")
        try scheduler.accept([
            OfferOperation(.reserve([disk(100)], source: [])), OfferOperation(.create([volume])),
            OfferOperation(.shrink(volume: volume, subtract: try #require(Amount(60)))),
        ])
        let offered = try scheduler.offer.resources
        #expect(offered.contains(disk(60).with(allocationRole: "db")))
        #expect(offered.contains(disk(40).volume("v").with(allocationRole: "db")))
        #expect(offered.total(of: "disk") == Amount(10_240))
    }

    /// The texts of transcript 08.
    /// Scenario: reservation_tests ReservationTest.DropReserveWithDifferentRole
    @Test func errorsInMesosWords() throws {
        let place = "; on agent \(id) at 10.0.0.1:5051 (host)"
        let error = try perform("op-role", .reserve([disk(1, for: "zzz")], source: []))
        #expect(error.state == .error)
        #expect(error.uuid == nil && error.agent == nil)
        #expect(
            error.message
                == "A reserve operation was attempted for a resource with role 'zzz', but the"
                + " resource was allocated to role 'db'" + place)
        #expect(
            try perform("op-dn", .destroy([disk(4).volume("nope")])).message
                == "Persistent volumes not found" + place)
        #expect(
            try perform("op-un", .unreserve([disk(9999)])).message?.hasSuffix(
                "does not contain disk(reservations: [(DYNAMIC,db)]):9999") == true)
        #expect(
            try perform("op-unres", .create([.scalar("disk", 4).volume("un")])).message?
                .hasSuffix("cannot be created from unreserved resources" + place) == true)
        let refusal = Refusal(.invalid, "operation CREATE_DISK is not supported")
        try scheduler.accept([OfferOperation(id: OperationID("x"), .refused(refusal))])
        #expect(scheduler.statuses.last?.state == .error)
        #expect(cluster.master.pendingOperations.isEmpty)
    }

    @Test func unacknowledgedFeedbackIsSentAgainToASchedulerThatComesBack() throws {
        let status = try perform("op", .reserve([disk(1)], source: []))
        let back = cluster.subscribe(.test(id: try scheduler.id))
        #expect(back.statuses == [status])
        try back.call(
            .acknowledgeOperationStatus(
                OperationID("op"), agent: id, uuid: try #require(status.uuid)))
        let again = cluster.subscribe(.test(id: try scheduler.id))
        #expect(again.statuses.isEmpty)
    }

    /// UnknownOperationKnownAgent, UnknownOperationRecoveredAgent,
    /// UnknownOperationUnreachableAgent,
    /// ReconcileAgentOperationOnGoneAgent.
    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.UnknownOperationKnownAgent
    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.UnknownOperationUnreachableAgent
    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.UnknownOperationAgentMarkedGone
    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.UnknownOperationUnknownAgent
    /// Scenario: operation_reconciliation_tests OperationReconciliationTest.ReconcileUnackedAgentOperation
    @Test func operationReconciliation() throws {
        func reconcile(_ name: String, _ agent: AgentID?) throws -> OperationStatus? {
            try scheduler.call(
                .reconcileOperations([OperationQuery(operation: OperationID(name), agent: agent)]))
            return scheduler.statuses.last
        }
        _ = try perform("op-grow", .reserve([disk(1)], source: []))
        let known = try #require(try reconcile("op-grow", id))
        #expect(known.state == .finished && known.uuid == nil && known.agent == id)
        try scheduler.call(.reconcileOperations([]))
        #expect(scheduler.statuses.last == known)
        #expect(
            try reconcile("op-x", id)?.message == "Reconciliation: Operation is unknown")
        #expect(
            try reconcile("op-y", nil)?.message
                == "Reconciliation: Operation is unknown and no 'agent_id' was provided")
        #expect(try reconcile("op-y", AgentID("zz"))?.state == .unknown)
        cluster.disconnect(agent)
        cluster.pass(seconds: 91)
        #expect(try reconcile("op-x", id)?.state == .unreachable)
        cluster.call(.markAgentGone(id))
        #expect(try reconcile("op-x", id)?.state == .goneByOperator)
    }

    @Test func pendingOperationsFollowTheirAgent() throws {
        agent.isSilent = true
        try scheduler.accept([
            OfferOperation(id: OperationID("op"), .reserve([disk(1)], source: []))
        ])
        #expect(scheduler.statuses.isEmpty)
        cluster.pass(seconds: 91)
        #expect(scheduler.statuses.last?.state == .unreachable)
        agent.isSilent = false
        cluster.connect(agent)
        #expect(scheduler.statuses.map(\.state) == [.unreachable, .pending, .finished])
        cluster.disconnect(agent)
        #expect(agent.total.contains(disk(1)))
    }

    @Test func goneAgentsEndTheirOperations() throws {
        agent.isSilent = true
        let request = RequestID(500)
        cluster.handle(
            .operatorCalled(
                request, .apply(.reserve([disk(1)], source: []), agent: id), principal: nil))
        try scheduler.accept([
            OfferOperation(id: OperationID("op"), .reserve([disk(1)], source: []))
        ])
        cluster.call(.markAgentGone(id))
        #expect(cluster.answers[request]?.refusal?.kind == .conflict)
        #expect(scheduler.statuses.last?.state == .goneByOperator)
        #expect(cluster.master.pendingOperations.isEmpty)
    }

    @Test func pendingOperationsAreBounded() throws {
        var options = MasterOptions()
        options.limits.pendingOperationsPerAgent = 2
        let cluster = Cluster(options: options)
        let agent = try cluster.addAgent()
        agent.isSilent = true
        let id = try #require(agent.id)
        for _ in 0..<2 { #expect(cluster.operate(.reserve([disk(1)], source: []), on: id) == nil) }
        #expect(
            cluster.operate(.reserve([disk(1)], source: []), on: id)?.refusal?.kind
                == .unavailable)
    }
}
