import Model
import Testing

@testable import MasterCore

@Suite struct LaunchTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let scheduler: FakeScheduler

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        scheduler = cluster.subscribe(.test())
    }

    @Test func reserveCreateLaunchInOneAcceptReachTheAgentInOrder() throws {
        agent.heard = []
        let volume = disk(64).volume("data")
        try scheduler.accept([
            OfferOperation(.reserve([disk(64)], source: [])),
            OfferOperation(.create([volume])),
            .launch(.test("pg", on: id, [.scalar("cpus", 1), volume])),
        ])
        let kinds = agent.heard.compactMap { message in
            switch message {
            case .applyOperation(let operation): operation.type.rawValue
            case .launch: "LAUNCH"
            default: nil
            }
        }
        #expect(kinds == ["RESERVE", "CREATE", "LAUNCH"])
        #expect(scheduler.updates.last?.state == .running)
        let row = try #require(cluster.master.volumeRows.first)
        #expect(row.standing == .active)
        #expect(row.volume.framework == (try scheduler.id))
        #expect(row.volume.uuid == agent.volumes.first?.uuid)
        #expect(try scheduler.offer.resources.total(of: "disk") == Amount(10_240 - 64))
    }

    @Test func recordsPrecedeWhatDependsOnThem() throws {
        try scheduler.accept([OfferOperation(.reserve([disk(64)], source: []))])
        var stored: Set<OperationUUID> = []
        cluster.handle(
            .schedulerCalled(
                RequestID(999), try scheduler.id,
                .accept(
                    offers: [try scheduler.offer.id],
                    operations: [
                        OfferOperation(.create([disk(64).volume("v")]))
                    ],
                    refuseSeconds: 0), stream: scheduler.uuid))
        for action in cluster.lastActions {
            if case .store(.operationStored(let row)) = action { stored.insert(row.operation.uuid) }
            if case .send(_, .applyOperation(let operation)) = action {
                #expect(stored.contains(operation.uuid))
            }
        }
        #expect(stored.count == 1)
    }

    /// The texts of transcripts 06 and 08.
    @Test func taskErrorsInMesosWords() throws {
        func error(_ task: TaskDescription) throws -> String? {
            try scheduler.accept([.launch(task)])
            let update = try #require(scheduler.updates.last)
            #expect(update.state == .error)
            #expect(update.reason == .taskInvalid)
            #expect(update.source == .master && update.uuid == nil)
            return update.message
        }
        #expect(try error(.test("a/b", on: id)) == "'a/b' contains invalid characters")
        #expect(try error(.test("", on: id)) == "ID must not be empty")
        #expect(try error(.test("t", on: id, [])) == "Task uses no resources")
        #expect(
            try error(.test("t", on: AgentID("zz")))
                == "Task uses invalid agent zz while agent \(id) is expected")
        var neither = TaskDescription.test("t", on: id)
        neither.hasCommand = false
        #expect(
            try error(neither)
                == "Task should have at least one (but not both) of CommandInfo or ExecutorInfo"
                + " present")
        var both = TaskDescription.test("t", on: id)
        both.executor = ExecutorDescription(id: ExecutorID("e"), kind: .custom)
        #expect(try error(both) == (try error(neither)))
        let big = try error(.test("big", on: id, [.scalar("cpus", 900)]))
        #expect(
            big?.hasPrefix(
                "Total resources cpus(allocated: db):900 required by task and its executor is more"
                    + " than available ") == true)
        #expect(cluster.master.framework(try scheduler.id)?.tasks.isEmpty == true)
    }

    @Test func duplicateTaskIdsInOneCall() throws {
        try scheduler.accept([.launch(.test("dup", on: id), .test("dup", on: id))])
        let states = scheduler.updates.map(\.state)
        #expect(states.sorted { $0.rawValue < $1.rawValue } == [.error, .running])
        #expect(
            scheduler.updates.first { $0.state == .error }?.message == "Task has duplicate ID: dup")
    }

    @Test func anOperationIdIsNotForLaunches() throws {
        var launch = OfferOperation.launch(.test("wid", on: id))
        launch.id = OperationID("op-launch")
        try scheduler.accept([launch])
        #expect(
            scheduler.updates.last?.message
                == "The `id` field cannot be set on LAUNCH operations")
    }

    @Test func aLaunchThatNeedsADroppedOperationFails() throws {
        let volume = disk(4).volume("s1")
        try scheduler.accept([
            OfferOperation(.create([volume])),
            .launch(.test("dep", on: id, [.scalar("cpus", 1), volume])),
        ])
        #expect(scheduler.updates.last?.state == .error)
        #expect(cluster.master.offers.count == 1)
    }

    @Test func theRestComesBackAfterTheFilter() throws {
        try scheduler.accept([.launch(.test("t", on: id))], refuseSeconds: nil)
        #expect(scheduler.offers.isEmpty)
        cluster.pass(seconds: 5.1)
        #expect(try scheduler.offer.resources.total(of: "cpus") == Amount(7))
    }

    @Test func executorsAreBookedOnceAndFreedAtTheirEnd() throws {
        let executor = ExecutorDescription(
            id: ExecutorID("e"), kind: .custom, resources: [.scalar("mem", 100)])
        func task(_ name: String) -> TaskDescription {
            var task = TaskDescription.test(name, on: id)
            task.hasCommand = false
            task.executor = executor
            return task
        }
        try scheduler.accept([.launch(task("a"), task("b"))])
        #expect(scheduler.updates.map(\.state) == [.running, .running])
        let view = try #require(cluster.master.agentView(id))
        #expect(view.allocated.total(of: "mem") == Amount(100))
        #expect(view.allocated.total(of: "cpus") == Amount(2))
        var other = task("c")
        other.executor?.payload = Payload([1])
        try scheduler.accept([.launch(other)])
        #expect(scheduler.updates.last?.message?.contains("not compatible") == true)
        try scheduler.call(.shutdown(ExecutorID("e"), agent: id))
        #expect(
            scheduler.events.contains(
                .failure(agent: id, executor: ExecutorID("e"), status: 0)))
        #expect(cluster.master.agentView(id)?.allocated.total(of: "mem") == .zero)
    }

    /// What has no meaning is answered alone; the rest of the ACCEPT is done, nothing is lost.
    @Test func meaninglessStepsDoNotStopTheOthers() throws {
        var faulty = TaskDescription.test("nan", on: id, [])
        faulty.fault = Refusal(.invalid, "Resource 'cpus:nan' is invalid")
        try scheduler.accept([
            OfferOperation(id: OperationID("op"), .refused(Refusal(.invalid, "no amount"))),
            OfferOperation(.refused(Refusal(.invalid, "no amount"))),
            .launch(faulty, .test("zero", on: id, [.scalar("cpus", 0)]), .test("good", on: id)),
            OfferOperation(id: OperationID("zero"), .reserve([disk(0)], source: [])),
            OfferOperation(.reserve([disk(64)], source: [])),
        ])
        let ends = scheduler.updates.map { "\($0.task) \($0.state.rawValue)" }
        #expect(ends == ["nan TASK_ERROR", "zero TASK_ERROR", "good TASK_RUNNING"])
        #expect(scheduler.updates.first?.reason == .taskInvalid)
        #expect(scheduler.updates.first?.message == "Resource 'cpus:nan' is invalid")
        #expect(scheduler.statuses.map(\.state) == [.error, .error])
        #expect(scheduler.statuses.first?.message?.hasPrefix("no amount; on agent") == true)
        let view = try #require(cluster.master.agentView(id))
        #expect(view.allocated.total(of: "cpus") == Amount(1))
        #expect(view.total.contains(disk(64)))
        let offered = try scheduler.offer.resources
        #expect(
            offered.total(of: "cpus") == view.total.total(of: "cpus") - (try #require(Amount(1))))
        #expect(offered.total(of: "disk") == view.total.total(of: "disk"))
    }

    @Test func meaninglessStepsOnOffersThatAreGoneAreToldToo() throws {
        var faulty = TaskDescription.test("nan", on: id, [])
        faulty.fault = Refusal(.invalid, "Resource 'cpus:nan' is invalid")
        try scheduler.call(
            .accept(
                offers: [OfferID("none")],
                operations: [
                    OfferOperation(id: OperationID("op"), .refused(Refusal(.invalid, "no"))),
                    .launch(faulty),
                ], refuseSeconds: nil))
        #expect(scheduler.updates.map(\.state) == [.dropped])
        #expect(scheduler.statuses.map(\.state) == [.error])
    }

    @Test func groupsStartWholeOrNotAtAll() throws {
        let custom = ExecutorDescription(
            id: ExecutorID("g"), kind: .custom, resources: [.scalar("mem", 32)])
        let group = OfferOperation(
            .launchGroup(
                custom, [.test("a", on: id), .test("b", on: id, [.scalar("cpus", 100)])]))
        try scheduler.accept([group])
        #expect(scheduler.updates.map(\.state) == [.error, .error])
        #expect(scheduler.updates.allSatisfy { $0.reason == .taskGroupInvalid })
        try scheduler.accept([
            OfferOperation(.launchGroup(custom, [.test("a", on: id), .test("b", on: id)]))
        ])
        #expect(scheduler.updates.suffix(2).map(\.state) == [.running, .running])
        let builtIn = ExecutorDescription(id: ExecutorID("d"), kind: .default)
        try scheduler.accept([OfferOperation(.launchGroup(builtIn, [.test("c", on: id)]))])
        #expect(scheduler.updates.last?.state == .error)
    }

    /// SharedPersistentVolumeMultipleTasks.
    /// Scenario: persistent_volume_tests PersistentVolumeTest.SharedPersistentVolumeMultipleTasks
    @Test func sharedVolumesServeSeveralTasksAndAreDestroyedUnusedOnly() throws {
        let volume = disk(16).volume("shv", isShared: true)
        try scheduler.accept([
            OfferOperation(.reserve([disk(16)], source: [])),
            OfferOperation(.create([volume])),
            .launch(
                .test("sh1", on: id, [.scalar("cpus", 1), volume]),
                .test("sh2", on: id, [.scalar("cpus", 1), volume])),
        ])
        #expect(scheduler.updates.map(\.state) == [.running, .running])
        #expect(try scheduler.offer.resources.contains { $0.isShared })
        try scheduler.accept([OfferOperation(id: OperationID("op-dsh"), .destroy([volume]))])
        #expect(scheduler.statuses.last?.message?.hasPrefix("Persistent volumes in use") == true)
        for name in ["sh1", "sh2"] {
            let key = TaskKey(try scheduler.id, TaskID(name))
            for message in agent.end(key, .finished) { cluster.say(agent, message) }
        }
        try scheduler.call(.decline(offers: scheduler.offers.map(\.id), refuseSeconds: 0))
        cluster.pass(seconds: 0.1)
        let all = scheduler.offers.map(\.id)
        try scheduler.call(
            .accept(
                offers: all,
                operations: [OfferOperation(id: OperationID("op-d"), .destroy([volume]))],
                refuseSeconds: 0))
        #expect(scheduler.statuses.last?.state == .finished)
        #expect(cluster.master.volumeRows.isEmpty)
    }
}
