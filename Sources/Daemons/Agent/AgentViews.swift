import AgentCore
import MesosAPI
import Model
import Wire

/// What the agent's operator API shows of its state.
enum AgentViews {
    struct FoundContainer: Sendable {
        let row: ExecutorRow
        let name: String
        let status: Payload
        let resources: [Resource]
        let limits: DiskLimits
        /// What was last reported of its volumes.
        let reports: [VolumeUUID: VolumeReport]
    }

    static func containers(_ agent: Agent) -> [FoundContainer] {
        agent.frameworkViews().flatMap(\.executors).filter(\.isRunning).map { view in
            let resources = view.row.executor.resources + view.tasks.flatMap(\.row.task.resources)
            let limits = DiskLimits(
                container: view.row.container, sandbox: view.row.directory,
                resources: resources, volume: agent.volume(of:))
            var reports: [VolumeUUID: VolumeReport] = [:]
            for (uuid, _) in limits.volumes { reports[uuid] = agent.volumeReport(uuid) }
            return FoundContainer(
                row: view.row, name: info(view.row, view.tasks).name, status: view.status,
                resources: resources, limits: limits, reports: reports)
        }
    }
}
