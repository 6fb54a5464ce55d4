import MachineCore
import Model

// The executor API. An update is acknowledged to its executor once it is in the journal, as Mesos
// does; the framework's acknowledgement never reaches the executor. A task that its executor does
// not know at a subscription is sent again.

extension Agent {
    mutating func subscribe(
        _ stream: ExecutorStreamID, _ key: ExecutorKey, tasks: [TaskDescription],
        updates: [StatusUpdate], at now: Instant, into outbox: inout Outbox<Action>
    ) {
        let found: (ExecutorRow, FrameworkDescription)
        do {
            found = try customExecutor(key)
        } catch {
            return outbox.append(.refuseExecutorStream(stream, error))
        }
        let (row, framework) = found
        let container = row.container
        if let old = runs[container]?.stream {
            streams[old] = nil
            outbox.append(.closeExecutorStream(old))
        }
        streams[stream] = container
        runs[container]?.stream = stream
        timers.cancel(.subscribe(container))
        setHeartbeat(of: container, at: now)
        outbox.append(
            .sendExecutorEvent(
                stream,
                .subscribed(
                    ExecutorSubscription(
                        executor: row.executor, framework: framework, agent: description,
                        container: container))))
        guard runs[container]?.cause == nil else {
            return outbox.append(.sendExecutorEvent(stream, .shutdown))
        }
        for update in updates where objection(to: update, key) == nil {
            takeUpdate(update, key, stream, at: now, into: &outbox)
        }
        synchronize(container, key, known: Set(tasks.map(\.id)), at: now, into: &outbox)
    }

    /// Brings the tasks of an executor and the agent's together.
    private mutating func synchronize(
        _ container: ContainerID, _ key: ExecutorKey, known: Set<TaskID>, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        let tasks = state.executors[key]?.tasks ?? []
        // First of all, so that no update takes the volumes of one that runs.
        let delivered = tasks.filter {
            known.contains($0) || state.tasks[TaskKey(key.framework, $0)]?.latest != nil
        }
        runs[container]?.delivered = Set(delivered)
        if !delivered.isEmpty { runs[container]?.hasWorked = true }
        for task in tasks {
            let taskKey = TaskKey(key.framework, task)
            guard let row = state.tasks[taskKey]?.row, row.isKilled else { continue }
            if runs[container]?.delivered.contains(task) == true {
                guard let stream = runs[container]?.stream else { continue }
                let grace = row.task.killGraceMilliseconds
                outbox.append(
                    .sendExecutorEvent(stream, .kill(task, graceMilliseconds: grace)))
            } else {
                report(
                    taskKey,
                    Report(
                        .killed, .agent, reason: .killedDuringLaunch,
                        message: "killed before its executor had it"),
                    at: now, into: &outbox)
            }
        }
        deliverPrepared(in: container, into: &outbox)
        // An update that failed while the executor was away has told nobody.
        if hasUnprepared(container) { requestUpdate(of: container, into: &outbox) }
    }

    /// Mesos's words for an executor that this agent does not run.
    private func customExecutor(
        _ key: ExecutorKey
    ) throws(Refusal) -> (ExecutorRow, FrameworkDescription) {
        guard let framework = state.frameworks[key.framework] else {
            throw Refusal(.invalid, "Framework cannot be found")
        }
        guard let row = state.executors[key]?.row, row.executor.kind != .command,
            runs[row.container] != nil
        else { throw Refusal(.invalid, "Executor cannot be found") }
        return (row, framework)
    }

    mutating func answer(
        _ request: ExecutorRequestID, _ key: ExecutorKey, _ call: ExecutorCall, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        do throws(Refusal) {
            let (row, _) = try customExecutor(key)
            guard let stream = runs[row.container]?.stream else {
                throw Refusal(.forbidden, "Executor is not subscribed")
            }
            switch call {
            case .update(let update):
                if let objection = objection(to: update, key) { throw objection }
                takeUpdate(update, key, stream, at: now, into: &outbox)
            case .message(let payload):
                if isRegistered {
                    outbox.append(
                        .send(.executorMessage(key.framework, key.executor, payload)))
                }
            case .heartbeat: break
            }
            outbox.append(.answer(request, nil))
        } catch {
            outbox.append(.answer(request, error))
        }
    }

    private func objection(to update: StatusUpdate, _ key: ExecutorKey) -> Refusal? {
        func invalid(_ text: String) -> Refusal {
            Refusal(.invalid, "Failed to validate Executor::Call: " + text)
        }
        guard update.uuid != nil else { return invalid("Expecting 'uuid' to be present") }
        let executor = "executor \(key.executor) of framework \(key.framework)"
        guard update.source == .executor else {
            return invalid(
                "Received Call from \(executor) with invalid source, expecting 'SOURCE_EXECUTOR'")
        }
        switch update.state {
        case .staging, .unreachable, .gone, .goneByOperator, .unknown, .dropped:
            return invalid(
                "Received \(update.state.rawValue) from \(executor) which is not allowed")
        case .starting, .running, .killing, .finished, .failed, .killed, .error, .lost: break
        }
        let task = TaskKey(key.framework, update.task)
        if let entry = state.tasks[task], !entry.state.isTerminal, !entry.knows(update),
            !takes(named(update, key))
        {
            return Refusal(
                .tooLarge, "too many updates of task \(update.task) await acknowledgement")
        }
        return nil
    }

    /// The update under the ids that the agent vouches for.
    private func named(_ update: StatusUpdate, _ key: ExecutorKey) -> StatusUpdate {
        var named = update
        named.framework = key.framework
        named.executor = key.executor
        named.agent = state.id
        return named
    }

    /// Takes a sound update of an executor, once; whatever the agent has or has no use for is
    /// acknowledged, so that the executor can forget it.
    private mutating func takeUpdate(
        _ update: StatusUpdate, _ key: ExecutorKey, _ stream: ExecutorStreamID, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard let uuid = update.uuid else { return }
        var update = named(update, key)
        if let entry = state.tasks[update.key], entry.row.executor == key.executor,
            entry.isHolding
        {
            if !entry.knows(update) {
                let status = run(of: key)?.status ?? Payload()
                update.payload = status.merged(with: update.payload)
                accept(update, at: now, into: &outbox)
            }
        } else {
            outbox.append(
                .drop(.taskUnknown, "an update of task \(update.task) from its executor"))
        }
        outbox.append(.sendExecutorEvent(stream, .acknowledged(update.task, uuid)))
    }

    mutating func closed(_ stream: ExecutorStreamID) {
        guard let container = streams.removeValue(forKey: stream) else { return }
        runs[container]?.stream = nil
        timers.cancel(.heartbeat(container))
    }
}

extension AgentState.TaskEntry {
    /// Whether the update is in the stream already.
    func knows(_ update: StatusUpdate) -> Bool {
        pending.contains { $0.uuid == update.uuid }
            || acknowledged.contains { $0.uuid == update.uuid }
    }
}
