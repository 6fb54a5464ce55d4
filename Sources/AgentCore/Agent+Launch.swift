import MachineCore
import Model

extension Agent {
    /// How many launches that do not fit yet are looked at each time.
    private static let lookahead = 64

    mutating func take(
        _ launch: TaskLaunch, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard let framework = launch.framework.id, !endingFrameworks.contains(framework) else {
            return outbox.append(.drop(.frameworkUnknown, "a launch"))
        }
        for task in launch.tasks {
            let key = TaskKey(framework, task.id)
            guard state.tasks[key] == nil, !waiting.contains(key) else {
                outbox.append(.drop(.taskRepeated, "task \(task.id)"))
                continue
            }
            guard state.tasks.count < options.tasksAtMost else {
                outbox.append(.drop(.tasksTooMany, "task \(task.id)"))
                continue
            }
            var executor = launch.executor ?? task.executor
            executor?.framework = framework
            let launching = WaitingLaunch(
                key: key, framework: launch.framework, executor: executor, task: task,
                after: operations.lastReceived)
            if launch.isGroup {
                refuse(
                    launching,
                    LaunchObjection(
                        state: .error, reason: .taskGroupInvalid,
                        message: "this agent does not run task groups"),
                    at: now, into: &outbox)
            } else {
                launchOrWait(launching, at: now, into: &outbox)
            }
        }
    }

    private mutating func launchOrWait(
        _ launch: WaitingLaunch, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        if let objection = objection(to: launch) {
            refuse(launch, objection, at: now, into: &outbox)
        } else if let missing = missing(for: launch, claims: claimsOfVolumeWork()) {
            if operations.isEmpty || waiting.count >= options.limits.tasksPerLaunch {
                refuse(launch, resourcesUnknown(launch, missing), at: now, into: &outbox)
            } else {
                waiting.append(launch)
            }
        } else {
            start(launch, at: now, into: &outbox)
        }
    }

    /// Starts or refuses the waiting launches whose time has come.
    mutating func resumeLaunches(at now: Instant, into outbox: inout Outbox<Action>) {
        guard !waiting.isEmpty else { return }
        let claims = claimsOfVolumeWork()
        var index = 0
        while index < waiting.count, index < Self.lookahead {
            let launch = waiting.launches[index]
            if let objection = objection(to: launch) {
                waiting.remove(launch.key)
                refuse(launch, objection, at: now, into: &outbox)
            } else if let missing = missing(for: launch, claims: claims) {
                guard launch.after <= state.lastSequence else {
                    index += 1
                    continue
                }
                waiting.remove(launch.key)
                refuse(launch, resourcesUnknown(launch, missing), at: now, into: &outbox)
            } else {
                waiting.remove(launch.key)
                start(launch, at: now, into: &outbox)
            }
        }
    }

    private func missing(for launch: WaitingLaunch, claims: Claims?) -> MissingResource? {
        var wanted = launch.task.resources
        if let executor = launch.executor, state.executors[launch.executorKey] == nil {
            wanted += executor.resources
        }
        return state.missing(state.bare(wanted), isSharing: true, claims: claims)
    }

    private func resourcesUnknown(
        _ launch: WaitingLaunch, _ missing: MissingResource
    ) -> LaunchObjection {
        LaunchObjection(
            state: dropped(launch.framework), reason: .resourcesUnknown, message: missing.text)
    }

    /// What a task that never ran is called: frameworks that know partitions learn that it will
    /// never run, others that it is lost.
    func dropped(_ framework: FrameworkDescription?) -> TaskState {
        framework?.capabilities.contains(.partitionAware) == true ? .dropped : .lost
    }

    private func objection(to launch: WaitingLaunch) -> LaunchObjection? {
        func invalid(_ message: String) -> LaunchObjection {
            LaunchObjection(state: .error, reason: .taskInvalid, message: message)
        }
        func unable(_ reason: StatusReason, _ message: String) -> LaunchObjection {
            LaunchObjection(state: dropped(launch.framework), reason: reason, message: message)
        }
        let task = launch.task
        for name in [task.id.value, launch.key.framework.value, launch.executorID.value]
        where !isFileName(name) {
            return invalid("'\(name)' can't be the name of a directory")
        }
        if task.agent != state.id {
            return invalid("the task names agent \(task.agent)")
        }
        if launch.executor?.kind == .default {
            return invalid("this agent does not run the default executor")
        }
        if launch.executor?.kind != .custom, !task.hasCommand {
            return invalid("the task has neither command nor executor")
        }
        if let objection = executorObjection(to: launch) { return objection }
        if isStorageLow {
            return unable(
                .launchFailed, "the disk of the agent's work directory is nearly full")
        }
        if let problem = volumeProblem(of: task.resources + (launch.executor?.resources ?? [])) {
            return unable(.resourcesUnknown, problem)
        }
        return nil
    }

    private func executorObjection(to launch: WaitingLaunch) -> LaunchObjection? {
        guard let row = state.executors[launch.executorKey]?.row else { return nil }
        guard let executor = launch.executor, row.executor.kind == .custom,
            executor.kind == .custom, row.executor.payload == executor.payload
        else {
            return LaunchObjection(
                state: .error, reason: .taskInvalid,
                message: "executor \(launch.executorID) runs already and is another")
        }
        guard runs[row.container]?.cause == nil else {
            return LaunchObjection(
                state: dropped(launch.framework), reason: .executorTerminated,
                message: "executor \(launch.executorID) is shutting down")
        }
        return nil
    }

    /// Whether a name is safe as a part of the sandbox's path.
    private func isFileName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".."
            && name.utf8.count <= options.limits.identifierBytes
            && !name.utf8.contains { $0 == 0x2F || $0 < 0x20 || $0 == 0x7F }
    }

    /// Tells the framework for certain that a task will not run.
    mutating func refuse(
        _ launch: WaitingLaunch, _ objection: LaunchObjection, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        storeFramework(launch, into: &outbox)
        let row = TaskRow(
            framework: launch.key.framework, executor: launch.executorID, task: launch.task)
        store(.taskStored(row), into: &outbox)
        report(
            launch.key,
            Report(
                objection.state, .agent, reason: objection.reason, message: objection.message),
            at: now, into: &outbox)
    }

    mutating func storeFramework(
        _ launch: WaitingLaunch, into outbox: inout Outbox<Action>
    ) {
        guard state.frameworks[launch.key.framework] != launch.framework else { return }
        store(.frameworkStored(launch.framework), into: &outbox)
    }
}
