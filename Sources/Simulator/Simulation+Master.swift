import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// The master's process: what it is told, what it asks for, its death and its return.

extension Simulation {
    mutating func startMaster() {
        guard !isMasterUp else { return }
        isMasterUp = true
        master = Master(options: Self.masterOptions)
        tell(.started(entropy: [chance.next()], records: registryRows))
        subscribeToMaster()
    }

    /// The registry's rows, as a new master reads them.
    private var registryRows: [MasterRecord] {
        var rows: [MasterRecord] = []
        if let id = registry.clusterID { rows.append(.clusterCreated(id: id)) }
        for row in registry.agentRows {
            rows.append(.agentStored(row))
            let pieces = Array(registry.confirmed(row.id))
            if !pieces.isEmpty { rows.append(.piecesStored(row.id, set: pieces, removed: [])) }
            rows += registry.reservations(of: row.id).map { .reservationStored($0) }
            rows += registry.pending(row.id).map { .operationStored($0) }
        }
        for uuid in registry.volumes.keys.sorted() {
            if let row = registry.volumes[uuid] { rows.append(.volumeStored(row)) }
        }
        rows += registry.transactions.values.map { .transactionStored($0) }
        for role in registry.policies.keys.sorted() {
            if let policy = registry.policies[role] { rows.append(.policyStored(policy)) }
        }
        return rows + registry.frameworkRows.map { .frameworkStored($0) }
    }

    /// Hands an event to the master; now and then it dies in the middle of what comes of it.
    mutating func tell(_ event: Master.Event) {
        guard isMasterUp else { return }
        report.events += 1
        var outbox = Outbox<Master.Action>()
        master.handle(event, at: now, into: &outbox)
        let actions = outbox.drain()
        digest.add(UInt64(bitPattern: now.nanoseconds))
        digest.add(UInt64(actions.count))
        var violations = master.touchedViolations()
        if report.events.isMultiple(of: options.fullCheckEvery) { violations += checkEverything() }
        for violation in violations { violate("\(violation), after \(label(of: event))") }
        guard isFaulty, chance.oneIn(options.crashOneIn), report.events > 20 else {
            for action in actions { perform(action) }
            if report.events.isMultiple(of: options.fullCheckEvery) { checkMirror() }
            return
        }
        let count = chance.below(actions.count + 1)
        let ahead = actions.prefix { if case .answer = $0 { true } else { false } }
        let isStored = count > ahead.count
        if isStored {
            // One commit: all records of an event are there, or none.
            for case .store(let record) in actions { perform(.store(record)) }
        }
        for action in actions.prefix(count) {
            if case .store = action { continue }
            perform(action)
        }
        checkMirror(missing: isStored ? actions.dropFirst(count) : [])
        crashMaster()
    }

    private func label(of event: Master.Event) -> String {
        switch event {
        case .started: "the start"
        case .ticked: "a tick"
        case .frameworkSubscribed: "a subscription"
        case .streamClosed: "a closed stream"
        case .schedulerCalled(_, _, let call, _): "\(call)"
        case .operatorCalled(_, let call, _): "\(call)"
        case .agentConnected: "a connection"
        case .agentDisconnected: "a disconnection"
        case .agentSaid(_, let message): "\(message)"
        case .storageLow: "a full disk"
        case .operatorSubscribed, .operatorUnsubscribed: "a subscriber of the operator API"
        }
    }

    mutating func crashMaster() {
        count(.masterCrash)
        isMasterUp = false
        mirror = nil
        for id in Array(links.keys) { closeAtMaster(id) }
        for id in Array(streams.keys) { closeAtMaster(id) }
        operatorCalls = []
        renewals = [:]
        add(.startMaster, within: chance.oneIn(5) ? 15_000 : 1_000)
    }

    private mutating func perform(_ action: Master.Action) {
        switch action {
        case .store(let record):
            note(record)
            registry.apply(record)
        case .answer(let request, let answer): take(answer, to: request)
        case .refuseSubscription(let stream, let text):
            digest.add(text)
            send(.error(text), on: stream)
            closeAtMaster(stream)
        case .sendEvent(let stream, let event): send(event, on: stream)
        case .closeStream(let stream): closeAtMaster(stream)
        case .send(let connection, let message):
            if case .acknowledgeResult(let uuid) = message, let link = links[connection] {
                acknowledged[uuid] = link.agent
            }
            if case .applyOperation(let operation) = message, let link = links[connection] {
                checkEndOfLease(operation, on: link.agent)
            }
            send(message, on: connection)
        case .closeConnection(let connection): closeAtMaster(connection)
        case .publish(let event): mirror?.take(event, counting: &report.counts)
        case .closeSubscriber(let id): violate("\(id) has to go, the only subscriber")
        case .drop(let reason, _): digest.add(reason.rawValue)
        }
    }

    private mutating func take(_ answer: Answer, to request: RequestID) {
        let isOperation = operatorCalls.remove(request) != nil
        if let renewal = renewals.removeValue(forKey: request) { renewed(renewal, answer) }
        switch answer {
        case .accepted:
            digest.add(1)
            if isOperation { operatorsDone += 1 }
        case .acceptedPending(let uuid): digest.add(uuid.value)
        case .done: digest.add(2)
        case .transacted(let result): hear(result, answering: request)
        case .refused(let refusal):
            noteRefusal(refusal, of: request)
            digest.add(refusal.message)
            count(.callRefused)
        }
    }

    private mutating func note(_ record: MasterRecord) {
        switch record {
        case .clusterCreated(let id): digest.add(id)
        case .agentStored(let row):
            if row.standing == .unreachable, registry.agents[row.id]?.standing == .admitted {
                count(.agentUnreachable)
            }
            digest.add(row.id.value)
            digest.add(row.lastSequence)
        case .agentRemoved(let id): digest.add(id.value)
        case .piecesStored(let id, let set, let removed):
            digest.add(id.value)
            for piece in set + removed {
                digest.add(piece.name)
                digest.add(UInt64(bitPattern: piece.amount.thousandths))
            }
        case .volumeStored(let row):
            checkLife(row)
            digest.add(row.volume.uuid.value)
        case .volumeRemoved(let uuid): digest.add(uuid.value)
        case .operationStored(let row):
            checkDestroys(row)
            checkGrowth(row)
            digest.add(row.operation.uuid.value)
            digest.add(row.operation.sequence)
            noteLaunches(of: row)
        case .operationRemoved(let uuid): digest.add(uuid.value)
        case .frameworkStored(let row): digest.add(row.description.id?.value ?? "")
        case .frameworkRemoved(let id): digest.add(id.value)
        case .audited(let entry): note(entry)
        case .reservationStored(let row):
            digest.add(row.uuid.value)
            noteLease(of: row)
        case .reservationRemoved(let uuid): digest.add(uuid.value)
        case .transactionStored(let row): note(row)
        case .transactionRemoved(let owner): digest.add(owner.key)
        case .policyStored(let policy): digest.add(policy.role)
        case .policyRemoved(let role): digest.add(role)
        }
    }

    private mutating func note(_ entry: AuditEntry) {
        digest.add(entry.action.rawValue)
        digest.add(entry.outcome.rawValue)
        noteLife(entry)
        if entry.principal == GrowthRule.principal, entry.outcome == .refused {
            count(.notGrownByRule)
        }
        guard let uuid = entry.operation else { return }
        digest.add(uuid.value)
        // As the registry does with its trail.
        if entry.isRetold, audited[uuid] != nil { return }
        if audited[uuid] != nil { violate("operation \(uuid) is in the audit trail twice") }
        audited[uuid] = entry.outcome
    }
}
