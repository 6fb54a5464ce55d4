import MachineCore
import Model
import OrderedCollections
import Testing

@testable import MasterCore

/// TRANSACT of operators: all of it or nothing, and one result for each key.
@Suite struct TransactionTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    private let volume = disk(60).volume("v")

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
    }

    private func steps(_ kinds: OfferOperation.Kind...) -> TransactionRequest {
        TransactionRequest(steps: kinds.map { OfferOperation($0) })
    }

    private var reserveAndCreate: TransactionRequest {
        steps(.reserve([disk(100)], source: []), .create([volume]))
    }

    private func keyed(_ key: String, _ fingerprint: String = "1") -> TransactionRequest {
        var request = reserveAndCreate
        request.key = key
        request.fingerprint = fingerprint
        return request
    }

    @discardableResult
    private func transact(_ request: TransactionRequest, by principal: String? = nil) -> Answer? {
        cluster.call(.transact(request, agent: id), principal: principal)
    }

    private var audited: [AuditEntry] {
        cluster.records.compactMap { record in
            if case .audited(let entry) = record { entry } else { nil }
        }
    }

    @Test func allStepsAreOneOperationAndOneResult() throws {
        guard case .transacted(let result)? = transact(reserveAndCreate) else {
            Issue.record("\(String(describing: cluster.answers))")
            return
        }
        #expect(result.state == .finished && result.agent == id)
        #expect(result.steps.map(\.type) == [.reserve, .create])
        let uuid = try #require(agent.volumes.first?.uuid)
        #expect(result.steps.map(\.volumes) == [[], [uuid]])
        #expect(agent.total.contains(volume) && agent.total.contains(disk(40)))
        #expect(agent.lastSequence == 1)
        #expect(cluster.master.volumeRows.map(\.volume.uuid) == [uuid])
        let lines = audited.suffix(2)
        #expect(lines.map(\.action) == [.reserve, .create])
        #expect(lines.allSatisfy { $0.transaction == result.uuid })
        #expect(lines.map(\.operation) == result.steps.map(\.uuid))
        #expect(Array(lines.last?.volumes ?? []) == [uuid])
        let own = Resource.scalar("disk", 1).reserved(for: "db", principal: "ops")
        #expect(transact(steps(.reserve([own], source: [])), by: "ops")?.refusal == nil)
        #expect(audited.last?.principal == "ops")
    }

    @Test func aVolumeIsReplacedByTwoOthers() throws {
        transact(reserveAndCreate)
        let answer = transact(
            steps(
                .destroy([volume]), .unreserve([disk(20)]), .create([disk(30).volume("a")]),
                .create([disk(30).volume("b")])))
        #expect(answer?.refusal == nil)
        #expect(agent.volumes.map { $0.resource.disk?.persistence?.id } == ["a", "b"])
        let expected = try #require(agent.ended.values.first { $0.sequence == 2 })
        // What is given up comes last on the disk, wherever its step is.
        #expect(expected.volumeChanges.last?.destroyed != nil)
        #expect(agent.total.contains(disk(20)))
    }

    /// Every way in which a step can be refused: nothing is changed, and the step is named.
    @Test(
        arguments: [
            ([], Refusal.Kind.invalid, "at least one step"),
            (["shrink"], .invalid, "step 1 (SHRINK_VOLUME)"),
            (["reserve", "launch"], .invalid, "step 2 (LAUNCH): an operator cannot launch"),
            (["reserve", "refused"], .invalid, "step 2: wrong"),
            (["create"], .conflict, "step 1 (CREATE)"),
            (["reserve", "create", "create"], .invalid, "step 3 (CREATE): volume 'v'"),
            (["reserve", "create", "destroy"], .invalid, "step 3 (DESTROY): volume 'v'"),
            (["reserve", "create", "grow"], .invalid, "step 3 (GROW_VOLUME): volume 'v'"),
            (["reserve", "too much"], .conflict, "step 2 (RESERVE)"),
            (["reserve", "unreserve more"], .conflict, "step 2 (UNRESERVE)"),
            (["reserve", "named"], .invalid, "step 2 (RESERVE): an operator's step has no id"),
            (["destroy"], .invalid, "step 1 (DESTROY)"),
            (["leased"], .invalid, "step 1 (RESERVE): a lease is given by"),
        ] as [([String], Refusal.Kind, String)])
    func aStepThatCannotBeRefusesAll(
        names: [String], kind: Refusal.Kind, text: String
    ) throws {
        let before = cluster.master.ledger
        let steps = names.map { name -> OfferOperation in
            switch name {
            case "reserve": OfferOperation(.reserve([disk(100)], source: []))
            case "named":
                OfferOperation(id: OperationID("x"), .reserve([disk(1)], source: []))
            case "leased":
                OfferOperation(.reserve([disk(1)], source: []), leaseMilliseconds: 1000)
            case "create": OfferOperation(.create([volume]))
            case "destroy": OfferOperation(.destroy([volume]))
            case "grow": OfferOperation(.grow(volume: volume, addition: disk(10)))
            case "shrink":
                OfferOperation(.shrink(volume: volume, subtract: Amount(thousandths: 1000)))
            case "launch": OfferOperation(.launch([.test("t", on: id)]))
            case "too much": OfferOperation(.reserve([disk(1_000_000)], source: []))
            case "unreserve more": OfferOperation(.unreserve([disk(200)]))
            default: OfferOperation(.refused(Refusal(.invalid, "wrong")))
            }
        }
        let answer = transact(TransactionRequest(steps: steps))
        let refusal = try #require(answer?.refusal)
        #expect(refusal.kind == kind)
        #expect(refusal.message.contains(text), "\(refusal.message)")
        #expect(cluster.master.ledger == before)
        #expect(agent.lastSequence == 0)
    }

    @Test func whatTheAgentCannotDoLeavesNothing() throws {
        agent.failures = [.transact: "no space for the second volume"]
        let answer = transact(keyed("k"))
        #expect(answer?.refusal?.kind == .conflict)
        #expect(answer?.refusal?.message == "no space for the second volume")
        #expect(cluster.master.volumeRows.isEmpty)
        #expect(cluster.master.ledger.confirmed(id) == agent.base)
        #expect(cluster.master.agents[id]?.total == agent.base)
        #expect(audited.suffix(2).allSatisfy { $0.outcome == .failed })
        // The same call has the same result, also where it would be possible now.
        agent.failures = [:]
        #expect(transact(keyed("k"))?.refusal?.message == "no space for the second volume")
        #expect(transact(keyed("k2"))?.refusal == nil)
    }

    @Test func aKeyIsDoneOnceAndOutlivesTheMaster() throws {
        let first = transact(keyed("k"))
        #expect(transact(keyed("k")) == first)
        #expect(transact(keyed("k", "other"))?.refusal?.kind == .conflict)
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(transact(keyed("k")) == first)
        #expect(agent.lastSequence == 1)
        // Another one's key is another key: the steps are checked anew.
        #expect(transact(keyed("k"), by: "dev")?.refusal?.kind == .invalid)
        #expect(transact(keyed("a/b"))?.refusal?.kind == .invalid)
    }

    @Test func aSecondCallerJoinsTheFirst() throws {
        agent.isSilent = true
        let requests = [RequestID(901), RequestID(902)]
        for request in requests {
            cluster.handle(
                .operatorCalled(request, .transact(keyed("k"), agent: id), principal: nil))
        }
        #expect(requests.allSatisfy { cluster.answers[$0] == nil })
        // Ten seconds, and both know what to look for.
        cluster.pass(seconds: 10.1)
        let row = try #require(cluster.master.pendingOperations.first)
        for request in requests {
            #expect(cluster.answers[request] == .acceptedPending(row.operation.uuid))
        }
        cluster.restartMaster()
        agent.isSilent = false
        let late = RequestID(903)
        cluster.handle(.operatorCalled(late, .transact(keyed("k"), agent: id), principal: nil))
        cluster.connect(agent)
        guard case .transacted(let result)? = cluster.answers[late] else {
            Issue.record("\(String(describing: cluster.answers[late]))")
            return
        }
        #expect(result.uuid == row.operation.uuid && result.key == "k")
    }

    @Test func oldResultsGoAndPendingOnesStay() throws {
        var options = MasterOptions()
        options.limits.transactionsKept = 2
        let cluster = Cluster(options: options)
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        func reserve(_ key: String) -> Answer? {
            cluster.call(
                .transact(
                    TransactionRequest(
                        key: key, fingerprint: key,
                        steps: [OfferOperation(.reserve([disk(1)], source: []))]), agent: id))
        }
        for key in ["a", "b", "c"] { #expect(reserve(key)?.refusal == nil) }
        #expect(cluster.master.ledger.transactions.keys.map(\.key) == ["b", "c"])
        agent.isSilent = true
        _ = reserve("d")
        _ = reserve("e")
        #expect(cluster.master.ledger.transactions.keys.map(\.key) == ["d", "e"])
        #expect(reserve("f")?.refusal?.kind == .unavailable)
        agent.isSilent = false
        cluster.disconnect(agent)
        cluster.connect(agent)
        cluster.pass(seconds: 25 * 3_600)
        #expect(reserve("g")?.refusal == nil)
        #expect(cluster.master.ledger.transactions.keys.map(\.key) == ["g"])
    }

    @Test func anAgentThatIsMarkedGoneEndsIt() throws {
        agent.isSilent = true
        let request = RequestID(900)
        cluster.handle(
            .operatorCalled(request, .transact(keyed("k"), agent: id), principal: nil))
        cluster.call(.markAgentGone(id))
        #expect(cluster.answers[request]?.refusal?.kind == .conflict)
        let owner = TransactionKey(framework: nil, principal: nil, key: "k")
        #expect(cluster.master.ledger.transactions[owner]?.result.state == .goneByOperator)
    }
}
