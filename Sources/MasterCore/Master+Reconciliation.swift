import Model
import OrderedCollections

// RECONCILE of tasks. Explicit: one answer for each named task that something certain can be said
// of. Implicit: the latest state of every task of the framework.

extension Master {
    mutating func reconcile(_ id: FrameworkID, _ queries: [TaskQuery]) {
        guard queries.isEmpty else {
            for query in queries { reconcile(id, query) }
            return
        }
        for task in frameworks[id]?.sortedTasks ?? [] { tellLatest(task) }
    }

    mutating func reconcile(_ id: FrameworkID, _ query: TaskQuery) {
        guard let framework = frameworks[id] else { return }
        if let task = framework.tasks[query.task] {
            tellLatest(task)
            return
        }
        if let task = framework.unreachableTasks[query.task] {
            tellUnreachable(id, query.task, task.agent, since: task.unreachableNanoseconds)
            return
        }
        guard let agent = query.agent else {
            answer(id, query, .unknown, "Task is unknown")
            return
        }
        switch whereabouts(of: agent) {
        case .recovered:
            // It may still bring the task: nothing certain can be said.
            return
        case .registered:
            answer(id, query, .gone, "Task is unknown to the agent")
        case .unreachable:
            tellUnreachable(
                id, query.task, agent, since: ledger.agents[agent]?.sinceNanoseconds)
        case .gone:
            answer(id, query, .goneByOperator, "Task is gone")
        case .unknown:
            answer(id, query, .unknown, "Task is unknown")
        }
    }

    private mutating func answer(
        _ id: FrameworkID, _ query: TaskQuery, _ state: TaskState, _ message: String
    ) {
        tell(
            id, query.task, agent: query.agent, state, .reconciliation,
            "Reconciliation: \(message)")
    }

    private mutating func tellUnreachable(
        _ id: FrameworkID, _ task: TaskID, _ agent: AgentID, since: Int64?
    ) {
        tell(
            id, task, agent: agent, .unreachable, .reconciliation,
            "Reconciliation: Task is unreachable", unreachableNanoseconds: since)
    }

    private mutating func tellLatest(_ task: MasterTask) {
        tell(
            task.framework, task.description.id, agent: task.agent, task.toldState,
            .reconciliation, "Reconciliation: Latest task state",
            payload: task.lastUpdate?.payload ?? Payload())
    }
}
