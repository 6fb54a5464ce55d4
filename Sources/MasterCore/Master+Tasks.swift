import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// Tasks: status updates on their way to the framework and acknowledgements back, kills, ends.
//
//     staging --update--> starting, running, killing --update--> ended --acknowledged--> completed
//     any --agent lost--> unreachable --agent back--> as reported

extension Master {
    mutating func takeUpdate(
        _ update: StatusUpdate, latestState: TaskState, from id: AgentID
    ) {
        let key = update.key
        var update = update
        update.agent = id
        let old = standing(of: key)
        update = withPreemption(update, on: id)
        if frameworks[key.framework]?.tasks[key.task]?.agent == id {
            frameworks[key.framework]?.tasks[key.task]?.append(update)
            setState(key, latestState)
            let state = frameworks[key.framework]?.tasks[key.task]?.state
            noteUpdate(update, since: old, by: state ?? latestState)
        }
        guard frameworks[key.framework]?.isEnding == false else {
            acknowledgeAlone(update, latestState, to: id)
            return
        }
        if frameworks[key.framework]?.tasks[key.task] == nil {
            emit(.drop(.taskUnknown, "update of \(key.task) of \(key.framework) is forwarded"))
        }
        if let stream = frameworks[key.framework]?.stream {
            emit(.sendEvent(stream, .update(update, unreachableNanoseconds: nil)))
        }
        if update.uuid == nil, update.state.isTerminal {
            removeTask(key, asCompleted: true)
        }
    }

    /// Nobody else will acknowledge an update of a framework that is no more.
    private mutating func acknowledgeAlone(
        _ update: StatusUpdate, _ latestState: TaskState, to id: AgentID
    ) {
        if let uuid = update.uuid, let connection = agents[id]?.connection {
            emit(.send(connection, .acknowledge(update.framework, update.task, uuid)))
        }
        guard latestState.isTerminal || update.state.isTerminal else { return }
        removeTask(update.key, asCompleted: true)
        completeIfEnded(update.framework)
    }

    /// The state by now. An ended task holds nothing any more, whether its end is acknowledged
    /// or not.
    private mutating func setState(_ key: TaskKey, _ state: TaskState) {
        guard let task = frameworks[key.framework]?.tasks[key.task], !task.state.isTerminal else {
            return
        }
        frameworks[key.framework]?.tasks[key.task]?.state = state
        if state.isTerminal { release(key) }
    }

    /// Gives back what a task holds.
    private mutating func release(_ key: TaskKey) {
        guard let task = frameworks[key.framework]?.tasks[key.task] else { return }
        touch(task.agent)
        frameworks[key.framework]?.tasks[key.task]?.booked = Resources()
        guard !task.booked.isEmpty else { return }
        // One that is unreachable may hold its volumes still.
        if task.state.isTerminal { noteEndOfUse(by: task) }
        allocator.recover(
            key.framework, agent: task.agent, resources: task.booked, filter: nil, at: now)
    }

    /// Forgets a task, or keeps it among the completed ones.
    mutating func removeTask(_ key: TaskKey, asCompleted: Bool) {
        release(key)
        guard let task = frameworks[key.framework]?.tasks.removeValue(forKey: key.task) else {
            return
        }
        agents[task.agent]?.tasks.remove(key)
        if asCompleted { frameworks[key.framework]?.complete(task, limits: options.limits) }
    }

    /// Ends a task by the master's word.
    mutating func endTask(
        _ key: TaskKey, as state: TaskState, _ reason: StatusReason, _ message: String
    ) {
        guard let task = frameworks[key.framework]?.tasks[key.task] else { return }
        let told = tell(
            key.framework, key.task, agent: task.agent, state, reason, message,
            since: task.state)
        setState(key, told)
        removeTask(key, asCompleted: true)
    }

    mutating func acknowledge(_ key: TaskKey, agent id: AgentID, _ uuid: UpdateUUID) {
        guard let connection = agents[id]?.connection else {
            emit(.drop(.agentNotRegistered, "acknowledgement for agent \(id)"))
            return
        }
        if let task = frameworks[key.framework]?.tasks[key.task], task.agent == id,
            let update = task.statuses.last(where: { $0.uuid == uuid }),
            update.state.isTerminal
        {
            removeTask(key, asCompleted: true)
        }
        touch(id)
        emit(.send(connection, .acknowledge(key.framework, key.task, uuid)))
    }

    mutating func kill(_ key: TaskKey, agent: AgentID?, graceMilliseconds: Int64?) {
        guard let task = frameworks[key.framework]?.tasks[key.task] else {
            reconcile(key.framework, TaskQuery(task: key.task, agent: agent))
            return
        }
        frameworks[key.framework]?.tasks[key.task]?.isKillRequested = true
        frameworks[key.framework]?.tasks[key.task]?.killGraceMilliseconds = graceMilliseconds
        sendKill(key, to: task.agent, graceMilliseconds: graceMilliseconds)
    }

    /// An agent that is not connected gets it when it registers again.
    mutating func sendKill(_ key: TaskKey, to id: AgentID, graceMilliseconds: Int64?) {
        let message = "Killed before it was sent to its agent"
        if dropHeld(key, on: id, .killedDuringLaunch, message) { return }
        guard let connection = agents[id]?.connection else { return }
        emit(
            .send(
                connection,
                .kill(key.framework, key.task, graceMilliseconds: graceMilliseconds)))
    }

    /// The master's own word on a task, which needs no acknowledgement. Frameworks that know
    /// nothing of partitions are told TASK_LOST where others hear what it really is.
    ///
    /// `old`: the task's state up to now, where the word is news.
    @discardableResult
    mutating func tell(
        _ id: FrameworkID, _ task: TaskID, agent: AgentID?, _ state: TaskState,
        _ reason: StatusReason, _ message: String, payload: Payload = Payload(),
        unreachableNanoseconds: Int64? = nil, since old: TaskState? = nil
    ) -> TaskState {
        guard let framework = frameworks[id] else { return state }
        let isLost = !framework.isPartitionAware && state.isNewForPartitions
        let last = reason == .reconciliation ? framework.tasks[task]?.lastUpdate : nil
        let update = StatusUpdate(
            uuid: nil, framework: id, task: task, agent: agent, state: isLost ? .lost : state,
            source: .master, reason: reason,
            message: isLost ? "\(message) (\(state.rawValue))" : message,
            isHealthy: last?.isHealthy, timestampNanoseconds: now.nanoseconds, payload: payload)
        if let stream = framework.stream {
            emit(
                .sendEvent(
                    stream, .update(update, unreachableNanoseconds: unreachableNanoseconds)))
        }
        noteUpdate(
            update, since: old.map { TaskStanding(told: $0, state: $0) }, by: update.state)
        return update.state
    }

    /// A task whose agent is unreachable is remembered: it may be back with it.
    mutating func loseTask(_ key: TaskKey, because reason: String) {
        guard var task = frameworks[key.framework]?.tasks[key.task] else { return }
        if task.state.isTerminal || frameworks[key.framework]?.isEnding == true {
            dropTask(task, as: .unreachable, .agentRemoved, reason)
            return
        }
        removeTask(key, asCompleted: false)
        task.booked = Resources()
        task.unreachableNanoseconds = now.nanoseconds
        task.state = tell(
            key.framework, key.task, agent: task.agent, .unreachable, .agentRemoved, reason,
            unreachableNanoseconds: now.nanoseconds, since: task.state)
        frameworks[key.framework]?.rememberUnreachable(task, limits: options.limits)
    }

    /// Forgets a task that has ended, or whose framework is removed and hears no more.
    private mutating func dropTask(
        _ task: MasterTask, as state: TaskState, _ reason: StatusReason, _ message: String
    ) {
        if !task.state.isTerminal {
            tell(
                task.framework, task.description.id, agent: task.agent, state, reason, message,
                since: task.state)
        }
        removeTask(task.key, asCompleted: true)
    }

    /// The agent was marked gone: its tasks have ended for certain.
    mutating func abandonTasks(of id: FrameworkID, on agent: AgentID) {
        guard let framework = frameworks[id] else { return }
        let message = "Agent has been marked gone"
        for task in framework.sortedTasks where task.agent == agent {
            guard !task.state.isTerminal, !framework.isEnding else {
                dropTask(task, as: .goneByOperator, .agentRemovedByOperator, message)
                continue
            }
            endTask(task.key, as: .goneByOperator, .agentRemovedByOperator, message)
        }
        for task in framework.unreachableTasks.values where task.agent == agent {
            frameworks[id]?.unreachableTasks[task.description.id] = nil
            var ended = task
            ended.state = tell(
                id, task.description.id, agent: agent, .goneByOperator,
                .agentRemovedByOperator, message, since: task.state)
            frameworks[id]?.complete(ended, limits: options.limits)
        }
    }
}

extension TaskState {
    /// States that only frameworks with PARTITION_AWARE know.
    var isNewForPartitions: Bool {
        switch self {
        case .dropped, .unreachable, .gone, .goneByOperator, .unknown: true
        case .staging, .starting, .running, .killing, .finished, .failed, .killed, .error, .lost:
            false
        }
    }
}
