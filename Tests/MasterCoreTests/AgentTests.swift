import MachineCore
import Model
import OrderedCollections
import Testing

@testable import MasterCore

@Suite struct AgentTests {
    let cluster = Cluster()

    /// PartitionedSlave and ReregisterSlavePartitionAware; texts of transcript 15.
    @Test func aSilentAgentIsUnreachableAndItsTasksComeBackWithIt() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([.launch(.test("long", on: id))])
        agent.isSilent = true
        cluster.pass(seconds: 73)
        #expect(cluster.master.ledger.agents[id]?.standing == .admitted)
        cluster.pass(seconds: 18)
        #expect(cluster.master.ledger.agents[id]?.standing == .unreachable)
        let lost = try #require(scheduler.updates.last)
        #expect(lost.state == .unreachable)
        #expect(lost.reason == .agentRemoved)
        #expect(lost.message == "health check timed out")
        #expect(lost.source == .master && lost.uuid == nil)
        #expect(
            scheduler.events.contains(.failure(agent: id, executor: nil, status: nil)))
        #expect(agent.connection == nil)
        #expect(cluster.master.framework(try scheduler.id)?.unreachableTasks.count == 1)
        agent.isSilent = false
        cluster.connect(agent)
        #expect(cluster.master.ledger.agents[id]?.standing == .admitted)
        let back = try #require(scheduler.updates.last)
        #expect(back.state == .running)
        #expect(back.reason == .agentReregistered)
        #expect(back.message == "Unreachable agent re-reregistered")
        #expect(cluster.master.framework(try scheduler.id)?.tasks.count == 1)
        #expect(cluster.master.agentView(id)?.allocated.total(of: "cpus") == Amount(1))
    }

    @Test func aLostConnectionCountsLikeSilence() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        cluster.pass(seconds: 100)
        #expect(cluster.master.agents[id] != nil)
        cluster.disconnect(agent)
        cluster.pass(seconds: 91)
        #expect(cluster.master.ledger.agents[id]?.standing == .unreachable)
    }

    /// ReregisterSlaveNotPartitionAware.
    @Test func oldFrameworksHearTaskLostAndTheTaskIsKilledAtReturn() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test(capabilities: .multiRole))
        try scheduler.accept([.launch(.test("t", on: id))])
        cluster.disconnect(agent)
        cluster.pass(seconds: 91)
        let lost = try #require(scheduler.updates.last)
        #expect(lost.state == .lost)
        #expect(lost.message == "health check timed out (TASK_UNREACHABLE)")
        cluster.connect(agent)
        #expect(agent.heard.contains { if case .kill = $0 { true } else { false } })
        #expect(scheduler.updates.last?.state == .killed)
    }

    @Test func volumesOfUnreachableAgentsStayListed() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        cluster.operate(.reserve([disk(10)], source: []), on: id)
        cluster.operate(.create([disk(10).volume("v")]), on: id)
        cluster.disconnect(agent)
        cluster.pass(seconds: 91)
        #expect(cluster.master.volumeRows.map(\.standing) == [.active])
        #expect(cluster.master.agentView(id)?.total == agent.total)
        cluster.restartMaster()
        #expect(cluster.master.volumeRows.count == 1)
        #expect(cluster.master.agentView(id)?.total == agent.total)
    }

    @Test func agentsThatDoNotReturnToARestartedMasterAreUnreachable() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let other = try cluster.addAgent()
        cluster.restartMaster()
        #expect(cluster.master.agentView(id)?.isRecovered == true)
        #expect(
            cluster.operate(.reserve([disk(1)], source: []), on: id)?.refusal?.kind == .unavailable)
        cluster.connect(other)
        cluster.pass(seconds: 601)
        #expect(cluster.master.ledger.agents[id]?.standing == .unreachable)
        let otherID = try #require(other.id)
        #expect(cluster.master.ledger.agents[otherID]?.standing == .admitted)
    }

    @Test func anAgentKeepsItsIdOverRestartsOfBoth() throws {
        let agent = try cluster.addAgent()
        let id = agent.id
        cluster.disconnect(agent)
        agent.bootID = "boot-2"
        cluster.connect(agent)
        #expect(agent.id == id)
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(agent.id == id)
        #expect(cluster.master.ledger.agentRows.count == 1)
        let second = try cluster.addAgent()
        #expect(second.id != id)
    }

    @Test func aNewConnectionReplacesTheOldOne() throws {
        let agent = try cluster.addAgent()
        let old = try #require(agent.connection)
        cluster.connect(agent)
        #expect(agent.connection != old)
        let id = try #require(agent.id)
        #expect(cluster.master.agents[id]?.connection == agent.connection)
        cluster.handle(.agentDisconnected(old))
        #expect(cluster.master.agents[id]?.isConnected == true)
    }

    @Test func strangersAreNotHeard() throws {
        let connection = ConnectionID(77)
        cluster.handle(.agentConnected(connection, address: "x"))
        cluster.handle(.agentSaid(connection, .pong(1)))
        #expect(cluster.lastActions.contains(.closeConnection(connection)))
        #expect(cluster.drops.contains(.agentNotRegistered))
    }

    @Test func booksThatDoNotAddUpAreRefused() throws {
        let agent = try FakeAgent("cpus:1;mem:100")
        agent.total.add(.scalar("cpus", 5))
        cluster.agents.append(agent)
        cluster.connect(agent)
        #expect(agent.id == nil)
        #expect(agent.connection == nil)
        #expect(cluster.drops == [.agentRefused])
    }

    /// The registry is lost: everybody comes back with what they have.
    @Test func anAgentUnknownToTheRegistryIsAdmittedWithWhatItBrings() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        let volume = disk(10).volume("v")
        try scheduler.accept([
            OfferOperation(.reserve([disk(10)], source: [])), OfferOperation(.create([volume])),
            .launch(.test("t", on: id, [.scalar("cpus", 1), volume])),
        ])
        cluster.records = []
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(agent.id == id)
        #expect(cluster.master.volumeRows.map(\.standing) == [.unclaimed])
        #expect(cluster.master.framework(try scheduler.id)?.isRecovered == true)
        #expect(
            cluster.master.agentView(id)?.allocated.contains(volume.with(allocationRole: nil))
                == false)
        let back = cluster.subscribe(.test(id: try scheduler.id))
        try back.call(.reconcile([]))
        #expect(back.updates.last?.state == .running)
        #expect(cluster.operate(.destroy([volume]), on: id)?.refusal?.kind == .invalid)
    }

    @Test func lostAndFoundVolumes() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        cluster.operate(.reserve([disk(10)], source: []), on: id)
        cluster.operate(.create([disk(10).volume("v")]), on: id)
        let (total, volumes) = (agent.total, agent.volumes)
        agent.total = agent.base
        agent.volumes = []
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(cluster.master.volumeRows.map(\.standing) == [.lost])
        #expect(cluster.master.agentView(id)?.total == agent.base)
        (agent.total, agent.volumes) = (total, volumes)
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(cluster.master.volumeRows.map(\.standing) == [.active])
        #expect(cluster.operate(.destroy([disk(10).volume("v")]), on: id) == .accepted)
    }

    /// The directory is gone, but the agent's books still have the volume.
    @Test func aLostVolumeCanBeDestroyed() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let volume = disk(10).volume("v")
        cluster.operate(.reserve([disk(10)], source: []), on: id)
        cluster.operate(.create([volume]), on: id)
        agent.volumes = []
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(cluster.master.volumeRows.map(\.standing) == [.lost])
        #expect(cluster.operate(.destroy([volume]), on: id) == .accepted)
        #expect(cluster.master.volumeRows.isEmpty)
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        #expect(cluster.master.volumeRows.map(\.standing) == [.active])
    }

    @Test func markedGone() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([.launch(.test("t", on: id))])
        #expect(cluster.call(.markAgentGone(id)) == .done)
        #expect(cluster.call(.markAgentGone(id)) == .done)
        #expect(cluster.call(.markAgentGone(AgentID("zz")))?.refusal?.kind == .notFound)
        let update = try #require(scheduler.updates.last)
        #expect(update.state == .goneByOperator)
        #expect(update.reason == .agentRemovedByOperator)
        #expect(update.message == "Agent has been marked gone")
        #expect(
            agent.heard.contains(.refused("Agent has been marked gone", isFinal: true)))
        cluster.connect(agent)
        #expect(agent.connection == nil)
        #expect(cluster.master.agents.isEmpty)
    }

    @Test func volumeReportsAreKeptAndTheUseIsNotStored() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        cluster.operate(.reserve([disk(10)], source: []), on: id)
        cluster.operate(.create([disk(10).volume("v")]), on: id)
        let uuid = try #require(agent.volumes.first?.uuid)
        var report = VolumeReport(
            uuid: uuid, backend: "loop", enforcement: .kernel, growsWhileMounted: true,
            usableBytes: 9_000_000, usedBytes: 1)
        cluster.say(agent, .volumeReport([report]))
        #expect(cluster.lastActions.count == 1)
        report.usedBytes = 2
        cluster.say(agent, .volumeReport([report]))
        #expect(cluster.lastActions.isEmpty)
        #expect(cluster.master.volumeRows.first?.report == report)
        cluster.restartMaster()
        #expect(cluster.master.volumeRows.first?.report?.enforcement == .kernel)
    }
}
