import Model

/// A task that waits for operations in front of it.
struct WaitingLaunch: Equatable, Sendable {
    let key: TaskKey
    let framework: FrameworkDescription
    /// Nil: a command task.
    let executor: ExecutorDescription?
    let task: TaskDescription
    /// The last operation that came before it.
    let after: UInt64

    var executorID: ExecutorID { executor?.id ?? ExecutorID(task.id.value) }
    var executorKey: ExecutorKey { ExecutorKey(key.framework, executorID) }
}

/// Launches that wait, as they arrived.
struct LaunchQueue: Sendable {
    private(set) var launches: [WaitingLaunch] = []
    private var keys: Set<TaskKey> = []

    var count: Int { launches.count }
    var isEmpty: Bool { launches.isEmpty }

    func contains(_ key: TaskKey) -> Bool { keys.contains(key) }

    mutating func append(_ launch: WaitingLaunch) {
        launches.append(launch)
        keys.insert(launch.key)
    }

    @discardableResult
    mutating func remove(_ key: TaskKey) -> WaitingLaunch? {
        guard keys.remove(key) != nil,
            let index = launches.firstIndex(where: { $0.key == key })
        else { return nil }
        return launches.remove(at: index)
    }

    mutating func removeAll() {
        launches = []
        keys = []
    }
}

/// Why a task is not launched.
struct LaunchObjection: Equatable {
    var state: TaskState
    var reason: StatusReason
    var message: String
}
