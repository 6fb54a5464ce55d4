import AllocatorCore
import MachineCore
import Model
import OrderedCollections
import Testing

@testable import MasterCore

@Suite struct WhatIfTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
    }

    private func ask(_ kind: OfferOperation.Kind) -> Prediction {
        let before = String(reflecting: cluster.master)
        let prediction = cluster.master.whatIf(
            .apply(kind, agent: id), on: id, principal: nil, at: cluster.now)
        #expect(String(reflecting: cluster.master) == before)
        return prediction
    }

    @Test func aReservationTakesWhatIsOfferedAndLeavesTheRest() throws {
        let scheduler = cluster.subscribe(.test(roles: ["web"]))
        let offer = try scheduler.offer
        let kind = OfferOperation.Kind.reserve([disk(1024)], source: [])
        let prediction = ask(kind)
        #expect(prediction.refusal == nil)
        #expect(prediction.rescinded == [offer])
        #expect(
            prediction.conversion.consumed == Resources([Resource.scalar("disk", 1024)]))
        #expect(prediction.conversion.converted == Resources([disk(1024)]))
        #expect(prediction.total.contains(disk(1024)))
        // Its framework is offered the rest when the filter of the rescission has ended.
        let next = try #require(prediction.nextOffers.first)
        #expect(try next.framework == scheduler.id)
        #expect(next.afterNanoseconds == 5_000_000_000)
        #expect(cluster.operate(kind, on: id) == .accepted)
        #expect(cluster.master.offers.isEmpty)
        cluster.pass(seconds: 5)
        #expect(try scheduler.offer.resources.allocated(to: nil) == next.resources)
    }

    @Test func aRefusalIsTheCallsOwn() {
        let wrong: [OfferOperation.Kind] = [
            .reserve([disk(100_000)], source: []), .unreserve([disk(1)]),
            .create([disk(10).volume("v")]), .destroy([disk(10).volume("v")]),
            .grow(volume: disk(10).volume("v"), addition: disk(1)),
            .shrink(volume: disk(10).volume("v"), subtract: Amount(thousandths: 500)),
            .reserve([], source: []),
        ]
        for kind in wrong {
            let prediction = ask(kind)
            let refusal = cluster.operate(kind, on: id)?.refusal
            #expect(refusal != nil)
            #expect(prediction.refusal == refusal)
            #expect(prediction.conversion.consumed.isEmpty)
        }
        let nowhere = cluster.master.whatIf(
            .apply(.reserve([disk(1)], source: []), agent: AgentID("nobody")),
            on: AgentID("nobody"), principal: nil, at: cluster.now)
        #expect(nowhere.refusal?.message == "No agent found with specified ID")
        let early = Master().whatIf(
            .apply(.reserve([disk(1)], source: []), agent: id), on: id, principal: nil,
            at: cluster.now)
        #expect(early.refusal?.kind == .unavailable)
    }

    /// Its steps build on each other, and none is done; under a known key nothing is left to do.
    @Test func aTransactionIsForetoldAsAWhole() throws {
        let volume = disk(60).volume("v")
        var request = TransactionRequest(steps: [
            OfferOperation(.reserve([disk(100)], source: [])), OfferOperation(.create([volume])),
        ])
        request.key = "k"
        let call = OperatorCall.transact(request, agent: id)
        let master = cluster.master
        func foretold(_ call: OperatorCall) -> Prediction {
            cluster.master.whatIf(call, on: id, principal: nil, at: cluster.now)
        }
        let prediction = foretold(call)
        #expect(prediction.refusal == nil && !prediction.isImmediate)
        #expect(prediction.conversion.converted == Resources([disk(40), volume]))
        #expect(prediction.total.contains(volume) && prediction.total.contains(disk(40)))
        #expect(String(reflecting: cluster.master) == String(reflecting: master))
        cluster.call(call)
        #expect(agent.total == prediction.total)
        let again = foretold(call)
        #expect(again.refusal == nil && again.isImmediate)
        #expect(again.conversion.converted.isEmpty)
        let wrong = OperatorCall.transact(
            TransactionRequest(steps: [
                OfferOperation(.reserve([disk(1)], source: [])), OfferOperation(.create([volume])),
            ]), agent: id)
        #expect(foretold(wrong).refusal == cluster.call(wrong)?.refusal)
        #expect(foretold(wrong).refusal != nil)
    }

    @Test func anAgentWithoutConnectionMakesItPending() {
        cluster.disconnect(agent)
        let prediction = ask(.reserve([disk(10)], source: []))
        #expect(prediction.refusal == nil)
        #expect(!prediction.isAgentConnected)
        #expect(prediction.conversion.converted == Resources([disk(10)]))
    }

    @Test func drainingTellsWhatRunsAndWhatStays() throws {
        let volume = disk(256).volume("v1")
        cluster.operate(.reserve([disk(1024)], source: []), on: id)
        cluster.operate(.create([volume]), on: id)
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept(
            [
                .launch(
                    .test("small", on: id), .test("keeper", on: id, [.scalar("cpus", 2), volume]),
                    .test("large", on: id, [.scalar("cpus", 5)]))
            ], refuseSeconds: 60)
        let other = try cluster.addAgent("cpus:4;mem:64;disk:512")
        let before = String(reflecting: cluster.master)
        let report = try cluster.master.drainReport(of: id)
        #expect(String(reflecting: cluster.master) == before)
        let byName = Dictionary(uniqueKeysWithValues: report.tasks.map { ($0.name, $0) })
        #expect(byName.keys.sorted() == ["keeper", "large", "small"])
        #expect(byName["keeper"]?.isStateful == true)
        #expect(byName["small"]?.isStateful == false)
        // Although what the other agent has is offered already.
        #expect(byName["keeper"]?.fitsOn == other.id)
        #expect(byName["small"]?.fitsOn == other.id)
        #expect(byName["large"]?.fitsOn == nil)
        #expect(report.volumes.map(\.holder?.task.value) == ["keeper"])
        #expect(report.reservations == Resources([disk(768)]))
        #expect(report.leftOut == 0)
    }

    @Test func drainingAnAgentThatIsNotThereIsRefused() throws {
        #expect {
            try cluster.master.drainReport(of: AgentID("nobody"))
        } throws: { error in (error as? Refusal)?.kind == .notFound }
        cluster.call(.markAgentGone(id))
        #expect {
            try cluster.master.drainReport(of: id)
        } throws: { error in (error as? Refusal)?.kind == .conflict }
    }
}

/// Over random calls the prediction is what then happens.
@Suite struct PredictionHistoryTests {
    @Test(arguments: UInt64(1)...8)
    func comesTrue(seed: UInt64) throws {
        var history = PredictedHistory(seed: seed)
        try history.run(calls: 60)
        #expect(history.accepted >= 10, "only \(history.accepted) calls were accepted")
        #expect(history.refused >= 10, "only \(history.refused) calls were refused")
        #expect(history.rescinded >= 5, "only \(history.rescinded) offers were rescinded")
    }
}

private struct PredictedHistory {
    let cluster: Cluster
    var generator: SeededGenerator
    var schedulers: [FakeScheduler] = []
    var accepted = 0
    var refused = 0
    var rescinded = 0

    init(seed: UInt64) {
        cluster = Cluster(seed: seed)
        generator = SeededGenerator(seed: seed)
    }

    mutating func run(calls: Int) throws {
        for _ in 0..<2 { try cluster.addAgent("cpus:8;mem:1024;disk:1000") }
        for roles in [["db"], ["db", "web"], ["web"]] {
            schedulers.append(cluster.subscribe(.test(roles: roles)))
        }
        for _ in 0..<calls {
            let scheduler = schedulers[generator.below(schedulers.count)]
            if let offer = scheduler.offers.first, generator.oneIn(2) {
                let seconds = Double(generator.below(4))
                try scheduler.call(.decline(offers: [offer.id], refuseSeconds: seconds))
            }
            if generator.oneIn(3) { cluster.pass(seconds: Double(generator.below(6))) }
            let agent = cluster.agents[generator.below(2)]
            predict(anyKind(), on: try #require(agent.id))
        }
    }

    private mutating func anyKind() -> OfferOperation.Kind {
        let role = generator.oneIn(2) ? "db" : "web"
        let size = Int64(1 + generator.below(300))
        let volumes = cluster.master.volumeRows.map(\.volume.resource)
        let volume =
            volumes.isEmpty
            ? disk(size, for: role).volume("none") : volumes[generator.below(volumes.count)]
        switch generator.below(8) {
        case 0...2: return .reserve([disk(size, for: role)], source: [])
        case 3: return .unreserve([disk(size / 4 + 1, for: role)])
        case 4: return .create([disk(size / 8 + 1, for: role).volume("v\(cluster.number())")])
        case 5: return .destroy([volume])
        case 6: return .grow(volume: volume, addition: disk(size / 8 + 1, for: role))
        default: return .shrink(volume: volume, subtract: Amount(thousandths: 500))
        }
    }

    private mutating func predict(_ kind: OfferOperation.Kind, on id: AgentID) {
        let prediction = cluster.master.whatIf(
            .apply(kind, agent: id), on: id, principal: nil, at: cluster.now)
        let before = cluster.master
        let request = RequestID(cluster.number())
        cluster.handle(.operatorCalled(request, .apply(kind, agent: id), principal: nil))
        let after = cluster.master
        #expect(cluster.answers[request]?.refusal == prediction.refusal)
        let gone = before.offers.keys.sorted().filter { after.offers[$0] == nil }
        #expect(gone == prediction.rescinded.map(\.id))
        let made = after.offers.keys.sorted().filter { before.offers[$0] == nil }
        let atOnce = prediction.nextOffers.filter { $0.afterNanoseconds == 0 }
        #expect(
            made.compactMap { after.offers[$0]?.resources.allocated(to: nil) }
                == atOnce.map(\.resources))
        #expect(made.compactMap { after.offers[$0]?.framework } == atOnce.map(\.framework))
        if prediction.refusal == nil {
            accepted += 1
            #expect(after.agents[id]?.total == prediction.total)
            let row = after.ledger.pending(id).last
            #expect(row?.operation.conversion == prediction.conversion)
        } else {
            refused += 1
        }
        rescinded += gone.count
        cluster.settle()
    }
}
