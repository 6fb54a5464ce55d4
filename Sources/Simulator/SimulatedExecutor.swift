import AgentCore
import Model
import OrderedCollections

/// A custom executor in its container: its memory outlives the agent.
struct SimulatedExecutor {
    let framework: FrameworkID
    let executor: ExecutorID
    var stream: ExecutorStreamID?
    /// What it got and has no acknowledged update of.
    var unacknowledgedTasks: OrderedDictionary<TaskID, TaskDescription> = [:]
    /// Not acknowledged by the agent; sent one after the other.
    var updates: [StatusUpdate] = []
    /// Every task that it was ever given.
    var seen: Set<TaskID> = []
    var running: OrderedDictionary<TaskID, TaskDescription> = [:]
    /// Tasks' volumes that its container holds.
    var volumes: [VolumeMount] = []

    var isIdle: Bool { running.isEmpty && updates.isEmpty && unacknowledgedTasks.isEmpty }
}
