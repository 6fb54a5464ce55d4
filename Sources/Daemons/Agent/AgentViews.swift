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
    }

    static func containers(_ agent: Agent) -> [FoundContainer] {
        agent.frameworkViews().flatMap(\.executors).filter(\.isRunning).map { view in
            FoundContainer(
                row: view.row, name: info(view.row, view.tasks).name, status: view.status,
                resources: view.row.executor.resources + view.tasks.flatMap(\.row.task.resources))
        }
    }

    static func response(
        _ found: [FoundContainer], _ containers: AgentContainers, _ seconds: Double
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
            container.resourceStatistics.timestamp = seconds
            container.resourceStatistics.processes = UInt32(clamping: usage.processes)
            container.resourceStatistics.cpusUserTimeSecs = Double(usage.cpuNanoseconds) / 1e9
            container.resourceStatistics.memTotalBytes = UInt64(clamping: usage.memoryBytes)
            container.resourceStatistics.memRssBytes = UInt64(clamping: usage.memoryBytes)
            for resource in found.resources {
                switch resource.name {
                case "cpus":
                    container.resourceStatistics.cpusLimit += resource.amount.value
                    container.resourceStatistics.cpusSoftLimit += resource.amount.value
                case "mem":
                    let bytes = UInt64(clamping: AgentVolumes.bytes(resource.amount))
                    container.resourceStatistics.memLimitBytes += bytes
                    container.resourceStatistics.memSoftLimitBytes += bytes
                default: break
                }
            }
            return container
        }
        return response
    }
}
