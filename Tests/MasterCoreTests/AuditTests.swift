import MachineCore
import Model
import Testing

@testable import MasterCore

@Suite struct AuditTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
    }

    private var trail: [AuditEntry] {
        cluster.records.compactMap { record in
            if case .audited(let entry) = record { entry } else { nil }
        }
    }

    private let reserved = Resource.scalar("disk", 64).reserved(for: "db", principal: "ops")

    private var made: Resource {
        reserved.with(
            disk: Disk(
                persistence: Disk.Persistence(id: "v", principal: "ops"),
                volume: Disk.Volume(containerPath: "data")))
    }

    private func volume() throws -> VolumeRow { try #require(cluster.master.volumeRows.first) }

    private func makeVolume() throws -> Resource {
        cluster.operate(.reserve([reserved], source: []), on: id, principal: "ops")
        #expect(cluster.operate(.create([made]), on: id, principal: "ops") == .accepted)
        return made
    }

    @Test func anOperatorsOperationsTellWhoWhatAndWhichVolume() throws {
        let volume = try makeVolume()
        let uuid = try self.volume().volume.uuid
        cluster.operate(.destroy([volume]), on: id, principal: "root")
        #expect(trail.map(\.action) == [.reserve, .create, .destroy])
        #expect(trail.allSatisfy { $0.outcome == .finished && $0.agent == id })
        #expect(trail.map(\.principal) == ["ops", "ops", "root"])
        #expect(trail.map(\.volumes) == [[], [uuid], [uuid]])
        #expect(trail[1].consumed == [reserved])
        #expect(trail[1].converted == [volume])
        #expect(trail.allSatisfy { $0.roles == ["db"] })
        #expect(Set(trail.map(\.operation)).count == 3)
    }

    @Test func aFrameworksOperationsNameIt() throws {
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([
            OfferOperation(id: OperationID("mine"), .reserve([disk(10)], source: []))
        ])
        let entry = try #require(trail.last)
        let framework = try scheduler.id
        #expect(entry.framework == framework)
        #expect(entry.operationID == OperationID("mine"))
        #expect(entry.outcome == .finished)
    }

    @Test func whatFailsOrIsRefusedIsThereWithItsReason() throws {
        cluster.operate(.create([disk(64).volume("v")]), on: id, principal: "ops")
        #expect(trail.last?.outcome == .refused)
        #expect(trail.last?.message?.isEmpty == false)
        #expect(trail.last?.consumed == [disk(64).volume("v")])
        agent.failures[.reserve] = "the journal's disk is full"
        cluster.operate(.reserve([disk(64)], source: []), on: id)
        #expect(trail.last?.outcome == .failed)
        #expect(trail.last?.message == "the journal's disk is full")
        #expect(trail.count == 2)
    }

    /// A refusal changes nothing, so its answer waits for no commit.
    @Test func theAnswerOfARefusalComesBeforeItsEntry() {
        cluster.operate(.unreserve([disk(64)]), on: id)
        let isAnswerFirst = cluster.lastActions.first.map {
            if case .answer = $0 { true } else { false }
        }
        #expect(isAnswerFirst == true)
    }

    /// A full disk has no room for what changes nothing.
    @Test func refusalsOnAFullDiskAreNotKept() {
        cluster.handle(.storageLow(true))
        cluster.operate(.reserve([disk(64)], source: []), on: id)
        #expect(trail.isEmpty)
    }

    @Test func theUseOfAVolumeIsKnownFromLaunchToEnd() throws {
        let volume = try makeVolume()
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([.launch(.test("t", on: id, [.scalar("cpus", 1), volume]))])
        let framework = try scheduler.id
        let key = TaskKey(framework, TaskID("t"))
        #expect(try self.volume().lastUse?.task == key)
        #expect(try self.volume().lastUse?.untilNanoseconds == nil)
        #expect(trail.last?.action == .launch)
        let uuid = try self.volume().volume.uuid
        #expect(trail.last?.volumes == [uuid])
        cluster.pass(seconds: 5)
        cluster.say(
            agent,
            .statusUpdate(
                StatusUpdate(
                    uuid: UpdateUUID("u"), framework: framework, task: key.task, agent: id,
                    state: .finished, source: .executor,
                    timestampNanoseconds: cluster.now.nanoseconds), latestState: .finished))
        #expect(try self.volume().lastUse?.untilNanoseconds == cluster.now.nanoseconds)
        #expect(trail.last?.action == .taskEnded)
        #expect(trail.last?.message == "TASK_FINISHED")
        #expect(trail.last?.task == key.task)
    }

    /// A task may be launched with the volume that is made for it: nothing is in the registry yet.
    @Test func aVolumeIsUsedFromTheACCEPTThatMakesIt() throws {
        let scheduler = cluster.subscribe(.test())
        let volume = disk(8).volume("v")
        try scheduler.accept([
            OfferOperation(.reserve([disk(8)], source: [])), OfferOperation(.create([volume])),
            .launch(.test("t", on: id, [.scalar("cpus", 1), volume])),
        ])
        let uuid = try self.volume().volume.uuid
        #expect(try self.volume().lastUse?.name == "t")
        let launch = try #require(trail.first { $0.action == .launch })
        #expect(launch.volumes == [uuid])
        cluster.restartMaster()
        #expect(try self.volume().lastUse?.name == "t", "stored with the volume")
    }

    /// While its agent is away a task may hold its volumes still.
    @Test func anUnreachableAgentEndsNoUse() throws {
        let volume = try makeVolume()
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([.launch(.test("t", on: id, [.scalar("cpus", 1), volume]))])
        cluster.disconnect(agent)
        cluster.pass(seconds: 200)
        #expect(trail.last?.action == .agentUnreachable)
        #expect(try self.volume().lastUse?.untilNanoseconds == nil)
        // It comes back without the task: the use has ended.
        agent.tasks = [:]
        cluster.connect(agent)
        #expect(try self.volume().lastUse?.untilNanoseconds == cluster.now.nanoseconds)
    }

    @Test func lostFoundAndUnclaimedVolumesHaveTheirLines() throws {
        _ = try makeVolume()
        let brought = agent.volumes
        agent.volumes = []
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(trail.last?.action == .volumeLost)
        #expect(try volume().standing == .lost)
        agent.volumes = brought
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(trail.last?.action == .volumeFound)
        #expect(try volume().standing == .active)
        agent.volumes.append(
            VolumeDescription(
                uuid: VolumeUUID("stranger"), resource: disk(1).volume("s"),
                createdNanoseconds: 1))
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(trail.last?.action == .volumeUnclaimed)
        #expect(trail.last?.volumes == [VolumeUUID("stranger")])
        #expect(cluster.master.volumeRows.count == 2)
    }

    /// The master dies after the agent has done what no registry holds: the next one tells of it.
    @Test func whatAnEarlierMasterDidNotHearOfIsInTheTrailOnce() throws {
        agent.isSilent = true
        cluster.operate(
            .reserve(
                [Resource.scalar("disk", 5).reserved(for: "db", principal: "ops")], source: []),
            on: id, principal: "ops")
        guard case .applyOperation(let operation)? = agent.heard.last else {
            Issue.record("no operation was sent")
            return
        }
        agent.isSilent = false
        _ = agent.hear(.applyOperation(operation))
        cluster.restartMaster()
        #expect(trail.isEmpty)
        cluster.connect(agent)
        #expect(trail.map(\.operation) == [operation.uuid])
        #expect(trail.first?.principal == "ops")
        #expect(trail.first?.outcome == .finished)
        #expect(trail.first?.isRetold == true)
        #expect(!cluster.drops.contains(.booksDiffer))
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(trail.count == 1)
    }

    @Test func endsByOperatorsAndTimeoutsAreThere() throws {
        let scheduler = cluster.subscribe(.test())
        let framework = try scheduler.id
        #expect(cluster.call(.teardown(framework), principal: "root") == .done)
        #expect(trail.map(\.action) == [.teardown, .frameworkRemoved])
        #expect(trail.first?.principal == "root")
        #expect(cluster.call(.markAgentGone(id), principal: "root") == .done)
        #expect(trail.last?.action == .agentGone)
        #expect(trail.last?.agent == id)
    }
}
