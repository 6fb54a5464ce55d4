import MachineCore
package import Model
package import OrderedCollections

/// A framework as this master sees it now; what must last is in the `Ledger`.
///
///     recovered ----SUBSCRIBE---> connected <--SUBSCRIBE/stream closed--> disconnected
///     any --TEARDOWN or failover timeout--> ending --last task ended--> completed
package struct MasterFramework: Sendable {
    package let id: FrameworkID
    package internal(set) var description: FrameworkDescription
    /// Sorted; of its roles only.
    package internal(set) var suppressedRoles: [String] = []
    /// Nil: disconnected.
    package internal(set) var stream: StreamID?
    package internal(set) var streamUUID: String?
    /// Known from before this master's start, and not back yet.
    package internal(set) var isRecovered = false
    /// Removed; what it runs is being killed.
    package internal(set) var isEnding = false
    package internal(set) var registeredNanoseconds: Int64
    package internal(set) var reregisteredNanoseconds: Int64?
    package internal(set) var disconnectedNanoseconds: Int64?
    package internal(set) var tasks: [TaskID: MasterTask] = [:]
    package internal(set) var unreachableTasks: OrderedDictionary<TaskID, MasterTask> = [:]
    /// The newest last.
    package internal(set) var completedTasks: [MasterTask] = []
    package internal(set) var executors: [ExecutorKey: MasterExecutor] = [:]
    package internal(set) var offers: Set<OfferID> = []
    /// Operations with a framework's id, until their end is acknowledged.
    package internal(set) var operations: OrderedDictionary<OperationUUID, FrameworkOperation> =
        [:]
    var failoverDue: Instant?

    init(id: FrameworkID, description: FrameworkDescription, registeredNanoseconds: Int64) {
        self.id = id
        self.description = description
        self.registeredNanoseconds = registeredNanoseconds
    }

    package var isConnected: Bool { stream != nil }

    package var isPartitionAware: Bool { description.capabilities.contains(.partitionAware) }

    /// Whether its ACCEPTs are done whole or not at all.
    var isAtomic: Bool { description.capabilities.contains(.atomicAccept) }

    /// By age.
    package var sortedTasks: [MasterTask] {
        tasks.values.sorted { $0.number < $1.number }
    }

    package var sortedExecutors: [(key: ExecutorKey, executor: MasterExecutor)] {
        executors.keys.sorted().compactMap { key in executors[key].map { (key, $0) } }
    }

    /// Those that it runs on an agent, sorted; offers name them.
    package func executors(on agent: AgentID) -> [ExecutorID] {
        executors.keys.filter { $0.agent == agent }.sorted().map(\.executor)
    }

    /// Keeps an ended task for listings; the oldest goes when there are too many.
    mutating func complete(_ task: MasterTask, limits: Limits) {
        guard limits.completedTasksPerFramework > 0 else { return }
        if completedTasks.count >= limits.completedTasksPerFramework {
            completedTasks.removeFirst()
        }
        completedTasks.append(task)
    }

    mutating func rememberUnreachable(_ task: MasterTask, limits: Limits) {
        if unreachableTasks.count >= max(1, limits.completedTasksPerFramework) {
            unreachableTasks.removeFirst()
        }
        unreachableTasks[task.description.id] = task
    }
}

/// An operation that a framework follows by an id of its own.
package struct FrameworkOperation: Equatable, Sendable {
    package let id: OperationID
    package let agent: AgentID
    /// The transaction that it is a step of.
    var transaction: OperationUUID?
    package internal(set) var state: OperationState
    package internal(set) var message: String?
    /// Of the status that awaits acknowledgement.
    package internal(set) var statusUUID: String?
    /// When it is told again if it is not acknowledged, and how long that was put off.
    var retryDue: Instant?
    var retryMilliseconds: Int64 = 0
}
