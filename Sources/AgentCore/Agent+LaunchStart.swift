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
            // A task's volumes go with the task; so an executor's container gets them by updates.
            let mounted = launch.executor == nil ? resources : executor.executor.resources
            outbox.append(
                .launchContainer(
                    ContainerLaunch(
                        container: executor.container,
                        kind: launch.executor == nil ? .command : .executor, agent: agent,
                        framework: launch.framework, executor: executor.executor,
                        task: launch.task, directory: executor.directory,
                        user: launch.task.user ?? launch.framework.user, resources: resources,
                        volumes: mounts(of: mounted))))
        }
        if launch.executor == nil {
            report(launch.key, Report(.starting, .executor), at: now, into: &outbox)
        } else {
            requestUpdate(of: executor.container, into: &outbox)
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

    /// The container that a task which has not ended runs in.
    func container(of key: TaskKey) -> ContainerID? {
        guard let entry = state.tasks[key], entry.isHolding else { return nil }
        return state.executors[ExecutorKey(key.framework, entry.row.executor)]?.row.container
    }

    func run(of key: ExecutorKey) -> ContainerRun? {
        state.executors[key].flatMap { runs[$0.row.container] }
    }
}
