import MachineCore
import Model
import OrderedCollections
import Testing

@testable import MasterCore

@Suite struct RecoveryTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
    }

    private func request(_ kind: OfferOperation.Kind) -> RequestID {
        let request = RequestID(cluster.number())
        cluster.handle(.operatorCalled(request, .apply(kind, agent: id), principal: nil))
        cluster.settle()
        return request
    }

    private func sequences() -> [UInt64] {
        agent.heard.compactMap { message in
            if case .applyOperation(let operation) = message { return operation.sequence }
            return nil
        }
    }

    @Test func anAgentThatKeptAllThatItMayComesBack() throws {
        var options = MasterOptions()
        options.limits.pendingOperationsPerAgent = 4
        let cluster = Cluster(options: options)
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        for name in ["a", "b"] {
            try scheduler.acceptAll([
                OfferOperation(id: OperationID(name), .reserve([disk(1)], source: []))
            ])
        }
        #expect(agent.results.count == 2)
        agent.isSilent = true
        for _ in 0..<4 { cluster.operate(.reserve([disk(1)], source: []), on: id) }
        // It has done them, and nobody has heard of it.
        agent.isSilent = false
        for case .applyOperation(let operation) in agent.heard
        where operation.sequence > agent.lastSequence {
            _ = agent.hear(.applyOperation(operation))
        }
        #expect(agent.results.count == 6)
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(cluster.master.agents[id]?.isConnected == true)
        #expect(agent.results.count == 2)
    }

    @Test func replayedRecordsGiveTheSameState() throws {
        let scheduler = cluster.subscribe(.test())
        let volume = disk(10).volume("v")
        try scheduler.accept([
            OfferOperation(.reserve([disk(10)], source: [])), OfferOperation(.create([volume])),
        ])
        agent.isSilent = true
        _ = request(.reserve([disk(5)], source: []))
        cluster.disconnect(agent)
        var replayed = Ledger()
        for record in cluster.records { replayed.apply(record) }
        #expect(replayed == cluster.master.ledger)
        let before = cluster.master.ledger
        cluster.restartMaster()
        #expect(cluster.master.ledger == before)
        #expect(cluster.master.pendingOperations.count == 1)
        #expect(cluster.master.volumeRows.count == 1)
        #expect(cluster.master.clusterID == before.clusterID)
    }

    /// The answer got lost with the master: the agent tells it again.
    @Test func resultsThatTheMasterMissedAreTakenAtRegistration() throws {
        agent.isSilent = true
        _ = request(.reserve([disk(5)], source: []))
        guard case .applyOperation(let operation)? = agent.heard.last else {
            Issue.record("no operation was sent")
            return
        }
        agent.isSilent = false
        _ = agent.hear(.applyOperation(operation))
        #expect(agent.results.count == 1)
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(agent.results.isEmpty)
        #expect(cluster.master.pendingOperations.isEmpty)
        #expect(cluster.master.ledger.confirmed(id) == agent.total)
        #expect(sequences() == [1, 1])
    }

    /// Nobody was told of them yet: an operation that the next master can't hear of is gone.
    @Test func provisionalOperationsAreNotStored() throws {
        let before = cluster.records.count
        agent.isSilent = true
        let request = request(.reserve([disk(5)], source: []))
        #expect(cluster.records.count == before)
        #expect(cluster.answers[request] == nil)
        #expect(cluster.master.pendingOperations.count == 1)
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(cluster.master.pendingOperations.isEmpty)
        agent.isSilent = false
        #expect(cluster.operate(.reserve([disk(7)], source: []), on: id) == .accepted)
        #expect(agent.gaps == 0)
        #expect(cluster.master.ledger.confirmed(id) == agent.total)
    }

    /// An answer that names a pending operation outlives the master, and so does one whose agent
    /// is away.
    @Test(arguments: [true, false])
    func pendingOperationsThatSomebodyKnowsAreStored(_ isTold: Bool) throws {
        agent.isSilent = true
        let request = request(.reserve([disk(5)], source: []))
        if isTold {
            cluster.pass(seconds: 11)
            guard case .acceptedPending(let uuid)? = cluster.answers[request] else {
                Issue.record("no UUID in \(String(describing: cluster.answers[request]))")
                return
            }
            #expect(cluster.master.pendingOperations.map(\.operation.uuid) == [uuid])
        } else {
            cluster.disconnect(agent)
        }
        cluster.restartMaster()
        #expect(cluster.master.pendingOperations.count == 1)
        agent.isSilent = false
        cluster.connect(agent)
        #expect(cluster.master.pendingOperations.isEmpty)
        #expect(agent.lastSequence == 1)
    }

    /// The agent has begun what the last master did not live to store.
    @Test func operationsInFlightAreTakenUpFromTheAgent() throws {
        agent.isSilent = true
        _ = request(.reserve([disk(50)], source: []))
        guard case .applyOperation(let operation)? = agent.heard.last else {
            Issue.record("no operation was sent")
            return
        }
        agent.inFlight = [operation]
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(cluster.master.pendingOperations.map(\.operation) == [operation])
        let next = request(.reserve([disk(7)], source: []))
        agent.isSilent = false
        for message in agent.hear(.applyOperation(operation)) { cluster.say(agent, message) }
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(cluster.answers[next] == .accepted)
        #expect(cluster.master.pendingOperations.isEmpty)
        #expect(agent.gaps == 0)
        #expect(cluster.master.ledger.confirmed(id) == agent.total)
    }

    /// An agent that dies in the midst of work on a volume has to hear of it again.
    @Test func operationsOnVolumesAreStoredBeforeTheyAreSent() throws {
        cluster.operate(.reserve([disk(50)], source: []), on: id)
        agent.isSilent = true
        _ = request(.create([disk(50).volume("v")]))
        cluster.restartMaster()
        #expect(cluster.master.pendingOperations.count == 1)
        agent.isSilent = false
        cluster.connect(agent)
        #expect(cluster.master.pendingOperations.isEmpty)
        #expect(cluster.master.volumeRows.map(\.standing) == [.active])
    }

    @Test func operationsAboveTheLastNumberAreSentAgainInOrder() throws {
        agent.isSilent = true
        let requests = [
            request(.reserve([disk(50)], source: [])), request(.create([disk(50).volume("v")])),
            request(.destroy([disk(50).volume("v")])),
        ]
        agent.heard = []
        agent.isSilent = false
        cluster.disconnect(agent)
        cluster.connect(agent)
        #expect(sequences() == [1, 2, 3])
        #expect(requests.allSatisfy { cluster.answers[$0] == .accepted })
        #expect(agent.gaps == 0)
        agent.heard = []
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(cluster.operate(.unreserve([disk(50)]), on: id) == .accepted)
        #expect(sequences() == [4])
    }

    /// Found by seed 700 of the simulation: a registration stayed in a partition, its connection
    /// open at the master's end only, until the agent had come back by another one.
    @Test(arguments: [true, false])
    func registrationsOfThePastAreNotTakenUp(numbered: Bool) throws {
        cluster.disconnect(agent)
        agent.registrationNumber = numbered ? 1 : 0
        let past = agent.registration
        let stale = ConnectionID(cluster.number())
        cluster.handle(.agentConnected(stale, address: "10.0.0.1:1"))
        agent.registrationNumber = numbered ? 2 : 0
        cluster.connect(agent)
        cluster.operate(.reserve([disk(5)], source: []), on: id)
        let live = agent.connection
        cluster.handle(.agentSaid(stale, .register(past)))
        cluster.settle()
        #expect(cluster.master.agents[id]?.connection == live)
        #expect(cluster.master.ledger.confirmed(id) == agent.total)
        #expect(cluster.master.connections[stale] == nil)
    }

    /// Its number tells where connections are accepted in another order than they were made.
    @Test func theNumberCountsMoreThanTheConnection() throws {
        cluster.disconnect(agent)
        agent.registrationNumber = 7
        let past = agent.registration
        agent.registrationNumber = 8
        cluster.connect(agent)
        cluster.operate(.reserve([disk(5)], source: []), on: id)
        let live = agent.connection
        let stale = ConnectionID(cluster.number())
        cluster.handle(.agentConnected(stale, address: "10.0.0.1:1"))
        cluster.handle(.agentSaid(stale, .register(past)))
        cluster.settle()
        #expect(cluster.master.agents[id]?.connection == live)
        #expect(cluster.master.ledger.confirmed(id) == agent.total)
    }

    @Test func numbersBeginAnewWithTheMachine() throws {
        agent.registrationNumber = 900
        cluster.connect(agent)
        agent.bootID = "boot-2"
        agent.registrationNumber = 3
        cluster.connect(agent)
        #expect(cluster.master.agents[id]?.connection == agent.connection)
    }

    /// The agent's disk was restored from a copy: its numbers go on from where they are.
    @Test func anOlderJournalGetsItsOwnNumbers() throws {
        cluster.operate(.reserve([disk(50)], source: []), on: id)
        cluster.operate(.create([disk(50).volume("v")]), on: id)
        agent.isSilent = true
        let late = request(.reserve([disk(7)], source: []))
        cluster.disconnect(agent)
        agent.isSilent = false
        agent.total = agent.base
        agent.volumes = []
        agent.lastSequence = 0
        cluster.connect(agent)
        #expect(agent.gaps == 0)
        #expect(cluster.answers[late] == .accepted)
        #expect(agent.lastSequence == 1)
        #expect(cluster.master.volumeRows.map(\.standing) == [.lost])
        #expect(cluster.master.ledger.confirmed(id) == agent.total)
    }

    /// What an operation needs is no more on the agent.
    @Test func operationsThatNoLongerFitAreDropped() throws {
        cluster.operate(.reserve([disk(50)], source: []), on: id)
        agent.isSilent = true
        let lost = request(.create([disk(50).volume("v")]))
        let kept = request(.reserve([disk(5)], source: []))
        cluster.disconnect(agent)
        agent.isSilent = false
        agent.total = agent.base
        cluster.connect(agent)
        #expect(cluster.answers[lost]?.refusal?.kind == .conflict)
        #expect(cluster.answers[kept] == .accepted)
        #expect(agent.gaps == 0)
        #expect(cluster.master.pendingOperations.isEmpty)
    }

    /// The registry is older than the agent's journal.
    @Test func anOlderRegistryTakesOverTheAgentsBooks() throws {
        let old = cluster.records
        let volume = disk(50).volume("v")
        cluster.operate(.reserve([disk(50)], source: []), on: id)
        cluster.operate(.create([volume]), on: id)
        cluster.records = old
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(cluster.master.ledger.confirmed(id) == agent.total)
        #expect(cluster.master.volumeRows.map(\.standing) == [.unclaimed])
        #expect(cluster.operate(.destroy([volume]), on: id) == .accepted)
        #expect(agent.gaps == 0)
    }

    @Test func idsAreNotGivenTwice() throws {
        let first = cluster.subscribe(.test())
        let offer = try first.offer.id
        let framework = try first.id
        cluster.now = cluster.now + .milliseconds(5)
        cluster.restartMaster()
        cluster.connect(agent)
        let second = cluster.subscribe(.test())
        #expect(try second.id != framework)
        #expect(try second.offer.id != offer)
        #expect(try second.offer.id > offer)
        let other = try cluster.addAgent()
        #expect(other.id != id)
    }

    @Test func nothingIsServedBeforeTheStart() {
        var master = Master()
        var outbox = Outbox<Master.Action>()
        let events: [Master.Event] = [
            .ticked, .streamClosed(StreamID(1)), .agentDisconnected(ConnectionID(1)),
            .agentConnected(ConnectionID(2), address: ""),
            .agentSaid(ConnectionID(2), .pong(1)),
            .schedulerCalled(RequestID(3), FrameworkID("f"), .teardown, stream: nil),
            .operatorCalled(RequestID(4), .markAgentGone(AgentID("a")), principal: nil),
            .frameworkSubscribed(
                StreamID(5), Subscription(framework: .test(), streamUUID: "u")),
        ]
        for event in events { master.handle(event, at: cluster.now, into: &outbox) }
        let refused = Answer.refused(
            Refusal(.unavailable, "the master has not recovered yet"))
        #expect(outbox.actions.contains(.answer(RequestID(3), refused)))
        #expect(outbox.actions.contains(.answer(RequestID(4), refused)))
        #expect(outbox.actions.count == 5)
        #expect(master.deadline == nil)
    }

    /// Results that say nonsense are acknowledged and change nothing.
    @Test func unknownResultsAreAcknowledged() throws {
        let before = cluster.master.ledger
        let result = OperationResult(
            uuid: OperationUUID("nobody"), sequence: 9, state: .finished)
        cluster.say(agent, .operationResult(result))
        #expect(agent.heard.last == .acknowledgeResult(OperationUUID("nobody")))
        #expect(cluster.master.ledger == before)
    }
}
