import MachineCore
import Model
import Testing

@testable import MasterCore

/// A lost volume leaves the registry only if nothing else can know it.
@Suite struct ForgetTests {
    private func forget(_ cluster: Cluster, _ uuid: VolumeUUID) throws -> Answer? {
        cluster.call(.forgetVolume(uuid, try ForgetNote(requester: "ann", reason: "gone")))
    }

    private func refusal(_ answer: Answer?) -> String {
        if case .refused(let refusal) = answer { return "\(refusal.kind): \(refusal.message)" }
        return "\(String(describing: answer))"
    }

    private func withVolume(_ cluster: Cluster) throws -> (FakeAgent, VolumeUUID) {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        cluster.operate(.reserve([disk(100)], source: []), on: id)
        cluster.operate(.create([disk(60).volume("v")]), on: id)
        let row = try #require(cluster.master.volumeRows.first)
        return (agent, row.volume.uuid)
    }

    @Test func oneThatIsBeingDestroyedIsNotForgotten() throws {
        let cluster = Cluster()
        let (agent, uuid) = try withVolume(cluster)
        let id = try #require(agent.id)
        cluster.disconnect(agent)
        agent.volumes = []
        cluster.connect(agent)
        agent.isSilent = true
        cluster.operate(.destroy([disk(60).volume("v")]), on: id)
        #expect(try refusal(forget(cluster, uuid)).contains("conflict"))
        // And if the agent can't, it can be asked again.
        agent.isSilent = false
        agent.failures[.destroy] = "no"
        cluster.disconnect(agent)
        cluster.connect(agent)
        agent.failures = [:]
        #expect(cluster.operate(.destroy([disk(60).volume("v")]), on: id) == .accepted)
        #expect(cluster.master.volumeRows.isEmpty)
    }

    @Test func whatAnythingElseMayKnowStays() throws {
        let cluster = Cluster()
        let (agent, uuid) = try withVolume(cluster)
        let id = try #require(agent.id)
        let rows = cluster.master.volumeRows
        #expect(try refusal(forget(cluster, VolumeUUID("none"))).contains("notFound"))
        #expect(try refusal(forget(cluster, uuid)).contains("is active"))
        // Lost on its disks, and still in the agent's books.
        cluster.disconnect(agent)
        let volumes = agent.volumes
        agent.volumes = []
        cluster.connect(agent)
        #expect(cluster.master.volumeRows.map(\.standing) == [.lost])
        #expect(try refusal(forget(cluster, uuid)).contains("DESTROY_VOLUMES"))
        cluster.restartMaster()
        #expect(try refusal(forget(cluster, uuid)).contains("is not there"))
        agent.volumes = volumes
        cluster.connect(agent)
        #expect(cluster.master.volumeRows.map(\.volume) == rows.map(\.volume))
        cluster.disconnect(agent)
        cluster.pass(seconds: 100)
        #expect(cluster.master.absence(of: id) == "unreachable")
        #expect(try refusal(forget(cluster, uuid)).contains("is active"))
    }

    @Test func thatOfAGoneAgentIsForgottenAndTheTrailTellsOfIt() throws {
        let cluster = Cluster()
        let (agent, uuid) = try withVolume(cluster)
        cluster.call(.markAgentGone(try #require(agent.id)))
        #expect(try forget(cluster, uuid) == .done)
        #expect(cluster.master.volumeRows.isEmpty)
        let told = cluster.records.compactMap { record -> AuditEntry? in
            if case .audited(let entry) = record { entry } else { nil }
        }
        #expect(told.last?.action == .volumeForgotten)
        #expect(told.last?.volumes == [uuid] && told.last?.message == "asked by ann: gone")
        cluster.restartMaster()
        #expect(cluster.master.volumeRows.isEmpty)
        #expect(try refusal(forget(cluster, uuid)).contains("notFound"))
    }

    /// The agent came back with empty books; a volume of the same name was made since.
    @Test func anOldOneOfTheSameNameIsForgotten() throws {
        let cluster = Cluster()
        let (agent, uuid) = try withVolume(cluster)
        let id = try #require(agent.id)
        cluster.disconnect(agent)
        agent.volumes = []
        agent.total = agent.base
        cluster.connect(agent)
        cluster.operate(.reserve([disk(100)], source: []), on: id)
        cluster.operate(.create([disk(60).volume("v")]), on: id)
        #expect(cluster.master.volumeRows.count == 2)
        #expect(try forget(cluster, uuid) == .done)
        let left = try #require(cluster.master.volumeRows.first)
        #expect(left.standing == .active && cluster.master.volumeRows.count == 1)
        let answer = cluster.operate(.destroy([disk(60).volume("v")]), on: id)
        #expect(answer == .accepted)
    }

    @Test func longTextsAreRefused() throws {
        let long = String(repeating: "x", count: 1_001)
        #expect(throws: Refusal.self) { try ForgetNote(requester: long, reason: nil) }
        #expect(throws: Refusal.self) { try ForgetNote(requester: nil, reason: long) }
        #expect(try ForgetNote(requester: nil, reason: nil).text == nil)
    }
}
