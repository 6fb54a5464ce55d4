import MachineCore
package import Model
package import OrderedCollections

/// What has ended on an agent since its start, for its read calls; bounded, and not durable.
package struct AgentHistory: Sendable {
    package struct Framework: Sendable {
        package var description: FrameworkDescription
        package var executors: [ExecutorRow] = []
        package var tasks: [AgentState.TaskEntry] = []
        /// Whether nothing of it runs here any more.
        package var hasEnded = false
    }

    static let executorsPerFramework = 150
    static let operationsAtMost = 100

    package private(set) var frameworks: OrderedDictionary<FrameworkID, Framework> = [:]
    package private(set) var operations: [AgentState.EndedOperation] = []
    private let limits: Limits

    init(limits: Limits) { self.limits = limits }

    mutating func add(_ operation: AgentOperation, _ result: OperationResult) {
        operations.append(AgentState.EndedOperation(operation: operation, result: result))
        if operations.count > Self.operationsAtMost { operations.removeFirst() }
    }

    mutating func add(_ row: ExecutorRow, framework: FrameworkDescription) {
        change(framework) {
            $0.executors.append(row)
            if $0.executors.count > Self.executorsPerFramework { $0.executors.removeFirst() }
        }
    }

    mutating func add(_ task: AgentState.TaskEntry, framework: FrameworkDescription) {
        let bound = limits.completedTasksPerFramework
        change(framework) {
            $0.tasks.append(task)
            if $0.tasks.count > bound { $0.tasks.removeFirst() }
        }
    }

    /// Notes that nothing of a framework runs here any more.
    mutating func end(_ framework: FrameworkDescription) {
        change(framework) { $0.hasEnded = true }
        let ended = frameworks.filter { $0.value.hasEnded }
        guard ended.count > limits.completedFrameworks, let oldest = ended.keys.first else {
            return
        }
        frameworks[oldest] = nil
    }

    private mutating func change(
        _ description: FrameworkDescription, _ body: (inout Framework) -> Void
    ) {
        guard let id = description.id else { return }
        var framework = frameworks.removeValue(forKey: id) ?? Framework(description: description)
        framework.description = description
        framework.hasEnded = false
        body(&framework)
        frameworks[id] = framework
    }
}
