import AgentCore
import MesosAPI
import Model
import Wire

// GET_STATE of the agent, and what else names executors.

extension AgentViews {
    static func state(_ agent: Agent) -> Mesos_V1_Agent_Response {
        var response = Mesos_V1_Agent_Response()
        response.type = .getState
        var tasks = Mesos_V1_Agent_Response.GetTasks()
        var executors = Mesos_V1_Agent_Response.GetExecutors()
        var frameworks = Mesos_V1_Agent_Response.GetFrameworks()
        for view in agent.frameworkViews() {
            frameworks.frameworks.append(framework(view.description))
            executors.executors += view.executors.map { executor($0.row, $0.tasks) }
            executors.completedExecutors += view.completedExecutors.map {
                executor($0, view.terminatedTasks + view.completedTasks)
            }
            tasks.queuedTasks += view.waitingTasks.map { queued($0, view.description) }
            tasks.launchedTasks += view.executors.flatMap(\.tasks).map(task)
            tasks.terminatedTasks += view.terminatedTasks.map(task)
            tasks.completedTasks += view.completedTasks.map(task)
        }
        for past in agent.completedFrameworks {
            frameworks.completedFrameworks.append(framework(past.description))
            executors.completedExecutors += past.executors.map { executor($0, past.tasks) }
            tasks.completedTasks += past.tasks.map(task)
        }
        response.getState.getTasks = tasks
        response.getState.getExecutors = executors
        response.getState.getFrameworks = frameworks
        return response
    }

    /// GET_OPERATIONS.
    static func operations(_ agent: Agent) -> Mesos_V1_Agent_Response {
        var response = Mesos_V1_Agent_Response()
        response.type = .getOperations
        let id = agent.state.id ?? AgentID("")
        response.getOperations.operations = agent.operationViews().map {
            Mesos_V1_Operation($0.operation, agent: id, state: $0.state)
        }
        return response
    }

    private static func framework(
        _ description: FrameworkDescription
    ) -> Mesos_V1_Agent_Response.GetFrameworks.Framework {
        var framework = Mesos_V1_Agent_Response.GetFrameworks.Framework()
        framework.frameworkInfo = Mesos_V1_FrameworkInfo(description)
        return framework
    }

    private static func task(_ entry: AgentState.TaskEntry) -> Mesos_V1_Task {
        Mesos_V1_Task(
            entry.row.task, framework: entry.row.framework,
            executor: entry.row.task.executor?.id, state: entry.state,
            updates: entry.acknowledged + entry.pending)
    }

    private static func queued(
        _ task: TaskDescription, _ framework: FrameworkDescription
    ) -> Mesos_V1_Task {
        Mesos_V1_Task(
            task, framework: framework.id ?? FrameworkID(""), executor: task.executor?.id,
            state: .staging, updates: [])
    }

    private static func executor(
        _ row: ExecutorRow, _ tasks: [AgentState.TaskEntry]
    ) -> Mesos_V1_Agent_Response.GetExecutors.Executor {
        var executor = Mesos_V1_Agent_Response.GetExecutors.Executor()
        executor.executorInfo = info(row, tasks)
        return executor
    }

    /// An executor; a command task's own one is shown under the name that Mesos gives it.
    static func info(
        _ row: ExecutorRow, _ tasks: [AgentState.TaskEntry]
    ) -> Mesos_V1_ExecutorInfo {
        var info = Mesos_V1_ExecutorInfo(row.executor)
        info.frameworkID.value = row.framework.value
        let id = row.executor.id.value
        guard row.executor.kind == .command,
            let task = tasks.first(where: { $0.row.task.id.value == id })
        else { return info }
        let message: Mesos_V1_TaskInfo = task.row.task.payload.message()
        let command = message.command
        info.command = command
        let words = [command.value] + command.arguments
        let text =
            command.shell
            ? "sh -c '\(shortened(command.value))'"
            : "'\(shortened(words.joined(separator: ", ")))'"
        info.name = "Command Executor (Task: \(id)) (Command: \(text))"
        info.source = id
        if message.hasLabels { info.labels = message.labels }
        return info
    }

    private static func shortened(_ text: String) -> String {
        text.count > 15 ? text.prefix(12) + "..." : text
    }
}
