import AgentCore
import Containers
import Dispatch
import Linux
import MesosAPI
import Model
import Volumes
import Wire

/// What DISK_TRAFFIC answers: the kernel's counters as they are now; blocks a little.
struct DiskTrafficViews {
    typealias Answer = Mesos_V1_Agent_Response.DiskTraffic

    let volumes: AgentVolumes
    let found: [AgentViews.FoundContainer]
    let usage: (ContainerID) -> ContainerUsage?

    func response() -> Mesos_V1_Agent_Response {
        var response = Mesos_V1_Agent_Response()
        response.type = .diskTraffic
        response.diskTraffic.nanoseconds = DispatchTime.now().uptimeNanoseconds
        let disks = disks()
        response.diskTraffic.rows = disks.map(\.row)
        response.diskTraffic.rows += volumes.named.flatMap { name, store in
            store.inventory().compactMap { volume($0, on: volumes.path(ofDisk: name)) }
        }
        response.diskTraffic.rows += found.flatMap { sandboxes($0, disks) }
        return response
    }

    /// Places on one device are one disk.
    private func disks() -> [(device: DeviceNumber, row: Answer.Row)] {
        let mounts = (try? MountTable.current()) ?? MountTable(text: "")
        var rows: [(device: DeviceNumber, row: Answer.Row)] = []
        for (_, path) in volumes.places {
            guard let device = mounts.containing(path)?.device.wholeDisk,
                !rows.contains(where: { $0.device == device }),
                let traffic = BlockTraffic.of(device)
            else { continue }
            rows.append((device, row("disk", path, device, traffic)))
        }
        return rows
    }

    /// Nil: it has no device of its own, so that nothing counts for it alone.
    private func volume(_ status: VolumeStatus, on disk: String) -> Answer.Row? {
        let record = status.record
        guard record.state == .ready, let traffic = volumes.traffic(of: status),
            let device = (try? FileStatus.of(status.path))?.deviceNumber
        else { return nil }
        var row = row("volume", record.spec.persistenceID, device, traffic)
        row.id = record.uuid.value
        row.disk = disk
        row.role = record.spec.role
        if !record.spec.limits.isEmpty { row.limits = .init(record.spec.limits) }
        row.owners = found.filter { $0.limits.volumes.contains { $0.0 == record.uuid } }
            .map(owner)
        return row
    }

    /// What a container does on the disks; its volumes have rows of their own.
    private func sandboxes(
        _ container: AgentViews.FoundContainer, _ disks: [(device: DeviceNumber, row: Answer.Row)]
    ) -> [Answer.Row] {
        (usage(container.row.container)?.disks ?? []).compactMap { use in
            guard let disk = disks.first(where: { $0.device == use.device }) else { return nil }
            var row = row("sandbox", container.row.executor.id.value, use.device, use.traffic)
            row.id = container.row.container.value
            row.disk = disk.row.name
            row.role = container.resources.lazy.compactMap(\.allocationRole).first ?? ""
            row.owners = [owner(container)]
            return row
        }
    }

    private func owner(_ container: AgentViews.FoundContainer) -> Answer.Owner {
        var owner = Answer.Owner()
        owner.frameworkID.value = container.row.framework.value
        owner.executorID.value = container.row.executor.id.value
        return owner
    }

    private func row(
        _ kind: String, _ name: String, _ device: DeviceNumber, _ traffic: BlockTraffic
    ) -> Answer.Row {
        var row = Answer.Row()
        row.kind = kind
        row.name = name
        row.device = "\(device)"
        row.counters.readBytes = UInt64(clamping: traffic.readBytes)
        row.counters.writtenBytes = UInt64(clamping: traffic.writtenBytes)
        row.counters.reads = UInt64(clamping: traffic.reads)
        row.counters.writes = UInt64(clamping: traffic.writes)
        if let wait = traffic.waitMilliseconds {
            row.counters.waitSeconds = Double(wait) / 1000
        }
        return row
    }
}

extension AgentVolumes {
    /// A disk's place, by its name.
    fileprivate func path(ofDisk name: String) -> String {
        places.first { $0.name == name }?.path ?? name
    }

    /// Has the kernel count what each container does on the disks.
    func startCounting() {
        for (_, path) in places { throttles.startCounting(at: path) }
    }
}
