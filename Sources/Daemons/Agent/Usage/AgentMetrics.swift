import AgentCore
import MachineCore
import Model

/// GET `/metrics/snapshot` of an agent: those of Mesos's metrics that tools read most.
enum AgentMetrics {
    static func snapshot(_ agent: Agent, _ now: Instant) -> LegacyJSON {
        var pairs: [(String, LegacyJSON)] = []
        for name in ["cpus", "mem", "disk"] {
            let total = agent.state.total.total(of: name).value
            let used = agent.state.used.total(of: name).value
            pairs.append(("slave/\(name)_total", .number(total)))
            pairs.append(("slave/\(name)_used", .number(used)))
            pairs.append(("slave/\(name)_percent", .number(total > 0 ? used / total : 0)))
        }
        let frameworks = agent.frameworkViews()
        let executors = frameworks.flatMap(\.executors)
        let running = executors.filter(\.isRunning)
        let tasks = executors.flatMap(\.tasks)
        let inState = { (state: TaskState) in Double(tasks.count { $0.state == state }) }
        pairs += [
            ("slave/frameworks_active", .number(Double(frameworks.count))),
            ("slave/executors_running", .number(Double(running.count))),
            ("slave/tasks_running", .number(inState(.running))),
            ("slave/tasks_starting", .number(inState(.starting))),
            ("slave/tasks_staging", .number(inState(.staging))),
            ("slave/registered", .number(agent.state.id == nil ? 0 : 1)),
        ]
        return .object(pairs)
    }
}
