import ArgumentParser
import Foundation
import MesosAPI

struct TaskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task", abstract: "Read a task's logs, or kill it.",
        subcommands: [TaskLogs.self, TaskKill.self])
}

/// Which task.
struct TaskChoice: ParsableArguments {
    @OptionGroup var client: ClientOptions
    @Option(help: "The framework's id; needed only when several have such a task.")
    var framework: String?
    @Argument(help: "The task's id.")
    var task: String

    func find(_ client: APIClient) async throws -> Mesos_V1_Task {
        let answer = try await client.ask(.getTasks).getTasks
        let all =
            answer.tasks + answer.pendingTasks + answer.unreachableTasks + answer.completedTasks
        let found = all.filter {
            $0.taskID.value == task && (framework == nil || $0.frameworkID.value == framework)
        }
        guard let first = found.first else {
            throw CommandFailure("there is no task '\(task)': 'holdfast tasks --all' lists them")
        }
        guard Set(found.map(\.frameworkID.value)).count == 1 else {
            throw CommandFailure("several frameworks have a task '\(task)': name --framework")
        }
        return first
    }
}

struct TaskLogs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what a task wrote.")
    @OptionGroup var choice: TaskChoice
    @Flag(help: "Its standard error instead of its standard output.")
    var stderr = false

    func run() async throws {
        try await withClient(choice.client.master) { client in
            let task = try await choice.find(client)
            try await printLog(of: task, file: stderr ? "stderr" : "stdout", master: client)
        }
    }
}

/// Copies a task's log to the standard output, by READ_FILE calls to its agent.
func printLog(of task: Mesos_V1_Task, file: String, master: APIClient) async throws {
    let agents = try await master.ask(.getAgents).getAgents.agents
    guard let agent = agents.first(where: { $0.agentInfo.id.value == task.agentID.value }) else {
        throw CommandFailure("agent \(task.agentID.value) of the task is not registered now")
    }
    let host = agent.pid.split(separator: "@").last.map(String.init)
    let address = host ?? "\(agent.agentInfo.hostname):\(agent.agentInfo.port)"
    let executor = task.hasExecutorID ? task.executorID.value : task.taskID.value
    let path =
        "/frameworks/\(task.frameworkID.value)/executors/\(executor)/runs/latest/\(file)"
    try await withClient(address) { client in
        var offset: UInt64 = 0
        while true {
            let answer = try await client.askAgent(.readFile) {
                $0.readFile.path = path
                $0.readFile.offset = offset
                $0.readFile.length = 1 << 20
            }
            let data = answer.readFile.data
            guard !data.isEmpty else { return }
            FileHandle.standardOutput.write(data)
            offset += UInt64(data.count)
        }
    }
}

struct TaskKill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Kill a task; its framework hears of it.")
    @OptionGroup var choice: TaskChoice
    @Option(help: "Between SIGTERM and SIGKILL, like 10s.")
    var grace: DurationOption?

    func run() async throws {
        try await withClient(choice.client.master) { client in
            let task = try await choice.find(client)
            let answer = try await client.tell(.killTask) {
                $0.killTask.frameworkID = task.frameworkID
                $0.killTask.taskID = task.taskID
                if let grace {
                    $0.killTask.killPolicy.gracePeriod.nanoseconds = grace.milliseconds * 1_000_000
                }
            }
            report(answer, "task \(choice.task) is being killed", asJSON: choice.client.json)
        }
    }
}
