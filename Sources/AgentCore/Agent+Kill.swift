import MachineCore
import Model

extension Agent {
    mutating func kill(
        _ key: TaskKey, graceMilliseconds: Int64?, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        if let launch = waiting.remove(key) {
            return refuse(
                launch,
                LaunchObjection(
                    state: .killed, reason: .killedDuringLaunch,
                    message: "killed before it was launched"),
                at: now, into: &outbox)
        }
        guard let container = container(of: key), let run = runs[container],
            var row = state.tasks[key]?.row
        else { return outbox.append(.drop(.taskUnknown, "kill of task \(key.task)")) }
        if !row.isKilled {
            row.isKilled = true
            store(.taskStored(row), into: &outbox)
        }
        switch run.kind {
        case .command:
            let grace = killGrace(of: key, graceMilliseconds)
            stop(container, .killed, grace: grace, at: now, into: &outbox)
        case .default, .custom:
            killInExecutor(key, container, run, graceMilliseconds, at: now, into: &outbox)
        }
    }

    private mutating func killInExecutor(
        _ key: TaskKey, _ container: ContainerID, _ run: ContainerRun, _ graceMilliseconds: Int64?,
        at now: Instant, into outbox: inout Outbox<Action>
    ) {
        // Without a stream, a task that may have been delivered is killed at the next subscription.
        let isKnown = run.delivered.contains(key.task) || state.tasks[key]?.latest != nil
        if isKnown || run.isRecovering {
            guard let stream = run.stream else { return }
            return outbox.append(
                .sendExecutorEvent(stream, .kill(key.task, graceMilliseconds: graceMilliseconds)))
        }
        report(
            key,
            Report(
                .killed, .agent, reason: .killedDuringLaunch,
                message: "killed before its executor had it"),
            at: now, into: &outbox)
        stopIfUseless(container, at: now, into: &outbox)
    }

    /// Ends an executor that never had anything to do, and now has nothing.
    mutating func stopIfUseless(
        _ container: ContainerID, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard let run = runs[container], !run.hasWorked, run.cause == nil,
            state.executors[run.key]?.tasks.isEmpty == true
        else { return }
        stop(container, .shutdown, grace: .zero, at: now, into: &outbox)
    }

    /// How long a command task may take to end: as the call says, as its kill policy says, or as
    /// the agent's options say.
    func killGrace(of key: TaskKey, _ graceMilliseconds: Int64?) -> Span {
        let policy = state.tasks[key]?.row.task.killGraceMilliseconds
        return (graceMilliseconds ?? policy).map(Self.grace) ?? options.killGrace
    }

    /// At most a year: a peer may name any number.
    private static func grace(_ milliseconds: Int64) -> Span {
        .seconds(Double(milliseconds) / 1000)
    }

    /// Ends a container: SIGTERM, and SIGKILL after the grace period; at once when there is none or
    /// when it has not started. The first cause stays; a later call can only shorten the wait.
    mutating func stop(
        _ container: ContainerID, _ cause: ContainerRun.Cause, grace: Span, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard var run = runs[container] else {
            return outbox.append(.drop(.containerUnknown, "container \(container)"))
        }
        let isFirst = run.cause == nil
        if isFirst { run.cause = cause }
        let hadChecks = run.hasChecks
        run.hasChecks = false
        runs[container] = run
        timers.cancel(.subscribe(container))
        if isFirst, run.kind == .command, run.phase == .running {
            let task = TaskKey(run.key.framework, TaskID(run.key.executor.value))
            timers.cancel(.completion(task))
            if hadChecks { outbox.append(.stopChecks(task)) }
            reportKilling(task, run, at: now, into: &outbox)
        }
        guard run.phase == .running, grace > .zero else {
            outbox.append(.signalContainer(container, .kill))
            return timers.set(.kill(container), at: now + Self.killRetry)
        }
        if isFirst { outbox.append(.signalContainer(container, .terminate)) }
        setKill(container, at: now + grace)
    }

    private mutating func setKill(_ container: ContainerID, at instant: Instant) {
        if let earlier = timers.instant(of: .kill(container)), earlier <= instant { return }
        timers.set(.kill(container), at: instant)
    }

    private mutating func reportKilling(
        _ task: TaskKey, _ run: ContainerRun, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        let framework = state.frameworks[task.framework]
        guard framework?.capabilities.contains(.taskKillingState) == true,
            state.tasks[task]?.isHolding == true
        else { return }
        report(
            task, Report(.killing, .executor, isHealthy: run.isHealthy, payload: run.status),
            at: now, into: &outbox)
    }

    /// Ends an executor with all its tasks: by SHUTDOWN where it listens, else by signals.
    mutating func shutdownExecutor(
        _ key: ExecutorKey, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard let row = state.executors[key]?.row, var run = runs[row.container] else {
            return outbox.append(.drop(.executorUnknown, "executor \(key.executor)"))
        }
        switch run.kind {
        case .command:
            let task = TaskKey(key.framework, TaskID(key.executor.value))
            guard container(of: task) == row.container else {
                return stop(row.container, .shutdown, grace: .zero, at: now, into: &outbox)
            }
            kill(task, graceMilliseconds: nil, at: now, into: &outbox)
        case .default, .custom:
            let grace =
                row.executor.shutdownGraceMilliseconds.map(Self.grace)
                ?? options.executorShutdownGrace
            guard let stream = run.stream, run.cause == nil, grace > .zero else {
                return stop(row.container, .shutdown, grace: grace, at: now, into: &outbox)
            }
            run.cause = .shutdown
            runs[row.container] = run
            outbox.append(.sendExecutorEvent(stream, .shutdown))
            setKill(row.container, at: now + grace)
        }
    }
}
