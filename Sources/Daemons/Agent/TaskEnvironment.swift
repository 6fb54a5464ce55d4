import AgentCore
import Containers
import MesosAPI
import Model
import Wire

/// The environment that a task finds, as Mesos makes it.
enum TaskEnvironment {
    static func make(
        _ launch: ContainerLaunch, _ command: Mesos_V1_CommandInfo, agentAddress: String,
        home: String, image: ImageConfiguration? = nil
    ) -> [ContainerSpec.Variable] {
        var values: [(String, String)] = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", home),
            ("USER", launch.user),
        ]
        // What the image says counts more than the agent's usual, and less than the task's own.
        values += image?.environment.map { ($0.name, $0.value) } ?? []
        values += [
            ("MESOS_SANDBOX", image == nil ? launch.directory : ContainerSpec.imageSandbox),
            ("MESOS_DIRECTORY", launch.directory),
            ("MESOS_FRAMEWORK_ID", launch.framework.id?.value ?? ""),
            ("MESOS_EXECUTOR_ID", launch.executor.id.value),
            ("MESOS_SLAVE_ID", launch.agent.value),
            ("MESOS_AGENT_ID", launch.agent.value),
            ("MESOS_AGENT_ENDPOINT", agentAddress),
            ("MESOS_SLAVE_PID", "slave(1)@\(agentAddress)"),
            ("MESOS_CHECKPOINT", launch.framework.isCheckpointing ? "1" : "0"),
            ("MESOS_HTTP_COMMAND_EXECUTOR", "1"),
            ("MESOS_CONTAINER_ID", launch.container.value),
            ("MESOS_RECOVERY_TIMEOUT", "15mins"),
            ("MESOS_SUBSCRIPTION_BACKOFF_MAX", "2secs"),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs"),
        ]
        if launch.kind == .command { values.append(("MESOS_TASK_ID", launch.task.id.value)) }
        for variable in command.environment.variables where variable.hasValue {
            values.append((variable.name, variable.value))
        }
        // The last value of a name counts; an environment has no order.
        var seen: Set<String> = []
        return values.reversed().filter { seen.insert($0.0).inserted }.reversed()
            .map { ContainerSpec.Variable($0.0, $0.1) }
    }
}
