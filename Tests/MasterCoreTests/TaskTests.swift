import MachineCore
import Model
import Testing

@testable import MasterCore

@Suite struct TaskTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let scheduler: FakeScheduler

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        scheduler = cluster.subscribe(.test())
    }

    private var framework: MasterFramework {
        get throws { try #require(cluster.master.framework(try scheduler.id)) }
    }

    @Test func anEndedTaskIsCompletedOnceAcknowledged() throws {
        try scheduler.accept([.launch(.test("t", on: id))])
        let key = TaskKey(try scheduler.id, TaskID("t"))
        for message in agent.end(key, .finished) { cluster.say(agent, message) }
        #expect(try framework.tasks.count == 1)
        #expect(cluster.master.agentView(id)?.allocated.isEmpty == true)
        try scheduler.acknowledgeAll()
        #expect(try framework.tasks.isEmpty)
        #expect(try framework.completedTasks.map(\.state) == [.finished])
        #expect(agent.tasks.isEmpty)
    }

    @Test func updatesAreForwardedAgainUntilAcknowledged() throws {
        try scheduler.accept([.launch(.test("t", on: id))])
        let update = try #require(scheduler.updates.last)
        cluster.say(agent, .statusUpdate(update, latestState: .running))
        #expect(scheduler.updates.filter { $0.uuid == update.uuid }.count == 2)
        #expect(try framework.tasks[TaskID("t")]?.statuses.count == 1)
    }

    @Test func completedTasksAreBounded() throws {
        var options = MasterOptions()
        options.limits.completedTasksPerFramework = 2
        let cluster = Cluster(options: options)
        let agent = try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        for number in 0..<4 {
            let name = "t\(number)"
            try scheduler.accept([.launch(.test(name, on: try #require(agent.id)))])
            let key = TaskKey(try scheduler.id, TaskID(name))
            for message in agent.end(key, .failed) { cluster.say(agent, message) }
            try scheduler.acknowledgeAll()
        }
        let completed = cluster.master.framework(try scheduler.id)?.completedTasks ?? []
        #expect(completed.map(\.description.name) == ["t2", "t3"])
    }

    @Test func killReachesTheAgentAlsoAfterAReconnection() throws {
        try scheduler.accept([.launch(.test("t", on: id))])
        cluster.disconnect(agent)
        #expect(
            try scheduler.call(.kill(TaskID("t"), agent: id, graceMilliseconds: 5)) == .accepted)
        #expect(scheduler.updates.last?.state == .running)
        cluster.connect(agent)
        #expect(scheduler.updates.last?.state == .killed)
        #expect(
            agent.heard.contains(
                .kill(try scheduler.id, TaskID("t"), graceMilliseconds: 5)))
    }

    /// UnknownKillTask; texts of transcript 06.
    @Test func killOfUnknownTasksIsAnsweredLikeReconciliation() throws {
        try scheduler.call(.kill(TaskID("ghost"), agent: nil, graceMilliseconds: nil))
        #expect(scheduler.updates.last?.state == .unknown)
        #expect(scheduler.updates.last?.message == "Reconciliation: Task is unknown")
        try scheduler.call(.kill(TaskID("ghost"), agent: id, graceMilliseconds: nil))
        #expect(scheduler.updates.last?.state == .gone)
        #expect(
            scheduler.updates.last?.message == "Reconciliation: Task is unknown to the agent")
    }

    @Test func operatorsKillTasks() throws {
        try scheduler.accept([.launch(.test("t", on: id))])
        let framework = try scheduler.id
        #expect(
            cluster.call(.killTask(framework, TaskID("t"), graceMilliseconds: nil)) == .accepted)
        #expect(scheduler.updates.last?.state == .killed)
        #expect(
            cluster.call(.killTask(framework, TaskID("u"), graceMilliseconds: nil))?.refusal?.kind
                == .notFound)
    }

    /// TaskStateMatch, UnknownSlave, RecoveredAgent.
    @Test func reconciliationSaysWhatIsCertain() throws {
        try scheduler.accept([.launch(.test("t-sleep", on: id))])
        func reconcile(_ task: String, _ agent: AgentID?) throws -> StatusUpdate? {
            let before = scheduler.updates.count
            try scheduler.call(.reconcile([TaskQuery(task: TaskID(task), agent: agent)]))
            return scheduler.updates.count > before ? scheduler.updates.last : nil
        }
        let known = try #require(try reconcile("t-sleep", id))
        #expect(known.state == .running)
        #expect(known.reason == .reconciliation && known.source == .master && known.uuid == nil)
        #expect(known.message == "Reconciliation: Latest task state")
        #expect(try reconcile("nope", AgentID("zz"))?.state == .unknown)
        #expect(try reconcile("nope", nil)?.state == .unknown)
        #expect(try reconcile("nope", id)?.state == .gone)
        cluster.disconnect(agent)
        cluster.pass(seconds: 91)
        let unreachable = try #require(try reconcile("t-sleep", nil))
        #expect(unreachable.state == .unreachable)
        #expect(unreachable.message == "Reconciliation: Task is unreachable")
        #expect(try reconcile("other", id)?.state == .unreachable)
        cluster.call(.markAgentGone(id))
        #expect(try reconcile("t-sleep", id)?.state == .goneByOperator)
    }

    @Test func reconciliationIsSilentWhileAnAgentMayStillBringTheTask() throws {
        try scheduler.accept([.launch(.test("t", on: id))])
        cluster.restartMaster()
        let back = cluster.subscribe(.test(id: try scheduler.id))
        try back.call(.reconcile([TaskQuery(task: TaskID("t"), agent: id)]))
        #expect(back.updates.isEmpty)
        cluster.connect(agent)
        try back.call(.reconcile([]))
        #expect(back.updates.last?.state == .running)
    }

    /// ReconcileDroppedTask.
    @Test func aLaunchThatNeverArrivedIsDropped() throws {
        agent.isSilent = true
        try scheduler.accept([.launch(.test("t", on: id))])
        #expect(scheduler.updates.isEmpty)
        cluster.disconnect(agent)
        agent.isSilent = false
        cluster.connect(agent)
        #expect(scheduler.updates.last?.state == .dropped)
        #expect(scheduler.updates.last?.message == "Task is unknown to the agent")
        #expect(try framework.tasks.isEmpty)
        #expect(cluster.master.agentView(id)?.allocated.isEmpty == true)
    }

    @Test func messagesGoBothWays() throws {
        let executor = ExecutorID("e")
        try scheduler.call(.message(agent: id, executor: executor, data: Payload([1])))
        #expect(
            agent.heard.contains(
                .frameworkMessage(try scheduler.id, executor, Payload([1]))))
        cluster.say(agent, .executorMessage(try scheduler.id, executor, Payload([2])))
        #expect(
            scheduler.events.last == .message(agent: id, executor: executor, data: Payload([2])))
    }

    @Test func updatesOfRemovedFrameworksAreAcknowledgedByTheMaster() throws {
        let update = StatusUpdate(
            uuid: UpdateUUID("u"), framework: FrameworkID("nobody"), task: TaskID("t"),
            state: .failed, source: .executor, timestampNanoseconds: 0)
        cluster.say(agent, .statusUpdate(update, latestState: .failed))
        #expect(
            agent.heard.contains(
                .acknowledge(FrameworkID("nobody"), TaskID("t"), UpdateUUID("u"))))
    }

    /// A task on a volume that could not be made: the agent drops it and the books hold.
    @Test func aFailedCreateTakesItsTaskAlong() throws {
        agent.failures[.create] = "no space left"
        let volume = disk(64).volume("data")
        try scheduler.accept([
            OfferOperation(.reserve([disk(64)], source: [])),
            OfferOperation(id: OperationID("op"), .create([volume])),
            .launch(.test("pg", on: id, [.scalar("cpus", 1), volume])),
        ])
        #expect(scheduler.statuses.map(\.state) == [.failed])
        #expect(scheduler.statuses.first?.message == "no space left")
        #expect(scheduler.updates.map(\.state) == [.dropped])
        #expect(cluster.master.agentView(id)?.allocated.isEmpty == true)
        cluster.pass(seconds: 6)
        let offered = scheduler.offers.reduce(into: Resources()) { $0.add($1.resources) }
        #expect(offered == agent.total.allocated(to: "db"))
    }
}
