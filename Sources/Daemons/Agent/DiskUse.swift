import AgentCore
import MesosAPI
import Model
import Wire

/// What a container may use of its agent's disks.
struct DiskLimits: Sendable {
    let container: ContainerID
    let sandbox: String
    /// Of its resources: what names no volume limits the sandbox, as in Mesos.
    let sandboxDisk: [Resource]
    let volumes: [(uuid: VolumeUUID, resource: Resource)]

    init(
        container: ContainerID, sandbox: String, resources: [Resource],
        volume: (Resource) -> VolumeUUID?
    ) {
        self.container = container
        self.sandbox = sandbox
        sandboxDisk = resources.filter { $0.name == "disk" && $0.disk == nil }
        volumes = resources.compactMap { resource in
            volume(resource).map { (uuid: $0, resource: resource) }
        }
    }

    /// Nil: without limit.
    var sandboxBytes: Int64? {
        guard !sandboxDisk.isEmpty else { return nil }
        return AgentVolumes.bytes(sandboxDisk.reduce(.zero) { $0 + $1.amount })
    }

    /// Of all containers that run.
    static func all(of agent: Agent) -> [DiskLimits] {
        agent.frameworkViews().flatMap(\.executors).filter(\.isRunning).map { view in
            DiskLimits(
                container: view.row.container, sandbox: view.row.directory,
                resources: view.row.executor.resources + view.tasks.flatMap(\.row.task.resources),
                volume: agent.volume(of:))
        }
    }
}

/// What a round of counting has found, in bytes.
struct DiskUse: Sendable {
    var sandboxes: [ContainerID: Int64] = [:]
    /// Only those that nothing but the count limits.
    var volumes: [VolumeUUID: Volume] = [:]

    struct Volume: Sendable {
        var usedBytes: Int64
        var limitBytes: Int64
    }

    /// A container that uses more than it has.
    struct Excess: Equatable, Sendable {
        let message: String
        /// A TaskStatus with the `limitation`.
        let status: Payload
    }

    /// The first limit that a container is over; the sandbox's before its volumes'.
    func excess(of limits: DiskLimits) -> Excess? {
        if let used = sandboxes[limits.container], let limit = limits.sandboxBytes, used > limit {
            return Self.excess(used, limit, limits.sandboxDisk)
        }
        for (uuid, resource) in limits.volumes {
            guard let volume = volumes[uuid] else { continue }
            // What the task was launched with, or more where the volume has grown since.
            let limit = max(volume.limitBytes, AgentVolumes.bytes(resource.amount))
            if volume.usedBytes > limit {
                return Self.excess(volume.usedBytes, limit, [resource])
            }
        }
        return nil
    }

    private static func excess(
        _ used: Int64, _ limit: Int64, _ resources: [Resource]
    ) -> Excess {
        var status = Mesos_V1_TaskStatus()
        status.limitation.resources = resources.map {
            Mesos_V1_Resource($0, form: .postRefinement)
        }
        return Excess(
            message: "Disk usage (\(text(used))) exceeds quota (\(text(limit)))",
            status: Payload(status))
    }

    /// As Mesos writes bytes: in the largest unit that loses nothing; `du` counts whole KiB.
    static func text(_ bytes: Int64) -> String {
        let kibibytes = (max(0, bytes) + 1023) / 1024
        let units = ["KB", "MB", "GB", "TB"]
        var amount = kibibytes
        var unit = 0
        while amount > 0, amount % 1024 == 0, unit < units.count - 1 {
            amount /= 1024
            unit += 1
        }
        return "\(amount)\(units[unit])"
    }
}
