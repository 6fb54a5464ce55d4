import Model
import Testing

@testable import MasterCore

@Suite struct OperatorTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
    }

    private func refused(_ kind: OfferOperation.Kind) -> Refusal? {
        cluster.operate(kind, on: id)?.refusal
    }

    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.DynamicReservation
    @Test func aCycleLeavesEverythingAsItWas() throws {
        let volume = disk(256).volume("v1")
        #expect(cluster.operate(.reserve([disk(1024)], source: []), on: id) == .accepted)
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        #expect(cluster.master.volumeRows.count == 1)
        #expect(cluster.operate(.destroy([volume]), on: id) == .accepted)
        #expect(cluster.operate(.unreserve([disk(1024)]), on: id) == .accepted)
        #expect(cluster.master.volumeRows.isEmpty)
        #expect(agent.total == agent.base)
        #expect(cluster.master.agentView(id)?.total == agent.base)
        #expect(agent.results.isEmpty)
    }

    @Test func answersWaitForTheAgent() throws {
        agent.isSilent = true
        let request = RequestID(1000)
        cluster.handle(
            .operatorCalled(
                request, .apply(.reserve([disk(10)], source: []), agent: id), principal: nil))
        #expect(cluster.answers[request] == nil)
        cluster.pass(seconds: 9.9)
        #expect(cluster.answers[request] == nil)
        cluster.pass(seconds: 0.2)
        let pending = try #require(cluster.master.pendingOperations.first?.operation.uuid)
        #expect(cluster.answers[request] == .acceptedPending(pending))
        agent.isSilent = false
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(cluster.master.pendingOperations.isEmpty)
        #expect(agent.total.contains(disk(10)))
    }

    @Test func aRefusingAgentRestoresTheBooks() throws {
        agent.failures[.create] = "no space left on the disk"
        cluster.operate(.reserve([disk(100)], source: []), on: id)
        let before = try #require(cluster.master.agentView(id)?.total)
        let refusal = cluster.operate(.create([disk(100).volume("v")]), on: id)?.refusal
        #expect(refusal == Refusal(.conflict, "no space left on the disk"))
        #expect(cluster.master.agentView(id)?.total == before)
        #expect(cluster.master.volumeRows.isEmpty)
        agent.failures = [:]
        #expect(cluster.operate(.create([disk(100).volume("v")]), on: id) == .accepted)
    }

    /// Operations that were built upon one that failed fail, too, and nothing stays behind.
    @Test func whatDependedOnAFailedOperationFailsToo() throws {
        agent.isSilent = true
        let requests = [RequestID(1001), RequestID(1002)]
        let kinds: [OfferOperation.Kind] = [
            .reserve([disk(100)], source: []), .create([disk(100).volume("v")]),
        ]
        for (request, kind) in zip(requests, kinds) {
            cluster.handle(.operatorCalled(request, .apply(kind, agent: id), principal: nil))
        }
        agent.isSilent = false
        agent.failures[.reserve] = "the journal's disk is full"
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(requests.allSatisfy { cluster.answers[$0]?.refusal?.kind == .conflict })
        #expect(cluster.master.agentView(id)?.total == agent.base)
        #expect(cluster.master.pendingOperations.isEmpty)
    }

    /// Statuses and texts of transcripts 03 and 03b.
    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.InvalidResource
    /// Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.DeleteNonExistentVolume
    @Test func refusalsInMesosWords() throws {
        let place = "agent \(id) at 10.0.0.1:5051 (host)"
        #expect(
            cluster.operate(.reserve([disk(10)], source: []), on: AgentID("nope-S9"))
                == .refused(Refusal(.invalid, "No agent found with specified ID")))
        #expect(refused(.reserve([], source: []))?.kind == .invalid)
        #expect(
            refused(.reserve([.scalar("disk", 10)], source: []))?.message
                == "Invalid RESERVE operation on \(place): Resource disk:10 is not dynamically"
                + " reserved")
        let tooMuch = try #require(refused(.reserve([disk(999_999)], source: [])))
        #expect(tooMuch.kind == .conflict)
        #expect(tooMuch.message.hasSuffix("does not contain disk:999999"))
        #expect(
            refused(.destroy([disk(10).volume("nope")]))
                == Refusal(.invalid, "Invalid DESTROY operation: Persistent volumes not found"))
        #expect(refused(.launch([.test("t", on: id)]))?.kind == .invalid)
        #expect(refused(.refused(Refusal(.invalid, "no")))?.kind == .invalid)
        #expect(cluster.master.ledger.pending(id).isEmpty)
    }

    /// The requests on which a Mesos 1.11 master dies.
    @Test("Reserving nothing is refused, and nobody dies of it")
    func nothingIsReservedAndNobodyDies() throws {
        let nothing = Resource.scalar("disk", 0).reserved(for: "db")
        #expect(refused(.reserve([nothing], source: []))?.kind == .invalid)
        #expect(refused(.unreserve([nothing]))?.kind == .invalid)
        #expect(refused(.create([nothing.volume("z")]))?.kind == .invalid)
        let noPorts = Resource("ports", .ranges(Ranges())).reserved(for: "db")
        #expect(refused(.reserve([noPorts], source: []))?.kind == .invalid)
        #expect(cluster.operate(.reserve([disk(1)], source: []), on: id) == .accepted)
    }

    @Test func duplicatePersistenceIdsAreRefused() throws {
        cluster.operate(.reserve([disk(100)], source: []), on: id)
        let volume = disk(10).volume("v1")
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        #expect(refused(.create([volume]))?.message.hasSuffix("'v1' is not unique") == true)
        #expect(refused(.create([volume]))?.kind == .invalid)
    }

    /// Scenario: reservation_endpoints_tests ReservationEndpointsTest.ReserveOfferedResources
    @Test func offersAreRescindedOnlyAsFarAsNeeded() throws {
        let second = try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        let offers = scheduler.offers
        #expect(offers.count == 2)
        #expect(cluster.operate(.reserve([disk(10)], source: []), on: id) == .accepted)
        let rescinded = try #require(offers.first { $0.agent == id })
        #expect(scheduler.events.contains(.rescind(rescinded.id)))
        #expect(scheduler.offers.contains { $0.agent == second.id })
        cluster.pass(seconds: 6)
        let again = try #require(scheduler.offers.first { $0.agent == id })
        #expect(again.resources.contains(disk(10).with(allocationRole: "db")))
    }

    @Test func nothingIsRescindedForWhatTasksHold() throws {
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([.launch(.test("t", on: id, [.scalar("cpus", 5)]))])
        let held = try scheduler.offer.id
        let wanted = Resource.scalar("cpus", 4).reserved(for: "db")
        let refusal = try #require(refused(.reserve([wanted], source: [])))
        #expect(refusal.kind == .conflict)
        #expect(refusal.message == "cpus:3 does not contain cpus:4")
        #expect(try scheduler.offer.id == held)
    }

    @Test func aVolumeInUseIsNeitherDestroyedNorResized() throws {
        let scheduler = cluster.subscribe(.test())
        let volume = disk(64).volume("data")
        try scheduler.accept([
            OfferOperation(.reserve([disk(128)], source: [])), OfferOperation(.create([volume])),
            .launch(.test("w1", on: id, [.scalar("cpus", 1), volume])),
        ])
        #expect(
            refused(.destroy([volume]))
                == Refusal(.invalid, "Invalid DESTROY operation: Persistent volumes in use"))
        #expect(refused(.grow(volume: volume, addition: disk(1)))?.kind == .conflict)
        let key = TaskKey(try scheduler.id, TaskID("w1"))
        for message in agent.end(key, .finished) { cluster.say(agent, message) }
        #expect(cluster.operate(.destroy([volume]), on: id) == .accepted)
    }

    @Test func growAndShrinkKeepTheVolumesName() throws {
        cluster.operate(.reserve([disk(300)], source: []), on: id)
        let volume = disk(100).volume("v")
        cluster.operate(.create([volume]), on: id)
        let uuid = try #require(agent.volumes.first?.uuid)
        #expect(
            cluster.operate(.grow(volume: volume, addition: disk(50)), on: id) == .accepted)
        let grown = disk(150).volume("v")
        #expect(cluster.master.ledger.volumes[uuid]?.volume.resource.amount == Amount(150))
        let shrink = refused(.shrink(volume: volume, subtract: try #require(Amount(10))))
        #expect(shrink?.kind == .conflict)
        let less = try #require(Amount(100))
        #expect(cluster.operate(.shrink(volume: grown, subtract: less), on: id) == .accepted)
        #expect(agent.volumes.first?.resource.amount == Amount(50))
        #expect(agent.volumes.first?.uuid == uuid)
    }

    @Test func storageLowRefusesWhatNeedsRows() throws {
        #expect(cluster.operate(.reserve([disk(2)], source: []), on: id) == .accepted)
        cluster.handle(.storageLow(true))
        #expect(cluster.operate(.unreserve([disk(1)]), on: id) == .accepted)
        #expect(refused(.reserve([disk(1)], source: []))?.kind == .unavailable)
        #expect(cluster.subscribe(.test()).events.isEmpty)
        cluster.handle(.storageLow(false))
        #expect(cluster.operate(.reserve([disk(1)], source: []), on: id) == .accepted)
    }
}
