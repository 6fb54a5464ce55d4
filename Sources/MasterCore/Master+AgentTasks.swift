import MachineCore
import Model
import OrderedCollections

// What an agent reports to run at its registration, against what was known of it.

extension Master {
    mutating func reviewTasks(
        _ id: AgentID, _ registration: AgentRegistration, wasUnreachable: Bool
    ) {
        for description in registration.frameworks {
            guard let framework = description.id, !resumeEnding(framework) else { continue }
            adoptFramework(description)
        }
        var ending: Set<FrameworkID> = []
        reviewExecutors(id, registration, &ending)
        var reported: Set<TaskKey> = []
        for report in registration.tasks {
            let key = TaskKey(report.framework, report.task.id)
            guard reported.insert(key).inserted, prepare(report.framework, &ending) else {
                continue
            }
            takeUp(report, on: id, wasUnreachable: wasUnreachable)
        }
        for key in (agents[id]?.tasks ?? []).sorted() where !reported.contains(key) {
            missTask(key)
        }
        for framework in frameworks.keys { reviewUnreachable(framework, on: id, reported) }
        endForgottenUses(on: id)
        guard let connection = agents[id]?.connection else { return }
        for framework in ending.sorted() { shutDown(framework, connection) }
        for framework in frameworks.keys { completeIfEnded(framework) }
    }

    /// Makes sure that a reported framework is known; false: it can't be taken up.
    private mutating func prepare(
        _ framework: FrameworkID, _ ending: inout Set<FrameworkID>
    ) -> Bool {
        if resumeEnding(framework) {
            ending.insert(framework)
            return true
        }
        adoptFramework(
            FrameworkDescription(id: framework, name: "unknown", user: "unknown", roles: []))
        return frameworks[framework] != nil
    }

    private mutating func reviewExecutors(
        _ id: AgentID, _ registration: AgentRegistration, _ ending: inout Set<FrameworkID>
    ) {
        var reported: Set<ExecutorKey> = []
        for report in registration.executors {
            let key = ExecutorKey(
                framework: report.framework, agent: id, executor: report.executor.id)
            guard reported.insert(key).inserted, prepare(report.framework, &ending) else {
                continue
            }
            addExecutor(key, report.executor, booked: Resources(report.executor.resources))
        }
        for key in (agents[id]?.executors ?? []).sorted() where !reported.contains(key) {
            guard frameworks[key.framework]?.executors[key]?.transaction == nil else { continue }
            removeExecutor(key)
        }
    }

    private mutating func takeUp(
        _ report: TaskReport, on id: AgentID, wasUnreachable: Bool
    ) {
        let key = TaskKey(report.framework, report.task.id)
        guard let framework = frameworks[key.framework] else { return }
        if let twin = framework.tasks[key.task], twin.agent != id {
            emit(.drop(.taskUnknown, "task \(key.task) of \(id) runs on \(twin.agent), too"))
            sendKill(key, to: id, graceMilliseconds: nil)
            return
        }
        let remembered = framework.unreachableTasks[key.task]
        let isReturning = remembered?.agent == id
        if isReturning { frameworks[key.framework]?.unreachableTasks[key.task] = nil }
        nextTask += 1
        var description = report.task
        description.agent = id
        var task = MasterTask(
            framework: key.framework, description: description, number: nextTask,
            state: report.state)
        if let old = framework.tasks[key.task] ?? (isReturning ? remembered : nil) {
            task = old
            task.description.resources = description.resources
            task.state = report.state
            task.unreachableNanoseconds = nil
        }
        if let update = report.unacknowledged { task.append(update) }
        task.booked = report.state.isTerminal ? Resources() : Resources(description.resources)
        if isReturning, !framework.isPartitionAware { task.isKillRequested = true }
        frameworks[key.framework]?.tasks[key.task] = task
        agents[id]?.tasks.insert(key)
        note(report, since: framework.tasks[key.task]?.state)
        noteUse(by: task)
        if task.isKillRequested, !report.state.isTerminal {
            sendKill(key, to: id, graceMilliseconds: task.killGraceMilliseconds)
        }
        guard isReturning, wasUnreachable, framework.isPartitionAware else { return }
        tell(
            key.framework, key.task, agent: id, report.state, .agentReregistered,
            "Unreachable agent re-reregistered")
    }

    /// The agent came back without a task that it had or was sent.
    private mutating func missTask(_ key: TaskKey) {
        guard let task = frameworks[key.framework]?.tasks[key.task] else {
            agents.values.first { $0.tasks.contains(key) }.map { agent in
                _ = agents[agent.id]?.tasks.remove(key)
            }
            return
        }
        // It waits for a transaction; the agent was never sent it.
        guard task.transaction == nil else { return }
        if task.state.isTerminal {
            removeTask(key, asCompleted: true)
            return
        }
        let state: TaskState = task.state == .staging ? .dropped : .gone
        endTask(key, as: state, .reconciliation, "Task is unknown to the agent")
    }

    /// Tasks that were unreachable with this agent and are not among what it brought.
    private mutating func reviewUnreachable(
        _ id: FrameworkID, on agent: AgentID, _ reported: Set<TaskKey>
    ) {
        guard let framework = frameworks[id] else { return }
        for task in framework.unreachableTasks.values
        where task.agent == agent && !reported.contains(task.key) {
            frameworks[id]?.unreachableTasks[task.description.id] = nil
            var ended = task
            ended.state = framework.isPartitionAware ? .gone : .lost
            frameworks[id]?.complete(ended, limits: options.limits)
            guard framework.isPartitionAware else { continue }
            tell(
                id, task.description.id, agent: agent, .gone, .reconciliation,
                "Task is unknown to the agent", since: task.state)
        }
    }
}
