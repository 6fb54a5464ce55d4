import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// TRANSACT, and the ACCEPT of a framework with ATOMIC_ACCEPT: steps on one agent that are all done
// or not at all.
//
//     draft: each step against what those before it leave --refused--> nothing was changed
//       \--begin: one operation with the row of its key, in one commit--> the agent --> end
//
// For books, agent and recovery a transaction is one operation (Master+Operations.swift). The row
// of its key is stored with it and with its end, so that a repeated call finds its result whichever
// master it asks.

extension Master {
    /// How long the result of an ended transaction is kept under its key.
    private static let keptNanoseconds: Int64 = 24 * 3_600 * 1_000_000_000

    // MARK: operators

    mutating func transact(
        _ request: TransactionRequest, on agent: AgentID, for caller: RequestID,
        principal: String?
    ) throws(Refusal) {
        try check(request)
        let owner = request.key.map {
            TransactionKey(framework: nil, principal: principal, key: $0)
        }
        if let row = try known(owner, request.fingerprint) {
            guard row.result.state == .pending, let uuid = row.result.uuid else {
                return answer(caller, row.result)
            }
            return join(uuid, caller)
        }
        do throws(Refusal) {
            let uuid = try begin(request, owner, on: agent, principal: principal)
            join(uuid, caller)
        } catch {
            emit(.answer(caller, .refused(error)))
            auditRefusal(on: agent, by: nil, principal: principal, because: error.message)
        }
    }

    private mutating func begin(
        _ request: TransactionRequest, _ owner: TransactionKey?, on id: AgentID,
        principal: String?
    ) throws(Refusal) -> OperationUUID {
        guard let agent = agents[id] else {
            throw Refusal(.invalid, "No agent found with specified ID")
        }
        guard agent.isRegistered else {
            throw Refusal(
                .unavailable,
                "agent \(id) has not come back yet since the master was started; try again")
        }
        var empty = TransactionDraft(
            agent: id, caller: .operator(principal: principal), total: agent.total)
        empty.principal = principal
        let draft = try draft(request, empty)
        try makeRoom(for: owner)
        rescindShared(draft.destroyed, on: id)
        let unheld = draft.unheld
        try rescinding(for: unheld, on: id) { master throws(Refusal) in
            guard master.allocator.isAvailable(id, unheld.consumed) else {
                throw Refusal(
                    .conflict,
                    "not enough unallocated resources: \(unheld.consumed.detailedText) is not all"
                        + " there, or in use or offered")
            }
            try master.book(draft)
        }
        return give(draft, [], request, owner)
    }

    /// Takes what an operator's transaction consumes.
    private mutating func book(_ draft: TransactionDraft) throws(Refusal) {
        do throws(Refusal) {
            try allocator.convertAvailable(draft.agent, conversion: draft.free)
            for growth in draft.growths { try book(growth, on: draft.agent) }
        } catch {
            // The ledger knows nothing of it yet.
            rebase(draft.agent)
            throw error
        }
    }

    private mutating func join(_ uuid: OperationUUID, _ caller: RequestID) {
        transactionCallers[uuid, default: []].append(caller)
        timers.add(
            .transaction(uuid, caller),
            at: now + .milliseconds(options.operationTimeoutMilliseconds))
    }

    /// The agent has had its time: who waits for it is told the UUID.
    mutating func leaveTransaction(_ uuid: OperationUUID, _ caller: RequestID) {
        guard let callers = transactionCallers[uuid], callers.contains(caller) else { return }
        let others = callers.filter { $0 != caller }
        transactionCallers[uuid] = others.isEmpty ? nil : others
        emit(.answer(caller, .acceptedPending(uuid)))
    }

    mutating func answer(_ caller: RequestID, _ result: Transaction) {
        guard result.state == .finished else {
            let message = result.message ?? "the agent gave no reason"
            return emit(.answer(caller, .refused(Refusal(.conflict, message))))
        }
        emit(.answer(caller, .transacted(result)))
    }

    // MARK: frameworks

    /// The call itself is accepted; what becomes of it is told by events.
    mutating func transact(
        _ id: FrameworkID, _ ids: [OfferID], _ request: TransactionRequest, filter: Span
    ) throws(Refusal) {
        try checkCount(ids.count, options.limits.offersPerFramework, "offers")
        try check(request)
        let owner = request.key.map { TransactionKey(framework: id, principal: nil, key: $0) }
        if let row = try known(owner, request.fingerprint) {
            for offer in ids where offers[offer]?.framework == id {
                removeOffer(offer, isRescinded: false, filter: filter)
            }
            if row.result.state != .pending { tell(id, row.result) }
            return
        }
        let first: Offer
        do throws(Refusal) {
            first = try checkOffers(ids, of: id)
        } catch {
            for offer in ids where offers[offer]?.framework == id {
                removeOffer(offer, isRescinded: false)
            }
            return refuse(
                request, of: id, on: nil, .dropped, .invalidOffers,
                "Transaction with invalid offers: \(error.message)")
        }
        var pool = AcceptedPool(
            framework: id, agent: first.agent, role: first.role, rest: Resources())
        for offer in ids {
            if let resources = takeOffer(offer)?.resources { pool.rest.add(resources) }
        }
        returnSpareCopies(from: &pool)
        do throws(Refusal) {
            pool.rest = try begin(request, owner, in: pool)
        } catch {
            refuse(request, of: id, on: pool.agent, .error, .taskInvalid, error.message)
        }
        allocator.recover(
            id, agent: pool.agent, resources: pool.rest, filter: filter, from: .accept, at: now)
    }

    /// What is left of the pool.
    private mutating func begin(
        _ request: TransactionRequest, _ owner: TransactionKey?, in pool: AcceptedPool
    ) throws(Refusal) -> Resources {
        guard let framework = frameworks[pool.framework], let total = agents[pool.agent]?.total
        else { throw Refusal(.invalid, "Framework cannot be found") }
        let followed = request.steps.count { $0.id != nil }
        try checkCount(
            framework.operations.count + followed, options.limits.operationsPerCall,
            "operations with an id that are not acknowledged")
        let principal = framework.description.principal
        var empty = TransactionDraft(
            agent: pool.agent,
            caller: .framework(
                roles: framework.description.roles, allocationRole: pool.role,
                principal: principal, capabilities: framework.description.capabilities),
            total: total)
        empty.framework = pool.framework
        empty.principal = principal
        empty.pool = pool
        let draft = try draft(request, empty)
        try makeRoom(for: owner)
        rescindShared(draft.destroyed, on: pool.agent)
        try allocator.convertAllocated(
            pool.agent, framework: pool.framework,
            conversion: draft.conversion.allocated(to: pool.role))
        let launches = draft.launches.map { launch in
            TaskLaunch(
                framework: framework.description, executor: launch.task.executor,
                tasks: [launch.task])
        }
        let uuid = give(draft, launches, request, owner)
        for launch in draft.launches {
            book(launch.needs, of: pool.framework, on: pool.agent)
            if let executor = launch.needs.newExecutor {
                let key = ExecutorKey(
                    framework: pool.framework, agent: pool.agent, executor: executor.id)
                frameworks[pool.framework]?.executors[key]?.transaction = uuid
            }
            addTask(launch.task, of: pool.framework, in: uuid)
        }
        return draft.pool?.rest ?? Resources()
    }

    private mutating func refuse(
        _ request: TransactionRequest, of id: FrameworkID, on agent: AgentID?,
        _ state: TaskState, _ reason: StatusReason, _ message: String
    ) {
        for step in request.steps {
            guard step.tasks.isEmpty else {
                for task in step.tasks {
                    tell(id, task.id, agent: task.agent, state, reason, message)
                }
                continue
            }
            reportError(step.id, to: id, message)
        }
        auditRefusal(
            on: agent, by: id, principal: frameworks[id]?.description.principal,
            because: message)
        tell(
            id, Transaction(key: request.key, agent: agent, state: .error, message: message))
    }

    mutating func tell(_ id: FrameworkID, _ result: Transaction) {
        guard let stream = frameworks[id]?.stream else { return }
        emit(.sendEvent(stream, .transaction(result)))
    }

    // MARK: both

    private func check(_ request: TransactionRequest) throws(Refusal) {
        guard !request.steps.isEmpty else {
            throw Refusal(.invalid, "a transaction has at least one step")
        }
        try checkCount(request.steps.count, options.limits.stepsPerTransaction, "steps")
        let tasks = request.steps.reduce(0) { $0 + $1.tasks.count }
        try checkCount(tasks, options.limits.tasksPerLaunch, "tasks")
        guard let key = request.key else { return }
        do throws(Refusal) {
            try NameValidation.validate(key, limits: options.limits)
        } catch {
            throw Refusal(error.kind, "the key of the transaction: \(error.message)")
        }
    }

    /// What was begun under a key. Throws `conflict` if that was something else.
    private func known(
        _ owner: TransactionKey?, _ fingerprint: String
    ) throws(Refusal) -> TransactionRow? {
        guard let owner, let row = ledger.transactions[owner] else { return nil }
        guard row.fingerprint == fingerprint else {
            throw Refusal(
                .conflict,
                "the key '\(owner.key)' is that of transaction \(row.result.uuid?.value ?? ""),"
                    + " which has another agent or other steps; take a new key")
        }
        return row
    }

    /// Drops results that are old or too many.
    private mutating func makeRoom(for owner: TransactionKey?) throws(Refusal) {
        guard owner != nil else { return }
        let rows = ledger.transactions
        for (key, row) in rows where row.result.state != .pending {
            let isOld = now.nanoseconds - row.startedNanoseconds > Self.keptNanoseconds
            guard isOld || ledger.transactions.count >= options.limits.transactionsKept else {
                break
            }
            store(.transactionRemoved(key))
        }
        guard ledger.transactions.count < options.limits.transactionsKept else {
            throw Refusal(.unavailable, "too many transactions with a key have not ended")
        }
    }

    private mutating func give(
        _ draft: TransactionDraft, _ launches: [TaskLaunch], _ request: TransactionRequest,
        _ owner: TransactionKey?
    ) -> OperationUUID {
        let operation = AgentOperation(
            uuid: OperationUUID(generator.uuid()),
            sequence: agents[draft.agent]?.nextSequence ?? 1, type: .transact,
            framework: draft.framework, principal: draft.principal,
            conversion: draft.conversion, volumeChanges: draft.orderedChanges,
            steps: draft.steps)
        let row = OperationRow(
            agent: draft.agent, operation: operation, startedNanoseconds: now.nanoseconds,
            launches: launches)
        touch(draft.agent)
        if let owner {
            store(
                .transactionStored(
                    TransactionRow(
                        owner: owner, fingerprint: request.fingerprint,
                        startedNanoseconds: now.nanoseconds,
                        result: Transaction(row, key: owner.key, state: .pending))))
        }
        give(row)
        return operation.uuid
    }
}
