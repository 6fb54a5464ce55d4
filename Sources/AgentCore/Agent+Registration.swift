package import Model

extension Agent {
    /// The agent as its master and its executors see it.
    package var description: AgentDescription {
        AgentDescription(
            id: state.id, hostname: options.hostname, address: options.address,
            port: options.port, resources: state.resources, version: options.version,
            bootID: state.bootID, payload: options.payload)
    }

    /// What this agent brings to a registration.
    func registration() -> AgentRegistration {
        var frameworks = state.frameworks
        for launch in waiting.launches { frameworks[launch.key.framework] = launch.framework }
        // Of ends that it has never heard of a master tells their frameworks and the audit trail.
        return AgentRegistration(
            description: description, total: state.total, lastSequence: state.lastSequence,
            results: state.sortedResults.map(\.result),
            operations: state.sortedResults.map(\.operation)
                + operations.prefix(operations.count).map(\.operation),
            volumes: state.sortedVolumes.filter { volumeProblems[$0.uuid] != Self.missingVolume },
            frameworks: frameworks.keys.sorted().compactMap { frameworks[$0] },
            executors: executorReports(), tasks: taskReports(), number: nextRegistrationNumber)
    }

    private func executorReports() -> [ExecutorReport] {
        state.executors.keys.sorted().compactMap { key in
            guard let executor = state.executors[key]?.row.executor else { return nil }
            switch executor.kind {
            case .command: return nil
            case .default, .custom:
                return ExecutorReport(framework: key.framework, executor: executor)
            }
        }
    }

    private func taskReports() -> [TaskReport] {
        let stored = state.tasks.keys.sorted().compactMap { key -> TaskReport? in
            guard let entry = state.tasks[key] else { return nil }
            return TaskReport(
                framework: key.framework, task: entry.row.task, state: entry.state,
                unacknowledged: entry.pending.first)
        }
        let queued = waiting.launches.map {
            TaskReport(framework: $0.key.framework, task: $0.task, state: .staging)
        }
        return stored + queued
    }
}
