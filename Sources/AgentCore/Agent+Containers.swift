import MachineCore
import Model

extension Agent {
    /// How a container came to its end.
    enum Ending: Equatable {
        case ended(ContainerEnd)
        /// It never ran.
        case failed(String)
        /// The launcher knows nothing of it after a start of the agent; and why.
        case gone(String)
    }

    mutating func containerStarted(
        _ container: ContainerID, status: Payload, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard var run = runs[container] else {
            outbox.append(.drop(.containerUnknown, "container \(container) started"))
            return outbox.append(.signalContainer(container, .kill))
        }
        guard run.phase == .starting else { return }
        run.phase = .running
        run.status = status
        runs[container] = run
        guard run.cause == nil else {
            // The signal may have come too early.
            return outbox.append(.signalContainer(container, .kill))
        }
        switch run.kind {
        case .command: commandStarted(container, at: now, into: &outbox)
        case .default, .custom:
            askForUpdate(of: container, into: &outbox)
            guard run.stream == nil else { return }
            timers.set(.subscribe(container), at: now + options.executorRegistrationTimeout)
        }
    }

    /// Reports a command task as running and watches it; after a start of the agent, too.
    mutating func commandStarted(
        _ container: ContainerID, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard let run = runs[container] else { return }
        let key = TaskKey(run.key.framework, TaskID(run.key.executor.value))
        guard let entry = state.tasks[key], entry.isHolding else { return }
        let began = (entry.acknowledged + entry.pending).first { $0.state == .running }
        if began == nil {
            report(key, Report(.running, .executor, payload: run.status), at: now, into: &outbox)
        }
        let task = entry.row.task
        if task.hasCheck || task.hasHealthCheck {
            runs[container]?.hasChecks = true
            outbox.append(.startChecks(key, container, task.payload))
        }
        if let limit = task.maxCompletionMilliseconds {
            let start = began.map { Instant(nanoseconds: $0.timestampNanoseconds) } ?? now
            timers.set(.completion(key), at: start + .seconds(Double(limit) / 1000))
        }
    }

    mutating func takeCheck(
        of key: TaskKey, _ outcome: CheckOutcome, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard let container = container(of: key), let run = runs[container], run.hasChecks,
            run.cause == nil
        else { return }
        let reason: StatusReason
        var isFatal = false
        switch outcome.kind {
        case .check: reason = .checkStatusUpdated
        case .healthy:
            reason = .healthCheckStatusUpdated
            runs[container]?.isHealthy = true
        case .unhealthy(let kills):
            reason = .healthCheckStatusUpdated
            runs[container]?.isHealthy = false
            isFatal = kills
        }
        report(
            key,
            Report(
                .running, .executor, reason: reason, message: outcome.message,
                isHealthy: runs[container]?.isHealthy,
                payload: run.status.merged(with: outcome.status)),
            at: now, into: &outbox)
        guard isFatal else { return }
        stop(container, .unhealthy, grace: killGrace(of: key, nil), at: now, into: &outbox)
    }

    /// What a task's end changes for its container.
    mutating func taskEnded(
        _ key: TaskKey, in container: ContainerID, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard let run = runs[container] else { return }
        switch run.kind {
        case .command: break
        case .default, .custom:
            runs[container]?.delivered.remove(key.task)
            runs[container]?.prepared.remove(key.task)
            runs[container]?.update?.removeAll { $0 == key.task }
            requestUpdate(of: container, into: &outbox)
        }
    }

    /// Takes the end of a container: its tasks end first, then its executor.
    mutating func finish(
        _ container: ContainerID, _ ending: Ending, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard let run = runs.removeValue(forKey: container),
            let entry = state.executors[run.key]
        else {
            outbox.append(.drop(.containerUnknown, "container \(container) ended"))
            return outbox.append(.removeContainer(container))
        }
        timers.cancel(.kill(container))
        timers.cancel(.subscribe(container))
        timers.cancel(.heartbeat(container))
        for task in entry.tasks {
            let key = TaskKey(run.key.framework, task)
            if run.hasChecks { outbox.append(.stopChecks(key)) }
            report(key, lastReport(of: key, run, ending), at: now, into: &outbox)
        }
        if let framework = state.frameworks[run.key.framework] {
            history.add(entry.row, framework: framework)
        }
        store(.executorRemoved(run.key.framework, run.key.executor), into: &outbox)
        outbox.append(.removeContainer(container))
        if let stream = run.stream {
            streams[stream] = nil
            outbox.append(.closeExecutorStream(stream))
        }
        switch run.kind {
        case .command: break
        case .default, .custom:
            if isRegistered {
                outbox.append(
                    .send(
                        .executorExited(
                            run.key.framework, run.key.executor, status: ending.waitStatus)))
            }
        }
        removeIfIdle(run.key.framework, into: &outbox)
        exitIfDone(into: &outbox)
    }
}

extension Agent.Ending {
    /// As `wait` returns it, when it is known.
    var waitStatus: Int32? {
        switch self {
        case .ended(let end): end.waitStatus
        case .failed, .gone: nil
        }
    }
}
