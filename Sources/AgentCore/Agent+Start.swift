import MachineCore
import Model

extension Agent {
    /// The agent's first event: rebuilds the state from the journal, compares it with what is
    /// there, and takes up what goes on.
    mutating func start(
        entropy: [UInt64], _ report: StartReport, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard !isStarted else { return }
        generator = SeededGenerator(entropy: entropy)
        for (index, record) in report.records.enumerated() {
            do {
                try state.apply(record)
            } catch {
                return exit(
                    "record \(index + 1) of the agent's journal does not fit those before it: "
                        + error.message, into: &outbox)
            }
        }
        journalRecords = report.records.count
        journalBound = max(options.compactionThreshold, journalRecords)
        let hasRebooted = !state.bootID.isEmpty && state.bootID != report.bootID
        if state.bootID != report.bootID || state.resources != report.resources {
            if !state.bootID.isEmpty,
                let objection = options.reconfigurationPolicy.objection(
                    from: state.resources, to: report.resources)
            {
                return exit(objection, into: &outbox)
            }
            var trial = state
            do {
                try trial.start(bootID: report.bootID, report.resources)
            } catch {
                return exit(error.message, into: &outbox)
            }
            store(
                .started(bootID: report.bootID, resources: report.resources), into: &outbox)
        }
        isStarted = true
        nextRegistrationNumber = max(1, report.uptimeNanoseconds)
        operations = OperationQueue(after: state.lastSequence)
        takeVolumes(report.volumes)
        takeContainers(report.containers, hasRebooted: hasRebooted, at: now, into: &outbox)
        endStrayTasks(at: now, into: &outbox)
        for framework in state.frameworks.keys.sorted() { removeIfIdle(framework, into: &outbox) }
        resumeTransactions(at: now, into: &outbox)
    }

    private mutating func takeVolumes(_ found: [StartReport.FoundVolume]) {
        let problems = Dictionary(
            found.map { ($0.uuid, $0.problem) }, uniquingKeysWith: { first, _ in first })
        unclaimedVolumes = found.map(\.uuid)
            .filter { state.volumes[$0] == nil && !isTransactions($0) }.sorted()
        for volume in state.sortedVolumes {
            guard let problem = problems[volume.uuid] else {
                volumeProblems[volume.uuid] = Self.missingVolume
                continue
            }
            volumeProblems[volume.uuid] = problem
        }
    }

    private mutating func takeContainers(
        _ found: [StartReport.FoundContainer], hasRebooted: Bool, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        let states = Dictionary(
            found.map { ($0.container, $0.state) }, uniquingKeysWith: { first, _ in first })
        var known: Set<ContainerID> = []
        for key in state.executors.keys.sorted() {
            guard let row = state.executors[key]?.row else { continue }
            known.insert(row.container)
            var run = ContainerRun(key: key, kind: row.executor.kind, phase: .running)
            run.hasWorked = true
            switch states[row.container] {
            case .running(let status):
                run.status = status
                runs[row.container] = run
                takeUp(row, at: now, into: &outbox)
            case .ended(let end):
                runs[row.container] = run
                finish(row.container, .ended(end), at: now, into: &outbox)
            case nil:
                runs[row.container] = run
                let text =
                    hasRebooted
                    ? "the agent's machine was started again"
                    : "the container was gone when the agent was started again"
                finish(row.container, .gone(text), at: now, into: &outbox)
            }
        }
        for container in found where !known.contains(container.container) {
            takeOrphan(container, into: &outbox)
        }
    }

    /// Takes back a container that ran on while the agent was away.
    private mutating func takeUp(
        _ row: ExecutorRow, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        switch row.executor.kind {
        case .command:
            let task = TaskKey(row.framework, TaskID(row.executor.id.value))
            guard container(of: task) == row.container else {
                return stop(row.container, .shutdown, grace: .zero, at: now, into: &outbox)
            }
            if state.tasks[task]?.row.isKilled == true {
                let grace = killGrace(of: task, nil)
                stop(row.container, .killed, grace: grace, at: now, into: &outbox)
            } else {
                commandStarted(row.container, at: now, into: &outbox)
            }
        case .default, .custom:
            let key = ExecutorKey(row.framework, row.executor.id)
            let reported = (state.executors[key]?.tasks ?? []).filter {
                state.tasks[TaskKey(key.framework, $0)]?.latest != nil
            }
            runs[row.container]?.delivered = Set(reported)
            // Tasks may have come or ended since, without the launcher hearing of it.
            requestUpdate(of: row.container, into: &outbox)
            timers.set(
                .subscribe(row.container), at: now + options.executorReregistrationTimeout)
        }
    }

    /// A container of which the journal knows nothing must not run.
    private func takeOrphan(
        _ found: StartReport.FoundContainer, into outbox: inout Outbox<Action>
    ) {
        outbox.append(.drop(.containerUnknown, "container \(found.container) at the start"))
        switch found.state {
        case .running: outbox.append(.signalContainer(found.container, .kill))
        case .ended: outbox.append(.removeContainer(found.container))
        }
    }

    /// Takes up what a crash between two records left: tasks without an executor, and tasks whose
    /// end is acknowledged.
    private mutating func endStrayTasks(
        at now: Instant, into outbox: inout Outbox<Action>
    ) {
        for key in state.tasks.keys.sorted() {
            guard let entry = state.tasks[key], !entry.isHolding else { continue }
            guard entry.state.isTerminal else {
                report(
                    key,
                    Report(
                        dropped(state.frameworks[key.framework]), .agent, reason: .agentRestarted,
                        message: "the agent was started again before the task was"),
                    at: now, into: &outbox)
                continue
            }
            if entry.pending.isEmpty { forget(key, into: &outbox) }
        }
    }
}
