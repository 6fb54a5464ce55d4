import AgentCore
import Containers
import Foundation
import MesosAPI
import Model
import OrderedCollections
import SwiftProtobuf
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

    static func response(
        _ found: [FoundContainer], _ containers: AgentContainers, _ watch: DiskWatch,
        _ seconds: Double
    ) -> Mesos_V1_Agent_Response {
        var response = Mesos_V1_Agent_Response()
        response.type = .getContainers
        response.getContainers.containers = found.map { found in
            var container = Mesos_V1_Agent_Response.GetContainers.Container()
            container.frameworkID.value = found.row.framework.value
            container.executorID.value = found.row.executor.id.value
            container.executorName = found.name
            container.containerID.value = found.row.container.value
            let status: Mesos_V1_TaskStatus = found.status.message()
            container.containerStatus = status.containerStatus
            guard let usage = containers.usage(found.row.container) else { return container }
            var statistics = diskStatistics(
                found, sandboxBytes: watch.sandboxBytes(found.row.container))
            statistics.timestamp = seconds
            statistics.processes = UInt32(clamping: usage.processes)
            statistics.cpusUserTimeSecs = Double(usage.cpuNanoseconds) / 1e9
            statistics.memTotalBytes = UInt64(clamping: usage.memoryBytes)
            statistics.memRssBytes = UInt64(clamping: usage.memoryBytes)
            for resource in found.resources {
                switch resource.name {
                case "cpus":
                    statistics.cpusLimit += resource.amount.value
                    statistics.cpusSoftLimit += resource.amount.value
                case "mem":
                    let bytes = UInt64(clamping: AgentVolumes.bytes(resource.amount))
                    statistics.memLimitBytes += bytes
                    statistics.memSoftLimitBytes += bytes
                default: break
                }
            }
            container.resourceStatistics = statistics
            return container
        }
        return response
    }

    /// The sandbox's limit and use, also in a list with those of each volume, as Mesos has it.
    private static func diskStatistics(
        _ found: FoundContainer, sandboxBytes: Int64?
    ) -> Mesos_V1_ResourceStatistics {
        var statistics = Mesos_V1_ResourceStatistics()
        for (uuid, resource) in found.limits.volumes {
            var volume = Mesos_V1_DiskStatistics()
            let disk = Mesos_V1_Resource(resource, form: .postRefinement).disk
            if disk.hasSource { volume.source = disk.source }
            volume.persistence = disk.persistence
            volume.limitBytes = UInt64(clamping: AgentVolumes.bytes(resource.amount))
            if let used = found.reports[uuid]?.usedBytes {
                volume.usedBytes = UInt64(clamping: used)
            }
            statistics.diskStatistics.append(volume)
        }
        guard let limit = found.limits.sandboxBytes else { return statistics }
        var sandbox = Mesos_V1_DiskStatistics()
        sandbox.limitBytes = UInt64(clamping: limit)
        statistics.diskLimitBytes = sandbox.limitBytes
        if let sandboxBytes {
            sandbox.usedBytes = UInt64(clamping: sandboxBytes)
            statistics.diskUsedBytes = sandbox.usedBytes
        }
        statistics.diskStatistics.append(sandbox)
        return statistics
    }
}
