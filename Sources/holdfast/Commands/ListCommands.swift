import ArgumentParser
import MesosAPI

/// Sums over a list of resources, for a table's cells.
struct ResourceSums {
    let resources: [Mesos_V1_Resource]

    func scalar(_ name: String, where isIncluded: (Mesos_V1_Resource) -> Bool = { _ in true })
        -> Table.Value
    {
        let sum = resources.filter { $0.name == name && isIncluded($0) }
            .reduce(0) { $0 + $1.scalar.value }
        return .number((sum * 1000).rounded() / 1000)
    }
}

struct AgentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents", abstract: "List the agents and what they have.")
    @OptionGroup var options: ClientOptions

    func run() async throws {
        let answer = try await withClient(options.master) { try await $0.ask(.getAgents) }
        var table = Table([
            ("id", "ID"), ("hostname", "HOSTNAME"), ("port", "PORT"), ("active", "ACTIVE"),
            ("cpus", "CPUS"), ("mem_mib", "MEM MiB"), ("disk_mib", "DISK MiB"),
            ("disk_reserved_mib", "RESERVED MiB"), ("volumes", "VOLUMES"),
        ])
        for agent in answer.getAgents.agents {
            let total = ResourceSums(resources: agent.totalResources)
            table.add([
                .text(agent.agentInfo.id.value), .text(agent.agentInfo.hostname),
                .number(Double(agent.agentInfo.port)), .flag(agent.active), total.scalar("cpus"),
                total.scalar("mem"), total.scalar("disk"),
                total.scalar("disk") { !$0.reservations.isEmpty },
                .number(
                    Double(agent.totalResources.filter { $0.disk.hasPersistence }.count)),
            ])
        }
        table.print(asJSON: options.json)
    }
}

struct TasksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasks", abstract: "List the tasks.")
    @OptionGroup var options: ClientOptions
    @Flag(help: "Also tasks that have ended.")
    var all = false

    func run() async throws {
        let answer = try await withClient(options.master) { try await $0.ask(.getTasks) }
        var table = Table([
            ("id", "ID"), ("name", "NAME"), ("state", "STATE"), ("healthy", "HEALTHY"),
            ("agent", "AGENT"), ("framework", "FRAMEWORK"),
        ])
        let tasks = answer.getTasks
        let ended = all ? tasks.completedTasks + tasks.orphanTasks : []
        for task in tasks.pendingTasks + tasks.tasks + tasks.unreachableTasks + ended {
            let last = task.statuses.last
            table.add([
                .text(task.taskID.value), .text(task.name), .text(stateName(task.state)),
                last?.hasHealthy == true ? .flag(last?.healthy ?? false) : .missing,
                .text(task.agentID.value), .text(task.frameworkID.value),
            ])
        }
        table.print(asJSON: options.json)
    }
}

/// `TASK_RUNNING` for the generated case.
func stateName(_ state: Mesos_V1_TaskState) -> String {
    let names: [Mesos_V1_TaskState: String] = [
        .taskStaging: "TASK_STAGING", .taskStarting: "TASK_STARTING",
        .taskRunning: "TASK_RUNNING", .taskKilling: "TASK_KILLING",
        .taskFinished: "TASK_FINISHED", .taskFailed: "TASK_FAILED", .taskKilled: "TASK_KILLED",
        .taskError: "TASK_ERROR", .taskLost: "TASK_LOST", .taskDropped: "TASK_DROPPED",
        .taskUnreachable: "TASK_UNREACHABLE", .taskGone: "TASK_GONE",
        .taskGoneByOperator: "TASK_GONE_BY_OPERATOR", .taskUnknown: "TASK_UNKNOWN",
    ]
    return names[state] ?? "TASK_UNKNOWN"
}

struct FrameworksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frameworks", abstract: "List the frameworks.")
    @OptionGroup var options: ClientOptions
    @Flag(help: "Also frameworks that were removed.")
    var all = false

    func run() async throws {
        let answer = try await withClient(options.master) { try await $0.ask(.getFrameworks) }
        var table = Table([
            ("id", "ID"), ("name", "NAME"), ("roles", "ROLES"), ("active", "ACTIVE"),
            ("connected", "CONNECTED"), ("principal", "PRINCIPAL"),
        ])
        let ended = all ? answer.getFrameworks.completedFrameworks : []
        for framework in answer.getFrameworks.frameworks + ended {
            let info = framework.frameworkInfo
            let roles = info.roles.isEmpty ? [info.role] : info.roles
            table.add([
                .text(info.id.value), .text(info.name), .text(roles.joined(separator: ",")),
                .flag(framework.active), .flag(framework.connected),
                info.hasPrincipal ? .text(info.principal) : .missing,
            ])
        }
        table.print(asJSON: options.json)
    }
}

struct RolesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roles", abstract: "List the roles and what they hold.")
    @OptionGroup var options: ClientOptions

    func run() async throws {
        let answer = try await withClient(options.master) { try await $0.ask(.getRoles) }
        var table = Table([
            ("role", "ROLE"), ("weight", "WEIGHT"), ("frameworks", "FRAMEWORKS"),
            ("cpus", "CPUS"), ("mem_mib", "MEM MiB"), ("disk_mib", "DISK MiB"),
        ])
        for role in answer.getRoles.roles {
            let sums = ResourceSums(resources: role.resources)
            table.add([
                .text(role.name), .number(role.weight), .number(Double(role.frameworks.count)),
                sums.scalar("cpus"), sums.scalar("mem"), sums.scalar("disk"),
            ])
        }
        table.print(asJSON: options.json)
    }
}
