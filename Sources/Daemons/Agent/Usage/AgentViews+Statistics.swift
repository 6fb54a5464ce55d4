import AgentCore
import Containers
import Linux
import MesosAPI
import Model
import SwiftProtobuf
import Wire

// What running containers use: GET_CONTAINERS and `/monitor/statistics`.

extension AgentViews {
    /// GET_CONTAINERS; blocks a little, on the kernel's own files.
    static func response(
        _ found: [FoundContainer], _ containers: AgentContainers, _ usage: UsageSnapshot,
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
            if let statistics = statistics(found, containers, usage, seconds) {
                container.resourceStatistics = statistics
            }
            return container
        }
        return response
    }

    /// Nil: the container is not running any more.
    static func statistics(
        _ found: FoundContainer, _ containers: AgentContainers, _ snapshot: UsageSnapshot,
        _ seconds: Double
    ) -> Mesos_V1_ResourceStatistics? {
        guard let usage = containers.usage(found.row.container) else { return nil }
        var statistics = diskStatistics(found, snapshot)
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
        if let disks = usage.disks, !disks.isEmpty {
            statistics.blkioStatistics.throttling = disks.map { throttling($0) }
        }
        return statistics
    }

    /// The sandbox's limit and use, also in a list with those of each volume, as Mesos has it.
    private static func diskStatistics(
        _ found: FoundContainer, _ snapshot: UsageSnapshot
    ) -> Mesos_V1_ResourceStatistics {
        var statistics = Mesos_V1_ResourceStatistics()
        for (uuid, resource) in found.limits.volumes {
            let now = snapshot.volume(uuid)
            var volume = Mesos_V1_DiskStatistics(now?.amounts)
            let disk = Mesos_V1_Resource(resource, form: .postRefinement).disk
            if disk.hasSource { volume.source = disk.source }
            volume.persistence = disk.persistence
            volume.uuid = uuid.value
            volume.limitBytes = UInt64(clamping: AgentVolumes.bytes(resource.amount))
            if !volume.hasUsedBytes, let used = found.reports[uuid]?.usedBytes {
                volume.usedBytes = UInt64(clamping: used)
            }
            if let traffic = now?.traffic { volume.set(traffic) }
            statistics.diskStatistics.append(volume)
        }
        let used = snapshot.sandboxes[found.row.container]
        if used == nil, found.limits.sandboxBytes == nil { return statistics }
        var sandbox = Mesos_V1_DiskStatistics(used)
        sandbox.clearLimitBytes()
        if let limit = found.limits.sandboxBytes {
            sandbox.limitBytes = UInt64(clamping: limit)
            statistics.diskLimitBytes = sandbox.limitBytes
        }
        if sandbox.hasUsedBytes { statistics.diskUsedBytes = sandbox.usedBytes }
        statistics.diskStatistics.append(sandbox)
        return statistics
    }

    private static func throttling(
        _ disk: ContainerTraffic
    ) -> Mesos_V1_CgroupInfo.Blkio.Throttling.Statistics {
        typealias Value = Mesos_V1_CgroupInfo.Blkio.Value
        let values = { (read: Int64, written: Int64) in
            [(Mesos_V1_CgroupInfo.Blkio.Operation.read, read), (.write, written)].map {
                var value = Value()
                value.op = $0.0
                value.value = UInt64(clamping: $0.1)
                return value
            }
        }
        var statistics = Mesos_V1_CgroupInfo.Blkio.Throttling.Statistics()
        statistics.device.majorNumber = UInt64(disk.device.major)
        statistics.device.minorNumber = UInt64(disk.device.minor)
        statistics.ioServiced = values(disk.traffic.reads, disk.traffic.writes)
        statistics.ioServiceBytes = values(disk.traffic.readBytes, disk.traffic.writtenBytes)
        return statistics
    }

    /// `/monitor/statistics`, as Mesos writes it.
    static func monitorStatistics(
        _ found: [FoundContainer], _ containers: AgentContainers, _ usage: UsageSnapshot,
        _ seconds: Double
    ) -> LegacyJSON {
        .list(
            found.compactMap { found in
                statistics(found, containers, usage, seconds).map { statistics in
                    .object([
                        ("container_id", .text(found.row.container.value)),
                        ("executor_id", .text(found.row.executor.id.value)),
                        ("executor_name", .text(found.name)),
                        ("framework_id", .text(found.row.framework.value)),
                        ("source", .text(found.row.executor.id.value)),
                        ("statistics", .message(MesosJSON.encode(statistics))),
                    ])
                }
            })
    }
}

extension Mesos_V1_DiskStatistics {
    init(_ amounts: UsageAmounts?) {
        self.init()
        guard let amounts else { return }
        usedBytes = UInt64(clamping: amounts.usedBytes)
        if let limit = amounts.limitBytes { limitBytes = UInt64(clamping: limit) }
        if let inodes = amounts.usedInodes { usedInodes = UInt64(clamping: inodes) }
        if let limit = amounts.limitInodes { limitInodes = UInt64(clamping: limit) }
        usageSource = amounts.source.rawValue
        usageAgeSeconds = amounts.age()
    }

    mutating func set(_ traffic: BlockTraffic) {
        readBytes = UInt64(clamping: traffic.readBytes)
        writtenBytes = UInt64(clamping: traffic.writtenBytes)
        reads = UInt64(clamping: traffic.reads)
        writes = UInt64(clamping: traffic.writes)
        if let wait = traffic.waitMilliseconds { waitSeconds = Double(wait) / 1000 }
    }
}
