import MachineCore
import Model

extension Agent {
    /// Starts a task that fits: with a container of its own, or in its executor's.
    mutating func start(
        _ launch: WaitingLaunch, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard let agent = state.id else { return }
        storeFramework(launch, into: &outbox)
        let isNew = state.executors[launch.executorKey] == nil
        if isNew { storeExecutor(of: launch, agent, into: &outbox) }
        let row = TaskRow(
            framework: launch.key.framework, executor: launch.executorID, task: launch.task)
        store(.taskStored(row), into: &outbox)
        guard let executor = state.executors[launch.executorKey]?.row else { return }
        if isNew {
            let resources = launch.task.resources + executor.executor.resources
            outbox.append(
                .launchContainer(
                    ContainerLaunch(
                        container: executor.container,
                        kind: launch.executor == nil ? .command : .executor, agent: agent,
                        framework: launch.framework, executor: executor.executor,
                        task: launch.task, directory: executor.directory,
                        user: launch.task.user ?? launch.framework.user, resources: resources,
                        volumes: mounts(of: resources))))
        } else {
            update(executor, into: &outbox)
        }
        if launch.executor == nil {
            report(launch.key, Report(.starting, .executor), at: now, into: &outbox)
        } else {
            deliver(launch.key, into: &outbox)
        }
    }

    private mutating func storeExecutor(
        of launch: WaitingLaunch, _ agent: AgentID, into outbox: inout Outbox<Action>
    ) {
        let container = ContainerID(generator.uuid())
        let executor =
            launch.executor
            ?? ExecutorDescription(
                id: launch.executorID, kind: .command, framework: launch.key.framework)
        // As Mesos lays it out, so that its tools find sandboxes.
        let directory = [
            options.workDirectory, "slaves", agent.value, "frameworks",
            launch.key.framework.value, "executors", executor.id.value, "runs", container.value,
        ].joined(separator: "/")
        let row = ExecutorRow(
            framework: launch.key.framework, executor: executor, container: container,
            directory: directory, user: launch.task.user)
        store(.executorStored(row), into: &outbox)
        runs[container] = ContainerRun(
            key: launch.executorKey, kind: executor.kind, phase: .starting)
    }

    /// Tells the launcher what an executor's container holds by now.
    func update(_ executor: ExecutorRow, into outbox: inout Outbox<Action>) {
        let key = ExecutorKey(executor.framework, executor.executor.id)
        var resources = executor.executor.resources
        for task in state.executors[key]?.tasks ?? [] {
            resources += state.tasks[TaskKey(key.framework, task)]?.row.task.resources ?? []
        }
        outbox.append(
            .updateContainer(
                executor.container, resources: resources, volumes: mounts(of: resources)))
    }

    /// Hands a task to its executor, if that listens.
    mutating func deliver(_ key: TaskKey, into outbox: inout Outbox<Action>) {
        guard let entry = state.tasks[key], let container = container(of: key),
            let stream = runs[container]?.stream, runs[container]?.cause == nil
        else { return }
        runs[container]?.delivered.insert(key.task)
        runs[container]?.hasWorked = true
        outbox.append(.sendExecutorEvent(stream, .launch(entry.row.task)))
    }

    /// The container that a task which has not ended runs in.
    func container(of key: TaskKey) -> ContainerID? {
        guard let entry = state.tasks[key], entry.isHolding else { return nil }
        return state.executors[ExecutorKey(key.framework, entry.row.executor)]?.row.container
    }

    func run(of key: ExecutorKey) -> ContainerRun? {
        state.executors[key].flatMap { runs[$0.row.container] }
    }
}
