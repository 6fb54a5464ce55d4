/// Bounds of every collection that is fed from outside; reaching one is a refusal, not growth.
package struct Limits: Hashable, Sendable {
    package var frameworks = 10_000
    package var completedFrameworks = 50
    package var completedTasksPerFramework = 1_000
    package var agents = 100_000
    package var goneAgents = 102_400
    package var rolesPerFramework = 1_000
    package var offersPerFramework = 10_000
    package var operationsPerCall = 10_000
    package var stepsPerTransaction = 1_000
    /// Ended transactions with a key whose result is kept.
    package var transactionsKept = 10_000
    package var tasksPerLaunch = 10_000
    package var resourcesPerMessage = 100_000
    package var filtersPerFramework = 100_000
    package var pendingOperationsPerAgent = 10_000
    package var unacknowledgedUpdatesPerTask = 1_000
    package var volumesPerAgent = 1_000_000
    package var requestBodyBytes = 8 * 1024 * 1024
    package var identifierBytes = 255
    /// Frameworks in a role that one explanation of offers is about.
    package var explainedSubjects = 100
    package var explainedAgents = 1_000
    /// Agents times subjects of one explanation.
    package var explainedVerdicts = 10_000
    /// Resources, holders, tasks: the items of one list in an explanation or a what-if.
    package var explainedItems = 100

    package init() {}
}
