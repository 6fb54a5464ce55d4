import AllocatorCore
import Model
import Testing

@testable import MasterCore

/// GROW_VOLUME of an operator while a task uses the volume.
@Suite struct HeldVolumeTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let scheduler: FakeScheduler
    let volume = disk(100).volume("v")
    let grown = disk(150).volume("v")
    let key: TaskKey

    /// A task `t` on the volume, and 100 MiB more that are reserved for its role.
    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        scheduler = cluster.subscribe(.test())
        key = TaskKey(try scheduler.id, TaskID("t"))
        try scheduler.accept([
            OfferOperation(.reserve([disk(200)], source: [])), OfferOperation(.create([volume])),
            .launch(.test("t", on: id, [.scalar("cpus", 1), volume])),
        ])
        try report(growsWhileMounted: true)
    }

    private func report(growsWhileMounted: Bool) throws {
        let uuid = try #require(agent.volumes.first?.uuid)
        cluster.say(
            agent,
            .volumeReport([
                VolumeReport(
                    uuid: uuid, backend: "loop-xfs", enforcement: .kernel,
                    growsWhileMounted: growsWhileMounted)
            ]))
    }

    @discardableResult
    private func grow(_ volume: Resource? = nil, by addition: Resource = disk(50)) -> Answer? {
        cluster.operate(.grow(volume: volume ?? self.volume, addition: addition), on: id)
    }

    /// The volume as task, framework, agent and inventory have it; it must be the same for all.
    private func size() throws -> Amount {
        let task = try #require(cluster.master.framework(key.framework)?.tasks[key.task])
        let held = task.booked.first { $0.isPersistentVolume }
        let booked = try #require(held)
        #expect(task.description.resources.contains(booked))
        #expect(
            cluster.master.allocator.allocated(id, key.framework).contains(booked))
        let total = try #require(cluster.master.agentView(id)?.total)
        #expect(total.contains(booked.with(allocationRole: nil)))
        return booked.amount
    }

    @Test func theTaskHoldsTheLargerVolumeAndGoesOn() throws {
        let updates = scheduler.updates.count
        #expect(grow() == .accepted)
        #expect(try size() == grown.amount)
        #expect(agent.total.contains(grown))
        #expect(cluster.master.volumeRows.first?.volume.resource.amount == grown.amount)
        #expect(scheduler.updates.count == updates)
        #expect(grow(grown, by: disk(50)) == .accepted)
        #expect(try size() == disk(200).amount)
        // When it has ended all of the volume is offered again.
        cluster.say(agent, try #require(agent.end(key, .finished).first))
        cluster.pass(seconds: 1)
        #expect(
            scheduler.offers.contains {
                $0.resources.contains(
                    disk(200).volume("v").with(allocationRole: "db"))
            })
    }

    @Test func onlyWhereTheAgentSaysThatItCan() throws {
        try report(growsWhileMounted: false)
        let refusal = try #require(grow()?.refusal)
        #expect(refusal.kind == .conflict)
        #expect(
            refusal.message.hasSuffix(
                "is in use by task 't', and its backend loop-xfs does not grow while mounted: end"
                    + " the task first"))
        #expect(try size() == volume.amount)
        #expect(cluster.master.pendingOperations.isEmpty)
    }

    @Test func anAgentThatHasNotToldYetIsWaitedFor() throws {
        let other = Cluster()
        let agent = try other.addAgent()
        let id = try #require(agent.id)
        let scheduler = other.subscribe(.test())
        try scheduler.accept([
            OfferOperation(.reserve([disk(200)], source: [])), OfferOperation(.create([volume])),
            .launch(.test("t", on: id, [.scalar("cpus", 1), volume])),
        ])
        let answer = other.operate(.grow(volume: volume, addition: disk(50)), on: id)
        #expect(answer?.refusal?.message.contains("has not told yet") == true)
    }

    @Test func theAdditionMustBeFreeAndOfTheSameReservation() throws {
        #expect(grow(by: disk(101))?.refusal?.kind == .conflict)
        #expect(grow(by: disk(50, for: "other"))?.refusal?.kind == .invalid)
        #expect(grow(by: .scalar("disk", 50))?.refusal?.kind == .invalid)
        #expect(grow(disk(90).volume("v"))?.refusal?.kind == .conflict)
        // What is offered is rescinded, as for any call of an operator.
        cluster.pass(seconds: 6)
        let offer = try #require(
            scheduler.offers.first {
                $0.resources.contains(disk(100).with(allocationRole: "db"))
            })
        #expect(grow() == .accepted)
        #expect(!scheduler.offers.contains { $0.id == offer.id })
        // And what another task holds is not.
        cluster.pass(seconds: 6)
        try scheduler.accept([.launch(.test("u", on: id, [.scalar("cpus", 1), disk(20)]))])
        #expect(grow(grown, by: disk(40))?.refusal?.kind == .conflict)
        #expect(try size() == grown.amount)
    }

    @Test func anAgentThatRefusesLeavesEverythingAsItWas() throws {
        agent.failures[.grow] = "no space left on the disk"
        let before = try #require(cluster.master.agentView(id)?.total)
        #expect(grow()?.refusal == Refusal(.conflict, "no space left on the disk"))
        #expect(try size() == volume.amount)
        #expect(cluster.master.agentView(id)?.total == before)
        #expect(cluster.master.pendingOperations.isEmpty)
        agent.failures = [:]
        #expect(grow() == .accepted)
        #expect(try size() == grown.amount)
    }

    @Test(arguments: [nil, "no space left on the disk"])
    func aTaskThatEndsMeanwhileLeavesTheRightSize(_ failure: String?) throws {
        agent.isSilent = true
        grow()
        #expect(try size() == grown.amount)
        agent.isSilent = false
        agent.failures[.grow] = failure
        cluster.say(agent, try #require(agent.end(key, .finished).first))
        cluster.disconnect(agent)
        cluster.connect(agent)
        let left = failure == nil ? grown : volume
        #expect(cluster.master.agentView(id)?.total.contains(left) == true)
        cluster.pass(seconds: 6)
        #expect(
            scheduler.offers.contains {
                $0.resources.contains(left.with(allocationRole: "db"))
            })
    }

    /// kill -9 of the master between any two steps.
    @Test(arguments: ["not sent", "applied, not told", "told"])
    func theMasterDiesInBetween(_ moment: String) throws {
        agent.isSilent = moment == "not sent"
        if moment == "told" {
            #expect(grow() == .accepted)
        } else {
            let connection = agent.connection
            cluster.handle(
                .operatorCalled(
                    RequestID(900),
                    .apply(.grow(volume: volume, addition: disk(50)), agent: id),
                    principal: nil))
            #expect(agent.connection == connection)
        }
        #expect(agent.total.contains(grown) == (moment != "not sent"))
        cluster.restartMaster()
        agent.isSilent = false
        cluster.connect(agent)
        #expect(try size() == grown.amount)
        #expect(agent.total.contains(grown))
        #expect(cluster.master.pendingOperations.isEmpty)
    }

    @Test func aReconnectionKeepsTheSizeOfAPendingGrowth() throws {
        agent.isSilent = true
        grow()
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(try size() == grown.amount)
        agent.isSilent = false
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(try size() == grown.amount)
        #expect(agent.total.contains(grown))
    }

    @Test func mesosRulesStayForTheRest() throws {
        let less = try #require(Amount(50))
        #expect(
            cluster.operate(.shrink(volume: volume, subtract: less), on: id)?.refusal?.kind
                == .conflict)
        cluster.pass(seconds: 6)
        try scheduler.accept([
            OfferOperation(
                id: OperationID("grow"), .grow(volume: volume, addition: disk(50)))
        ])
        #expect(scheduler.statuses.last?.state == .error)
        #expect(try size() == volume.amount)
    }
}
