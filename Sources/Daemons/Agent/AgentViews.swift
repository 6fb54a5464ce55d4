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
        let status: Payload
        let resources: [Resource]
    }

    static func state(_ agent: Agent) -> Mesos_V1_Agent_Response {
        var response = Mesos_V1_Agent_Response()
        response.type = .getState
        for view in agent.frameworkViews() {
            var framework = Mesos_V1_Agent_Response.GetFrameworks.Framework()
            framework.frameworkInfo = Mesos_V1_FrameworkInfo(view.description)
            response.getState.getFrameworks.frameworks.append(framework)
            for executor in view.executors {
                if executor.row.executor.kind != .command {
                    var entry = Mesos_V1_Agent_Response.GetExecutors.Executor()
                    entry.executorInfo = Mesos_V1_ExecutorInfo(executor.row.executor)
                    entry.executorInfo.frameworkID.value = executor.row.framework.value
                    response.getState.getExecutors.executors.append(entry)
                }
                response.getState.getTasks.launchedTasks += executor.tasks.map(task)
            }
            response.getState.getTasks.terminatedTasks += view.terminatedTasks.map(task)
            response.getState.getTasks.completedTasks += view.completedTasks.map(task)
        }
        return response
    }

    private static func task(_ entry: AgentState.TaskEntry) -> Mesos_V1_Task {
        Mesos_V1_Task(
            entry.row.task, framework: entry.row.framework,
            executor: entry.row.task.executor?.id, state: entry.state, updates: [])
    }

    static func containers(_ agent: Agent) -> [FoundContainer] {
        agent.frameworkViews().flatMap(\.executors).filter(\.isRunning).map { view in
            FoundContainer(
                row: view.row, status: view.status,
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
            container.executorName = found.row.executor.id.value
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
                case "cpus": container.resourceStatistics.cpusLimit += resource.amount.value
                case "mem":
                    container.resourceStatistics.memLimitBytes += UInt64(
                        clamping: AgentVolumes.bytes(resource.amount))
                default: break
                }
            }
            return container
        }
        return response
    }

    static func fileInfo(_ entry: SandboxReader.Entry) -> Mesos_V1_FileInfo {
        var info = Mesos_V1_FileInfo()
        info.path = entry.path
        info.nlink = Int32(clamping: entry.links)
        info.size = UInt64(clamping: entry.size)
        info.mtime.nanoseconds = entry.modifiedSeconds * 1_000_000_000
        info.mode = entry.mode
        info.uid = String(entry.uid)
        info.gid = String(entry.gid)
        return info
    }

    /// The sandbox that a path names, and the rest of the path; nil: none of this agent's.
    static func sandbox(_ path: String, _ agent: Agent) -> (root: String, rest: String)? {
        var rows: [ExecutorRow] = []
        for view in agent.frameworkViews() {
            rows += view.completedExecutors + view.executors.map(\.row)
        }
        for framework in agent.completedFrameworks { rows += framework.executors }
        for row in rows.reversed() {
            let latest =
                "/frameworks/\(row.framework.value)/executors/\(row.executor.id.value)/runs"
            let names = [
                row.directory, "\(latest)/latest", "\(latest)/\(row.container.value)",
            ]
            for name in names where path == name || path.hasPrefix(name + "/") {
                let rest = path.dropFirst(name.count).drop { $0 == "/" }
                return (row.directory, String(rest))
            }
        }
        return nil
    }
}
