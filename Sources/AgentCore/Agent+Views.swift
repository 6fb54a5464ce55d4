package import Model
import OrderedCollections

extension Agent {
    package struct ExecutorView: Sendable {
        package var row: ExecutorRow
        /// A serialized TaskStatus that holds its `container_status`.
        package var status: Payload
        package var isRunning: Bool
        package var isSubscribed: Bool
        /// Those that have not ended, as they arrived.
        package var tasks: [AgentState.TaskEntry]
        /// Of the executor and these tasks.
        package var mounts: [VolumeMount]
    }

    package struct FrameworkView: Sendable {
        package var description: FrameworkDescription
        package var executors: [ExecutorView]
        /// Waiting for operations in front of them.
        package var waitingTasks: [TaskDescription]
        /// Ended, but not acknowledged.
        package var terminatedTasks: [AgentState.TaskEntry]
        package var completedExecutors: [ExecutorRow]
        package var completedTasks: [AgentState.TaskEntry]
    }

    package struct VolumeView: Sendable {
        package var volume: VolumeDescription
        package var report: VolumeReport?
        package var problem: String?
        /// The tasks that have it now.
        package var tasks: [TaskKey]
    }

    /// Operations whose result nobody has acknowledged yet, and those that have not ended; by their
    /// numbers.
    package func operationViews() -> [(operation: AgentOperation, state: OperationState)] {
        state.sortedResults.map { ($0.operation, $0.result.state) }
            + operations.prefix(operations.count).map { ($0.operation, .pending) }
    }

    /// Frameworks with anything here, by their ids.
    package func frameworkViews() -> [FrameworkView] {
        var executors: [FrameworkID: [ExecutorView]] = [:]
        for key in state.executors.keys.sorted() {
            if let view = executorView(key) { executors[key.framework, default: []].append(view) }
        }
        var terminated: [FrameworkID: [AgentState.TaskEntry]] = [:]
        for key in state.tasks.keys.sorted() {
            guard let entry = state.tasks[key], entry.state.isTerminal else { continue }
            terminated[key.framework, default: []].append(entry)
        }
        return state.frameworks.keys.sorted().compactMap { id in
            guard let description = state.frameworks[id] else { return nil }
            let past = history.frameworks[id]
            return FrameworkView(
                description: description, executors: executors[id] ?? [],
                waitingTasks: waiting.launches.filter { $0.key.framework == id }.map(\.task),
                terminatedTasks: terminated[id] ?? [],
                completedExecutors: past?.executors ?? [], completedTasks: past?.tasks ?? [])
        }
    }

    private func executorView(_ key: ExecutorKey) -> ExecutorView? {
        guard let entry = state.executors[key], let run = runs[entry.row.container] else {
            return nil
        }
        let tasks = entry.tasks.compactMap { state.tasks[TaskKey(key.framework, $0)] }
        return ExecutorView(
            row: entry.row, status: run.status, isRunning: run.phase == .running,
            isSubscribed: run.stream != nil, tasks: tasks,
            mounts: mounts(
                of: entry.row.executor.resources + tasks.flatMap(\.row.task.resources)))
    }

    /// Frameworks that had something here and have not any more, the last one last.
    package var completedFrameworks: [AgentHistory.Framework] {
        history.frameworks.values.filter(\.hasEnded)
    }

    /// Containers that have not ended, or whose end is not settled yet.
    package var livingContainers: [ContainerID] { runs.keys.sorted() }

    /// All volumes of the books, by UUID.
    package func volumeViews() -> [VolumeView] {
        var users: [VolumeUUID: [TaskKey]] = [:]
        for key in state.tasks.keys.sorted() {
            guard let entry = state.tasks[key], entry.isHolding else { continue }
            for mount in mounts(of: entry.row.task.resources) {
                users[mount.volume, default: []].append(key)
            }
        }
        return state.sortedVolumes.map {
            VolumeView(
                volume: $0, report: volumeReports[$0.uuid], problem: volumeProblems[$0.uuid],
                tasks: users[$0.uuid] ?? [])
        }
    }

    /// What was last reported of a volume.
    package func volumeReport(_ uuid: VolumeUUID) -> VolumeReport? { volumeReports[uuid] }

    /// Operations that were received and have not ended, in order.
    package var pendingOperations: [AgentOperation] {
        operations.prefix(operations.count).map(\.operation)
    }
}
