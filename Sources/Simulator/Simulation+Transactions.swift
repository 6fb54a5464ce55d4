import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// Transactions: operators' and frameworks', some of which can't be done; what everybody was told of
// them, and that no part of one is ever seen once it is over.

/// What the simulation knows of transactions besides what their agents have done.
struct TransactionNotes {
    struct Keyed {
        let request: TransactionRequest
        let agent: AgentID
    }

    /// Operators' keys, as they were first used.
    var keys: OrderedDictionary<String, Keyed> = [:]
    /// Which key an operator's call has; nil: with other steps than the key's.
    var calls: [RequestID: String] = [:]
    /// What was told of each transaction.
    var told: OrderedDictionary<OperationUUID, Transaction> = [:]
    /// The transaction that was begun under a key.
    var begun: [TransactionKey: OperationUUID] = [:]
    /// Tasks that wait for a transaction.
    var tasks: [TaskKey: OperationUUID] = [:]
}

extension Simulation {
    // MARK: calls

    mutating func operatorTransact() {
        if !transactions.keys.isEmpty, chance.oneIn(4) { return repeatTransaction() }
        let known = Array(master.agents.values)
        guard !known.isEmpty else { return }
        let agent = known[chance.below(known.count)]
        let role = schedulers[chance.below(schedulers.count)].role
        let steps = drawSteps(role: role, pool: agent.total)
        guard !steps.isEmpty else { return }
        var request = TransactionRequest(steps: steps)
        if chance.oneIn(2) {
            request.key = "key\(number())"
            request.fingerprint = "\(number())"
        }
        if let key = request.key {
            transactions.keys[key] = .init(request: request, agent: agent.id)
        }
        operate(request, on: agent.id)
    }

    /// The same key once more: with the same content, or with another one.
    private mutating func repeatTransaction() {
        let (_, keyed) = transactions.keys.elements[chance.below(transactions.keys.count)]
        var request = keyed.request
        if chance.oneIn(6) { request.fingerprint += "other" }
        count(.transactionRepeated)
        operate(request, on: keyed.agent)
    }

    private mutating func operate(_ request: TransactionRequest, on agent: AgentID) {
        count(.operatorTransact)
        let id = RequestID(number())
        operatorCalls.insert(id)
        if let key = request.key,
            transactions.keys[key]?.request.fingerprint == request.fingerprint
        {
            transactions.calls[id] = key
        }
        tell(.operatorCalled(id, .transact(request, agent: agent), principal: nil))
    }

    private mutating func drawSteps(role: String, pool: Resources) -> [OfferOperation] {
        var steps: [OfferOperation] = []
        var pool = pool
        for _ in 0..<(1 + chance.below(5)) {
            let draw = OperationDraw(role: role, pool: pool)
            guard let kind = draw.kind(&chance, volume: "operators-\(number())") else { continue }
            // One that is no step of a transaction is in it seldom enough.
            if kind.type == .shrink, !chance.oneIn(8) { continue }
            steps.append(OfferOperation(kind))
            if let conversion = try? kind.resolved(in: pool).conversion() {
                try? pool.apply(conversion)
            }
        }
        return steps
    }

    /// A framework uses an offer for all of these, or for none.
    mutating func transact(
        _ offers: [OfferID], _ operations: [OfferOperation], _ index: Int
    ) {
        var request = TransactionRequest(steps: operations)
        if chance.oneIn(2) {
            request.key = schedulers[index].fresh("key")
            request.fingerprint = "\(number())"
        }
        let again = SchedulerCall.transact(offers: [], request, refuseSeconds: 0.1)
        call(index, .transact(offers: offers, request, refuseSeconds: 0.1))
        guard request.key != nil, chance.oneIn(3) else { return }
        count(.transactionRepeated)
        call(index, again)
    }

    // MARK: what is told

    mutating func hear(_ result: Transaction) {
        digest.add(result.state.rawValue)
        guard let uuid = result.uuid else { return count(.transactionRefused) }
        digest.add(uuid.value)
        if var told = transactions.told[uuid] {
            // The key is not told of where its row is gone.
            told.key = result.key
            if told != result { violate("transaction \(uuid) is told in two ways") }
        }
        transactions.told[uuid] = result
    }

    /// An operator's transaction is done.
    mutating func hear(_ result: Transaction, answering request: RequestID) {
        hear(result)
        guard let key = transactions.calls.removeValue(forKey: request) else { return }
        let begun = transactions.begun[TransactionKey(framework: nil, principal: nil, key: key)]
        if begun != result.uuid {
            violate("key '\(key)' is answered with another transaction")
        }
    }

    /// What was done under a key must never be refused under it; a key whose first use was refused
    /// may have been begun with other steps since.
    mutating func noteRefusal(_ refusal: Refusal, of request: RequestID) {
        guard let key = transactions.calls.removeValue(forKey: request) else { return }
        let owner = TransactionKey(framework: nil, principal: nil, key: key)
        guard refusal.kind != .unavailable, let uuid = transactions.begun[owner],
            registry.transactions[owner]?.fingerprint
                == transactions.keys[key]?.request.fingerprint,
            transactions.told[uuid]?.state == .finished
        else { return }
        violate("key '\(key)' is refused after it was done: \(refusal.message)")
    }

    mutating func note(_ row: TransactionRow) {
        digest.add(row.owner.key)
        digest.add(row.result.state.rawValue)
        guard let uuid = row.result.uuid else { return }
        if let other = transactions.begun[row.owner], other != uuid {
            violate("key '\(row.owner.key)' is begun twice")
        }
        transactions.begun[row.owner] = uuid
    }

    mutating func noteLaunches(of row: OperationRow) {
        for launch in row.launches {
            guard let framework = launch.framework.id else { continue }
            for task in launch.tasks {
                transactions.tasks[TaskKey(framework, task.id)] = row.operation.uuid
            }
        }
    }

    // MARK: on agents

    /// A task of a transaction reaches its agent after all else of it is done.
    mutating func checkLaunch(_ row: TaskRow, on index: Int) {
        guard let uuid = transactions.tasks[row.key] else { return }
        count(.transactionLaunch)
        if agents[index].ended[uuid]?.result.state != .finished {
            violate("task \(row.key.task) is launched before its transaction is done")
        }
    }

    /// Whether work can still fail: that of a transaction also where a part of it is done.
    func mayFail(_ uuid: OperationUUID, _ changes: [VolumeChange], on index: Int) -> Bool {
        guard agents[index].agent.state.begun?.uuid == uuid else {
            return !agents[index].isDone(changes)
        }
        return !changes.contains { change in
            guard case .resize(let uuid, let amount) = change else { return false }
            return agents[index].disk[uuid] == amount
        }
    }

    /// A transaction's work fails. What its backend does not take back its discarding does.
    mutating func undo(_ uuid: OperationUUID, _ changes: [VolumeChange], on index: Int) {
        guard agents[index].agent.state.begun?.uuid == uuid else { return }
        for case .create(let volume) in changes {
            let isLeft = chance.oneIn(2)
            agents[index].disk[volume.uuid] = isLeft ? volume.resource.amount : nil
            if isLeft { count(.transactionUndone) }
        }
    }

    /// The agent dies in the middle of a transaction's work.
    mutating func leaveInTheMiddle(_ changes: [VolumeChange], on index: Int) {
        let done = Array(changes.prefix(chance.below(changes.count + 1)))
        guard agents[index].grownInUse(done).allSatisfy(AgentHost.growsWhileMounted) else { return }
        agents[index].change(done)
    }

    // MARK: the outcome

    /// All of a finished transaction is there, nothing of a failed one.
    func checkTransactions(_ index: Int) -> [String] {
        let host = agents[index]
        var found: [String] = []
        for (uuid, ended) in host.ended where ended.operation.isTransaction {
            let net = ended.operation.steps.reduce(ResourceConversion.nothing) {
                $0.followed(by: $1.conversion)
            }
            if net != ended.operation.conversion {
                found.append("transaction \(uuid) is not its steps")
            }
            if !registry.agentRows.contains(where: { $0.standing == .gone }),
                let told = transactions.told[uuid], told.state != ended.result.state
            {
                found.append("transaction \(uuid) is \(ended.result.state), told \(told.state)")
            }
            guard ended.result.state != .finished else { continue }
            for case .create(let volume) in ended.operation.volumeChanges {
                let isSeen =
                    host.disk[volume.uuid] != nil
                    || host.agent.state.volumes[volume.uuid] != nil
                    || master.ledger.volumes[volume.uuid] != nil
                if isSeen { found.append("volume \(volume.uuid) is of a failed transaction") }
            }
        }
        for (uuid, told) in transactions.told where told.state == .finished {
            let isTrue = agents.contains { $0.ended[uuid]?.result.state == .finished }
            if !isTrue, !registry.agentRows.contains(where: { $0.standing == .gone }) {
                found.append("transaction \(uuid) has not finished, as was told")
            }
        }
        return found
    }
}
