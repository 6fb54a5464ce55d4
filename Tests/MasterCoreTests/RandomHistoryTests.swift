import MachineCore
import Model
import OrderedCollections
import Testing

@testable import MasterCore

/// Random histories: whatever happens, no invariant breaks, the records give the same state, and
/// once everybody is back the master's books are the agents'.
@Suite struct RandomHistoryTests {
    @Test(arguments: UInt64(1)...24)
    func invariantsHold(seed: UInt64) throws {
        var history = History(seed: seed)
        try history.run(steps: 250)
        try history.heal()
        #expect(history.counts.count >= 12, "too little happened: \(history.counts)")
    }

    @Test func aSeedDeterminesTheHistory() throws {
        var digests: Set<Int> = []
        for _ in 0..<2 {
            var history = History(seed: 7)
            try history.run(steps: 200)
            digests.insert(history.cluster.records.count)
            digests.insert(history.cluster.drops.count * 1_000_003)
        }
        #expect(digests.count == 2)
    }
}

/// One random history.
private struct History {
    let cluster: Cluster
    var generator: SeededGenerator
    var schedulers: [FakeScheduler] = []
    var counts: [String: Int] = [:]
    var names = 0

    init(seed: UInt64) {
        var options = MasterOptions()
        options.limits.completedFrameworks = 3
        options.limits.completedTasksPerFramework = 5
        options.offerTimeoutMilliseconds = seed % 2 == 0 ? 20_000 : nil
        cluster = Cluster(options: options, seed: seed)
        generator = SeededGenerator(seed: seed)
    }

    mutating func run(steps: Int) throws {
        for _ in 0..<3 { try cluster.addAgent("cpus:8;mem:1024;disk:1000") }
        for _ in 0..<steps {
            let step = generator.below(15)
            try take(step)
        }
    }

    private mutating func count(_ what: String) { counts[what, default: 0] += 1 }

    private mutating func take(_ step: Int) throws {
        let agent = cluster.agents[generator.below(cluster.agents.count)]
        switch step {
        case 0: try subscribe()
        case 1: try resubscribe()
        case 2:
            if let scheduler = anyScheduler() {
                count("close")
                scheduler.close()
            }
        case 3...7: try answerOffer()
        case 8, 9: operate(agent)
        case 10: try connectOrDisconnect(agent)
        case 11:
            agent.isSilent.toggle()
            // A stream loses nothing in its middle: who missed messages has lost the connection.
            if !agent.isSilent { cluster.disconnect(agent) }
            count("silence")
        case 12: failOrMend(agent)
        case 13:
            count("time")
            let seconds = [0.01, 1, 6, 16, 40, 120][generator.below(6)]
            cluster.pass(seconds: seconds)
        default: try rare(agent)
        }
    }

    private mutating func rare(_ agent: FakeAgent) throws {
        switch generator.below(4) {
        case 0:
            count("restart")
            cluster.restartMaster()
        case 1:
            guard let scheduler = anyScheduler() else { return }
            count("teardown")
            try scheduler.call(.teardown)
        case 2:
            guard let key = agent.tasks.keys.sorted().first else { return }
            count("end")
            for message in agent.end(key, .failed) { cluster.say(agent, message) }
        default:
            guard let scheduler = anyScheduler() else { return }
            count("reconcile")
            try scheduler.call(.reconcile([]))
            try scheduler.call(.reconcileOperations([]))
            try scheduler.acknowledgeAll()
        }
    }

    /// One whose stream is the framework's.
    private mutating func anyScheduler() -> FakeScheduler? {
        let open = schedulers.filter { cluster.master.streams[$0.stream] != nil }
        guard !open.isEmpty else { return nil }
        return open[generator.below(open.count)]
    }

    private mutating func subscribe() throws {
        guard cluster.master.activeFrameworks.count < 4 else { return }
        count("subscribe")
        let capabilities: FrameworkDescription.Capabilities =
            generator.oneIn(3)
            ? .multiRole : [.multiRole, .sharedResources, .partitionAware]
        schedulers.append(
            cluster.subscribe(
                .test(
                    roles: generator.oneIn(2) ? ["db"] : ["db", "web"],
                    capabilities: capabilities,
                    failoverSeconds: Int64(generator.below(3)) * 60)))
    }

    private mutating func resubscribe() throws {
        let known = cluster.master.activeFrameworks
        guard !known.isEmpty else { return }
        count("resubscribe")
        let framework = known[generator.below(known.count)]
        schedulers.append(
            cluster.subscribe(
                .test(
                    id: framework.id, roles: ["db"],
                    capabilities: framework.description.capabilities, failoverSeconds: 60)))
    }

    private mutating func answerOffer() throws {
        guard let scheduler = anyScheduler(), let offer = scheduler.offers.first else { return }
        guard !generator.oneIn(4) else {
            count("decline")
            let seconds = Double(generator.below(3))
            try scheduler.call(.decline(offers: [offer.id], refuseSeconds: seconds))
            return
        }
        count("accept")
        names += 1
        var operations: [OfferOperation] = []
        for index in 0..<(1 + generator.below(3)) {
            let id = generator.oneIn(2) ? OperationID("op-\(names)-\(index)") : nil
            operations.append(OfferOperation(id: id, anyKind(offer.role, on: offer.agent)))
        }
        try scheduler.call(
            .accept(
                offers: [offer.id],
                operations: operations.map { operation in
                    guard case .launch = operation.kind else { return operation }
                    return OfferOperation(operation.kind)
                }, refuseSeconds: 1))
    }

    private mutating func anyKind(_ role: String, on agent: AgentID) -> OfferOperation.Kind {
        let size = Int64(1 + generator.below(40))
        let volumes = cluster.master.volumeRows.filter {
            $0.agent == agent && $0.volume.resource.role == role
        }.map(\.volume.resource)
        let volume =
            volumes.isEmpty
            ? disk(size, for: role).volume("missing") : volumes[generator.below(volumes.count)]
        names += 1
        let isShared = generator.oneIn(3)
        switch generator.below(9) {
        case 0, 1: return .reserve([disk(size, for: role)], source: [])
        case 2: return .unreserve([disk(size, for: role)])
        case 3, 4: return .create([disk(size, for: role).volume("v\(names)", isShared: isShared)])
        case 5: return .destroy([volume])
        case 6: return .grow(volume: volume, addition: disk(size, for: role))
        case 7: return .shrink(volume: volume, subtract: Amount(thousandths: 500))
        default:
            let needs: [Resource] =
                generator.oneIn(2) ? [.scalar("cpus", 1), volume] : [.scalar("cpus", size)]
            return .launch([.test("t\(names)", on: agent, needs)])
        }
    }

    private mutating func operate(_ agent: FakeAgent) {
        guard let id = agent.id else { return }
        count("operate")
        let kind = anyKind("db", on: id)
        _ = cluster.operate(kind, on: id)
    }

    private mutating func connectOrDisconnect(_ agent: FakeAgent) throws {
        if agent.connection == nil {
            count("connect")
            cluster.connect(agent)
        } else {
            count("disconnect")
            cluster.disconnect(agent)
        }
    }

    private mutating func failOrMend(_ agent: FakeAgent) {
        count("failures")
        let types = OperationType.allCases
        agent.failures =
            agent.failures.isEmpty
            ? [types[generator.below(types.count)]: "the disk is full"] : [:]
    }

    /// Everybody comes back, and time passes: nothing may be left open.
    mutating func heal() throws {
        for agent in cluster.agents {
            agent.isSilent = false
            agent.failures = [:]
            cluster.disconnect(agent)
            cluster.connect(agent)
        }
        cluster.pass(seconds: 30)
        #expect(cluster.master.pendingOperations.isEmpty)
        for agent in cluster.agents {
            let id = try #require(agent.id)
            #expect(cluster.master.ledger.confirmed(id) == agent.total)
            #expect(cluster.master.agents[id]?.total == agent.total)
            #expect(agent.gaps == 0)
            let listed = cluster.master.volumeRows.filter { $0.agent == id }
            #expect(Set(listed.map(\.volume.uuid)) == Set(agent.volumes.map(\.uuid)))
            #expect(listed.allSatisfy { $0.standing == .active })
            let running = agent.tasks.filter { !$0.value.state.isTerminal }.keys.sorted()
            let known = (cluster.master.agents[id]?.tasks ?? []).sorted().filter { key in
                cluster.master.frameworks[key.framework]?.tasks[key.task]?.state.isTerminal
                    == false
            }
            #expect(known == running)
        }
        var replayed = Ledger()
        for record in cluster.records { replayed.apply(record) }
        #expect(replayed.rows == cluster.master.ledger.rows)
    }
}
