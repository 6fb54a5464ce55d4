import AgentCore
import MachineCore
import Model
import OrderedCollections

// Custom executors: they subscribe, get tasks, tell what becomes of them until that is
// acknowledged, and are told to kill; their containers are given what the tasks hold.

extension Simulation {
    mutating func setRunning(_ id: ContainerID, on index: Int) {
        agents[index].containers[id]?.state = .running
        guard let launch = agents[index].containers[id]?.launch, launch.kind == .executor,
            let framework = launch.framework.id
        else { return }
        agents[index].containers[id]?.executor = SimulatedExecutor(
            framework: framework, executor: launch.executor.id)
        stepLater(id, on: index)
    }

    private mutating func stepLater(_ id: ContainerID, on index: Int) {
        let isSlow = isFaulty && chance.oneIn(25)
        add(
            .executor(agent: index, boot: agents[index].boot, id), within: isSlow ? 9_000 : 300)
    }

    /// One thing that an executor does.
    mutating func executorStep(_ index: Int, boot: Int, _ id: ContainerID) {
        guard agents[index].boot == boot, let container = agents[index].containers[id],
            container.state == .running, let executor = container.executor
        else { return }
        stepLater(id, on: index)
        guard agents[index].isUp else { return }
        guard let stream = executor.stream else { return subscribe(executor, id, on: index) }
        if isFaulty, chance.oneIn(30) {
            count(.executorStreamBroken)
            agents[index].containers[id]?.executor?.stream = nil
            return tell(index, .executorStreamClosed(stream))
        }
        if let update = executor.updates.first {
            count(.executorUpdate)
            return tell(
                index,
                .executorCalled(
                    ExecutorRequestID(number()), executor.framework, executor.executor,
                    .update(update)))
        }
        if !executor.running.isEmpty, chance.oneIn(12) {
            let task = executor.running.keys[chance.below(executor.running.count)]
            let isFailing = chance.oneIn(3)
            if isFailing { count(.taskFailed) }
            end(task, isFailing ? .failed : .finished, in: id, on: index)
        } else if executor.isIdle, !isFaulty || chance.oneIn(8) {
            end(id, status: 0, on: index)
        }
    }

    private mutating func subscribe(
        _ executor: SimulatedExecutor, _ id: ContainerID, on index: Int
    ) {
        count(.executorSubscribe)
        if !executor.updates.isEmpty { count(.executorUpdatesRepeated) }
        let stream = ExecutorStreamID(number())
        agents[index].containers[id]?.executor?.stream = stream
        tell(
            index,
            .executorSubscribed(
                stream, executor.framework, executor.executor,
                unacknowledgedTasks: Array(executor.unacknowledgedTasks.values),
                unacknowledgedUpdates: executor.updates))
    }

    private mutating func end(
        _ task: TaskID, _ state: TaskState, in id: ContainerID, on index: Int
    ) {
        agents[index].containers[id]?.executor?.running[task] = nil
        note(task, state, in: id, on: index)
    }

    /// Makes an update that the executor sends until it is acknowledged.
    private mutating func note(
        _ task: TaskID, _ state: TaskState, in id: ContainerID, on index: Int
    ) {
        guard let executor = agents[index].containers[id]?.executor else { return }
        let update = StatusUpdate(
            uuid: UpdateUUID("executor-\(number())"), framework: executor.framework, task: task,
            executor: executor.executor, state: state, source: .executor,
            timestampNanoseconds: now.nanoseconds)
        agents[index].containers[id]?.executor?.updates.append(update)
    }

    // MARK: what the agent tells an executor

    mutating func hear(_ event: ExecutorEvent, on stream: ExecutorStreamID, of index: Int) {
        guard let id = container(of: stream, on: index) else { return }
        switch event {
        case .launch(let task): launch(task, in: id, on: index)
        case .kill(let task, _):
            guard agents[index].containers[id]?.executor?.running[task] != nil else { return }
            count(.executorKill)
            end(task, .killed, in: id, on: index)
        case .acknowledged(let task, let uuid):
            agents[index].containers[id]?.executor?.updates.removeAll { $0.uuid == uuid }
            agents[index].containers[id]?.executor?.unacknowledgedTasks[task] = nil
        case .shutdown: end(id, status: 0, on: index)
        case .subscribed, .message, .error, .heartbeat: break
        }
    }

    mutating func closeExecutorStream(_ stream: ExecutorStreamID, of index: Int) {
        guard let id = container(of: stream, on: index) else { return }
        agents[index].containers[id]?.executor?.stream = nil
    }

    private func container(of stream: ExecutorStreamID, on index: Int) -> ContainerID? {
        agents[index].containers.first { $0.value.executor?.stream == stream }?.key
    }

    private mutating func launch(_ task: TaskDescription, in id: ContainerID, on index: Int) {
        digest.add(task.id.value)
        guard let executor = agents[index].containers[id]?.executor else { return }
        if executor.seen.contains(task.id) {
            violate("executor \(executor.executor) got task \(task.id) twice")
        }
        if agents[index].updates[id] != nil {
            violate("executor \(executor.executor) got task \(task.id) during an update")
        }
        if !hasVolumes(of: task, among: executor.volumes, on: index) {
            violate("executor \(executor.executor) got task \(task.id) without its volumes")
        }
        agents[index].containers[id]?.executor?.seen.insert(task.id)
        agents[index].containers[id]?.executor?.running[task.id] = task
        agents[index].containers[id]?.executor?.unacknowledgedTasks[task.id] = task
        note(task.id, .running, in: id, on: index)
    }

    private func hasVolumes(
        of task: TaskDescription, among mounts: [VolumeMount], on index: Int
    ) -> Bool {
        let volumes = agents[index].agent.state.volumes
        let mounted = Set(
            mounts.compactMap { volumes[$0.volume].map { ResourceKey($0.resource) } })
        return task.resources.allSatisfy {
            !$0.isPersistentVolume || mounted.contains(ResourceKey($0.with(allocationRole: nil)))
        }
    }

    // MARK: what its container holds

    mutating func update(_ id: ContainerID, _ volumes: [VolumeMount], on index: Int) {
        if agents[index].updates[id] != nil {
            violate("container \(id) is updated twice at once")
        }
        for mount in volumes where agents[index].disk[mount.volume] == nil {
            violate("container \(id) is given volume \(mount.volume), which is gone")
        }
        checkRunningTasks(id, volumes, on: index)
        let isSlow = isFaulty && chance.oneIn(6)
        if isSlow { count(.containerUpdateSlow) }
        agents[index].updates[id] = volumes
        add(
            .containerUpdate(agent: index, life: agents[index].life, id),
            within: isSlow ? 5_000 : 40)
    }

    /// A task that runs, for its agent too, must keep its volumes.
    private mutating func checkRunningTasks(
        _ id: ContainerID, _ volumes: [VolumeMount], on index: Int
    ) {
        guard let executor = agents[index].containers[id]?.executor else { return }
        for task in executor.running.values {
            let key = TaskKey(executor.framework, task.id)
            if agents[index].agent.state.tasks[key]?.isHolding == true,
                !hasVolumes(of: task, among: volumes, on: index)
            {
                violate("task \(task.id) loses its volumes while it runs")
            }
        }
    }

    mutating func finishUpdate(_ index: Int, life: Int, _ id: ContainerID) {
        guard agents[index].isUp, agents[index].life == life,
            let volumes = agents[index].updates.removeValue(forKey: id)
        else { return }
        guard agents[index].containers[id]?.state == .running else {
            return tell(index, .containerUpdated(id, failure: "the container does not run"))
        }
        let isFailing = isFaulty && chance.oneIn(8)
        if !isFailing || chance.oneIn(2) {
            agents[index].containers[id]?.executor?.volumes = volumes
        }
        count(isFailing ? .containerUpdateFailed : .containerUpdated)
        tell(index, .containerUpdated(id, failure: isFailing ? "a mount failed" : nil))
    }
}
