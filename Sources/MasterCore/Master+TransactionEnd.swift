import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// The end of a transaction: its one result, and its launches, which no agent has seen before it.
// Until then their tasks hold what they will use; a master that comes after this one reads them
// with the transaction.

extension Master {
    mutating func endTransaction(
        _ row: OperationRow, _ state: OperationState, _ message: String? = nil
    ) {
        guard row.operation.isTransaction else { return }
        let uuid = row.operation.uuid
        var result = Transaction(row, state: state, message: message)
        if var known = ledger.transaction(uuid) {
            result.key = known.owner.key
            known.result = result
            store(.transactionStored(known))
        }
        if state == .finished { releaseLaunches(of: row) }
        for caller in transactionCallers.removeValue(forKey: uuid) ?? [] { answer(caller, result) }
        if let framework = row.operation.framework { tell(framework, result) }
    }

    // MARK: launches

    /// After a master's start: what the one before it held.
    mutating func recoverLaunches(of row: OperationRow) {
        for launch in row.launches {
            guard let framework = launch.framework.id, frameworks[framework] != nil else {
                continue
            }
            for task in launch.tasks where frameworks[framework]?.tasks[task.id] == nil {
                if let executor = task.executor {
                    let key = ExecutorKey(
                        framework: framework, agent: row.agent, executor: executor.id)
                    if frameworks[framework]?.executors[key] == nil {
                        addExecutor(key, executor, booked: Resources(executor.resources))
                        frameworks[framework]?.executors[key]?.transaction = row.operation.uuid
                    }
                }
                addTask(task, of: framework, in: row.operation.uuid)
            }
        }
    }

    private mutating func releaseLaunches(of row: OperationRow) {
        guard !row.launches.isEmpty else { return }
        agents[row.agent]?.releasedTransactions.append(row)
        if agents[row.agent]?.isRegistered == true { sendReleased(to: row.agent) }
    }

    /// Sends the launches of finished transactions whose tasks are still wanted.
    mutating func sendReleased(to id: AgentID) {
        guard let rows = agents[id]?.releasedTransactions, !rows.isEmpty else { return }
        agents[id]?.releasedTransactions = []
        for row in rows {
            for launch in row.launches {
                guard let framework = launch.framework.id else { continue }
                for task in launch.tasks {
                    send(launch, task, of: framework, row.operation.uuid)
                }
            }
            forgetUnusedExecutors(of: row)
        }
    }

    private mutating func send(
        _ launch: TaskLaunch, _ description: TaskDescription, of framework: FrameworkID,
        _ transaction: OperationUUID
    ) {
        let key = TaskKey(framework, description.id)
        guard let task = frameworks[framework]?.tasks[key.task], task.transaction == transaction
        else { return }
        guard !task.isKillRequested else {
            endTask(key, as: .killed, .killedDuringLaunch, "killed before it was launched")
            completeIfEnded(framework)
            return
        }
        var newExecutor: ExecutorKey?
        if let executor = launch.executor {
            let place = ExecutorKey(
                framework: framework, agent: task.agent, executor: executor.id)
            guard frameworks[framework]?.executors[place] != nil else {
                endTask(
                    key, as: .dropped, .executorTerminated,
                    "executor '\(executor.id)' ended before the task was launched")
                return
            }
            if frameworks[framework]?.executors[place]?.transaction == transaction {
                newExecutor = place
            }
            frameworks[framework]?.executors[place]?.transaction = nil
        }
        frameworks[framework]?.tasks[key.task]?.transaction = nil
        noteUse(by: task)
        var launch = launch
        launch.tasks = [task.description]
        launch.framework = frameworks[framework]?.description ?? launch.framework
        deliver(launch, to: task.agent, newExecutor: newExecutor)
    }

    /// The transaction is not done: its tasks are never sent.
    mutating func dropLaunches(of row: OperationRow, because reason: String) {
        for launch in row.launches {
            guard let framework = launch.framework.id else { continue }
            for task in launch.tasks {
                guard
                    frameworks[framework]?.tasks[task.id]?.transaction == row.operation.uuid
                else { continue }
                endTask(
                    TaskKey(framework, task.id), as: .dropped, .resourcesUnknown,
                    "The transaction of the task is not done: \(reason)")
            }
        }
        forgetUnusedExecutors(of: row)
        for launch in row.launches {
            if let framework = launch.framework.id { completeIfEnded(framework) }
        }
    }

    /// Executors that were never sent and that no task will bring any more.
    private mutating func forgetUnusedExecutors(of row: OperationRow) {
        for launch in row.launches {
            guard let framework = launch.framework.id, let executor = launch.executor else {
                continue
            }
            let key = ExecutorKey(framework: framework, agent: row.agent, executor: executor.id)
            guard
                frameworks[framework]?.executors[key]?.transaction == row.operation.uuid
            else { continue }
            let isUsed = frameworks[framework]?.tasks.values.contains {
                $0.executor == executor.id && $0.agent == row.agent
            }
            guard isUsed != true else {
                frameworks[framework]?.executors[key]?.transaction = nil
                continue
            }
            removeExecutor(key)
        }
    }

    // MARK: the audit trail

    /// A line for each step: what happened to a volume or reservation is found by its own.
    mutating func auditSteps(
        of row: OperationRow, _ outcome: AuditOutcome, _ message: String?
    ) {
        for step in row.operation.steps {
            var entry = entry(AuditAction(step.type), outcome, message)
            entry.framework = row.operation.framework
            entry.principal = row.operation.principal
            entry.agent = row.agent
            entry.operation = step.uuid
            entry.operationID = step.id
            entry.transaction = row.operation.uuid
            entry.consumed = Array(step.conversion.consumed)
            entry.converted = Array(step.conversion.converted)
            entry.volumes = step.volumes
            audit(entry)
        }
    }

    /// A transaction that the master did not begin.
    mutating func auditRefusal(
        on agent: AgentID?, by framework: FrameworkID?, principal: String?, because message: String
    ) {
        guard !isStorageLow else { return }
        var entry = entry(.transact, .refused, message)
        entry.framework = framework
        entry.principal = principal
        entry.agent = agent
        audit(entry)
    }

    // MARK: invariants

    /// - A call waits for a transaction that is pending, and so does a task that was not sent.
    /// - A transaction with a key is pending as long as its operation is.
    func transactionViolations() -> [String] {
        var found: [String] = []
        for uuid in transactionCallers.keys.sorted() where ledger.operation(uuid) == nil {
            found.append("a call waits for transaction \(uuid), which is not pending")
        }
        for row in ledger.transactions.values {
            let operation = row.result.uuid.flatMap { ledger.operation($0) }
            if (operation != nil) != (row.result.state == .pending) {
                found.append("transaction '\(row.owner.key)' is \(row.result.state)")
            }
        }
        for framework in frameworks.values {
            for task in framework.sortedTasks {
                if let uuid = task.transaction, ledger.operation(uuid) == nil {
                    found.append("task \(task.description.id) waits for a transaction that ended")
                }
            }
        }
        return found
    }
}
