import AgentCore
import Containers
import Linux
import MesosAPI
import Model
import Wire

/// What VOLUME_USAGE answers.
struct UsageViews {
    typealias Answer = Mesos_V1_Agent_Response.VolumeUsage

    let snapshot: UsageSnapshot
    let found: [AgentViews.FoundContainer]
    let forecast: (VolumeUUID) -> UsageForecast
    let now = ContinuousClock.now

    /// All, or one volume; nil: there is no such volume.
    func response(
        only uuid: VolumeUUID?, traffic: (ContainerID) -> ContainerUsage?
    ) -> Mesos_V1_Agent_Response? {
        var response = Mesos_V1_Agent_Response()
        response.type = .volumeUsage
        response.volumeUsage = Answer()
        let users = users
        if let uuid {
            guard let volume = snapshot.volume(uuid) else { return nil }
            response.volumeUsage.volumes = [message(volume, users[uuid])]
            return response
        }
        response.volumeUsage.volumes = snapshot.volumes.map { message($0, users[$0.uuid]) }
        response.volumeUsage.sandboxes = found.map { message($0, traffic($0.row.container)) }
        response.volumeUsage.disks = snapshot.disks.map(message)
        return response
    }

    /// Which container uses a volume; of several that share it, the first.
    var users: [VolumeUUID: AgentViews.FoundContainer] {
        var users: [VolumeUUID: AgentViews.FoundContainer] = [:]
        for container in found {
            for (uuid, _) in container.limits.volumes where users[uuid] == nil {
                users[uuid] = container
            }
        }
        return users
    }

    private func message(
        _ volume: UsageSnapshot.Volume, _ user: AgentViews.FoundContainer?
    ) -> Answer.Volume {
        var message = Answer.Volume()
        message.uuid = volume.uuid.value
        message.persistenceID = volume.persistenceID
        message.role = volume.role
        message.disk = volume.disk
        message.backend = volume.backend
        if let amounts = volume.amounts { message.amounts = self.message(amounts) }
        if let traffic = volume.traffic { message.traffic = Self.message(traffic) }
        if let user {
            message.containerID.value = user.row.container.value
            message.executorID.value = user.row.executor.id.value
            message.frameworkID.value = user.row.framework.value
        }
        message.forecast = Self.message(forecast(volume.uuid))
        if let problem = volume.problem { message.problem = problem }
        return message
    }

    private func message(
        _ container: AgentViews.FoundContainer, _ usage: ContainerUsage?
    ) -> Answer.Sandbox {
        var message = Answer.Sandbox()
        message.containerID.value = container.row.container.value
        message.executorID.value = container.row.executor.id.value
        message.frameworkID.value = container.row.framework.value
        if let amounts = snapshot.sandboxes[container.row.container] {
            message.amounts = self.message(amounts)
        }
        if let traffic = Self.sum(usage?.disks) { message.traffic = Self.message(traffic) }
        if let pressure = usage?.diskPressure {
            message.traffic.somePressureSeconds = Double(pressure.someMicroseconds) / 1e6
            message.traffic.fullPressureSeconds = Double(pressure.fullMicroseconds) / 1e6
        }
        return message
    }

    private func message(_ disk: UsageSnapshot.Disk) -> Answer.Disk {
        var message = Answer.Disk()
        message.root = disk.name
        message.path = disk.path
        message.device = disk.device
        message.suspicions = disk.suspicions
        if let amounts = disk.amounts { message.amounts = self.message(amounts) }
        if let traffic = disk.traffic { message.traffic = Self.message(traffic) }
        return message
    }

    private func message(_ amounts: UsageAmounts) -> Answer.Amounts {
        var message = Answer.Amounts()
        message.usedBytes = UInt64(clamping: amounts.usedBytes)
        if let limit = amounts.limitBytes { message.limitBytes = UInt64(clamping: limit) }
        if let inodes = amounts.usedInodes { message.usedInodes = UInt64(clamping: inodes) }
        if let limit = amounts.limitInodes { message.limitInodes = UInt64(clamping: limit) }
        message.source = amounts.source.rawValue
        message.ageSeconds = amounts.age(now)
        return message
    }

    /// Nil without any device: cgroup v1 counts only where a limit was ever set.
    static func sum(_ disks: [ContainerTraffic]?) -> BlockTraffic? {
        guard let disks, !disks.isEmpty else { return nil }
        return disks.reduce(into: BlockTraffic()) { sum, disk in
            sum.readBytes += disk.traffic.readBytes
            sum.writtenBytes += disk.traffic.writtenBytes
            sum.reads += disk.traffic.reads
            sum.writes += disk.traffic.writes
        }
    }

    private static func message(_ traffic: BlockTraffic) -> Answer.Traffic {
        var message = Answer.Traffic()
        message.readBytes = UInt64(clamping: traffic.readBytes)
        message.writtenBytes = UInt64(clamping: traffic.writtenBytes)
        message.reads = UInt64(clamping: traffic.reads)
        message.writes = UInt64(clamping: traffic.writes)
        if let wait = traffic.waitMilliseconds { message.waitSeconds = Double(wait) / 1000 }
        return message
    }

    static func message(_ forecast: UsageForecast) -> Answer.Forecast {
        var message = Answer.Forecast()
        switch forecast {
        case .unknown: message.verdict = "unknown"
        case .notFilling: message.verdict = "not-filling"
        case .filling(let filling):
            message.verdict = "filling"
            message.rateBytesPerSecond = filling.bytesPerSecond
            message.fullInSeconds = filling.fullIn
            message.earliestSeconds = filling.earliest
            if let latest = filling.latest { message.latestSeconds = latest }
        }
        return message
    }

    /// VOLUME_HISTORY.
    static func history(
        _ uuid: String, _ series: [(UsageStep, [UsagePoint])], _ forecast: UsageForecast
    ) -> Mesos_V1_Agent_Response {
        var response = Mesos_V1_Agent_Response()
        response.type = .volumeHistory
        response.volumeHistory.uuid = uuid
        response.volumeHistory.forecast = message(forecast)
        response.volumeHistory.series = series.map { step, points in
            var message = Mesos_V1_Agent_Response.VolumeHistory.Series()
            message.stepSeconds = UInt32(step.rawValue)
            message.points = points.map { point in
                var message = Mesos_V1_Agent_Response.VolumeHistory.Point()
                message.time = point.time
                message.lastBytes = UInt64(clamping: point.lastBytes)
                message.minBytes = UInt64(clamping: point.minBytes)
                message.maxBytes = UInt64(clamping: point.maxBytes)
                if point.limitBytes > 0 { message.limitBytes = UInt64(clamping: point.limitBytes) }
                if let inodes = point.usedInodes { message.usedInodes = UInt64(clamping: inodes) }
                return message
            }
            return message
        }
        return response
    }
}
