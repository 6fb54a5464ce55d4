import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// What must always hold, and what must hold once the cluster is at rest.

extension Simulation {
    /// After every event of an agent.
    mutating func checkCheaply(_ index: Int) {
        let state = agents[index].agent.state
        if state.total.total(of: "disk") != agents[index].base.total(of: "disk"),
            !state.total.isEmpty
        {
            violate("agent \(index) makes or loses disk")
        }
        checkLending(index)
        guard report.events.isMultiple(of: 16) else { return }
        for violation in agents[index].agent.violations() {
            violate("agent \(index): \(violation)")
        }
    }

    func checkEverything() -> [String] {
        var found = isMasterUp ? master.violations() : []
        for index in agents.indices where agents[index].isUp {
            found += agents[index].agent.violations().map { "agent \(index): \($0)" }
        }
        return found
    }

    /// Once nothing is pending: everyone's books say what the acknowledged operations make.
    func checkOutcome() -> [String] {
        guard isMasterUp else { return ["the master is down at the end"] }
        var found: [String] = []
        for index in agents.indices {
            found += checkBooks(index) + checkVolumes(index) + checkHoldings(index)
            found += checkLimits(index)
            found += checkTransactions(index)
        }
        for (uuid, index) in acknowledged
        where agents[index].ended[uuid] == nil && !wasReplaced(index, uuid) {
            found.append("operation \(uuid) is acknowledged to agent \(index), which forgot it")
        }
        found += checkTold() + checkTrail()
        return found + checkRegistry()
    }

    /// Every operation that ended on an agent is in the audit trail, as it ended.
    private func checkTrail() -> [String] {
        guard !registry.agentRows.contains(where: { $0.standing == .gone }) else { return [] }
        var found: [String] = []
        for ended in agents.flatMap(\.ended.values) where ended.result.state == .finished {
            let operation = ended.operation
            let uuids =
                operation.isTransaction ? operation.steps.map(\.uuid) : [operation.uuid]
            for uuid in uuids where audited[uuid] != .finished {
                found.append(
                    "\(operation.type.rawValue) \(uuid) finished, and the audit trail says"
                        + " \(audited[uuid]?.rawValue ?? "nothing")")
            }
        }
        return found
    }

    /// The rows that a new master would read are those that this one has.
    private func checkRegistry() -> [String] {
        let ledger = master.ledger
        var isSame =
            ledger.clusterID == registry.clusterID
            && ledger.agents.count == registry.agents.count
            && ledger.frameworks.count == registry.frameworks.count
            && ledger.volumes == registry.volumes
            && Set(ledger.transactions.keys) == Set(registry.transactions.keys)
        for (owner, row) in ledger.transactions {
            isSame = isSame && registry.transactions[owner] == row
        }
        for row in ledger.agentRows {
            isSame =
                isSame && registry.agents[row.id] == row
                && registry.confirmed(row.id) == ledger.confirmed(row.id)
                && registry.reservations(of: row.id) == ledger.reservations(of: row.id)
                && registry.pending(row.id)
                    == ledger.pending(row.id).filter { !$0.isProvisional }
        }
        for (id, row) in ledger.frameworks { isSame = isSame && registry.frameworks[id] == row }
        return isSame ? [] : ["the master's ledger is not what it has stored"]
    }

    /// The operation was another machine's, which is gone.
    private func wasReplaced(_ index: Int, _ uuid: OperationUUID) -> Bool {
        registry.agentRows.contains { $0.standing == .gone }
    }

    private func checkBooks(_ index: Int) -> [String] {
        let host = agents[index]
        guard let id = host.agent.state.id else { return ["agent \(index) has no id"] }
        var found: [String] = []
        var expected = host.base
        for ended in host.ended.values where ended.result.state == .finished {
            do throws(Refusal) {
                try expected.apply(ended.operation.conversion)
            } catch {
                found.append("\(ended.result.uuid) can't have finished: \(error.message)")
            }
        }
        let total = host.agent.state.total
        if total != expected { found.append("agent \(index): the books are not its operations'") }
        if total.bare != host.base.bare { found.append("agent \(index) makes or loses resources") }
        if master.ledger.confirmed(id) != total {
            found.append(
                "agent \(index) has \(total.text), the master says"
                    + " \(master.ledger.confirmed(id).text)")
        }
        if master.agents[id]?.total != total {
            found.append("agent \(index): the master's total differs")
        }
        return found
    }

    private func checkVolumes(_ index: Int) -> [String] {
        let host = agents[index]
        guard let id = host.agent.state.id else { return [] }
        var found: [String] = []
        var expected: OrderedDictionary<VolumeUUID, Amount> = [:]
        for ended in host.ended.values where ended.result.state == .finished {
            for change in ended.operation.volumeChanges {
                switch change {
                case .create(let volume): expected[volume.uuid] = volume.resource.amount
                case .destroy(let uuid): expected[uuid] = nil
                case .resize(let uuid, let amount): expected[uuid] = amount
                }
            }
        }
        expected.sort { $0.key < $1.key }
        var disk = host.disk
        disk.sort { $0.key < $1.key }
        if disk != expected {
            let differing = Set(disk.keys).union(expected.keys).sorted().filter {
                disk[$0] != expected[$0]
            }
            let texts = differing.map {
                "\($0) has \(disk[$0]?.text ?? "nothing"), not \(expected[$0]?.text ?? "nothing")"
            }
            found.append("agent \(index): the disk is not its operations': \(texts)")
        }
        let journal = host.agent.state.volumes.keys.sorted()
        if journal != Array(expected.keys) {
            found.append("agent \(index): the journal's volumes are not its operations'")
        }
        let rows = master.ledger.volumes(of: id).compactMap { master.ledger.volumes[$0] }
            .filter { $0.standing != .lost }
        let listed = rows.map { $0.volume.resource.amount }
        if rows.map(\.volume.uuid) != journal || listed != Array(expected.values) {
            found.append("agent \(index): the inventory is not its operations'")
        }
        return found
    }

    /// What a scheduler or an operator was told the end of has ended so.
    private func checkTold() -> [String] {
        guard !registry.agentRows.contains(where: { $0.standing == .gone }) else { return [] }
        var found: [String] = []
        let ended = agents.flatMap(\.ended.values)
        for scheduler in schedulers {
            for (id, state) in scheduler.told where state == .finished {
                let isTrue =
                    ended.contains {
                        $0.operation.followed.contains { $0.id == id }
                            && $0.operation.framework == scheduler.id
                            && $0.result.state == .finished
                    } || scheduler.id.map { lifecycle.destroyed[$0]?.contains(id) == true } == true
                if !isTrue { found.append("operation \(id) has not finished, as was told") }
            }
        }
        let operators = ended.filter {
            $0.operation.framework == nil && $0.result.state == .finished
                && !$0.operation.isTransaction
        }
        if operators.count + lifecycle.destroyedByOperators < operatorsDone {
            found.append("\(operatorsDone) operators were told success of \(operators.count)")
        }
        return found
    }
}
