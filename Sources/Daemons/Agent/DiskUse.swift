import AgentCore
import MesosAPI
import Model
import Wire

/// What a container may use of its agent's disks, and what happens when that is used up.
struct DiskLimits: Sendable {
    let container: ContainerID
    let sandbox: String
    /// Of its resources: what names no volume limits the sandbox, as in Mesos.
    let sandboxDisk: [Resource]
    let volumes: [(uuid: VolumeUUID, resource: Resource)]
    /// What is to happen when they are full, where somebody has said so.
    var actions: [VolumeUUID: DiskLimitRule.Action] = [:]
    var sandboxAction: DiskLimitRule.Action?
    /// What was last read of them.
    var reports: [VolumeUUID: VolumeReport] = [:]

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
            let tasks = view.tasks.map(\.row.task)
            var limits = DiskLimits(
                container: view.row.container, sandbox: view.row.directory,
                resources: view.row.executor.resources + tasks.flatMap(\.resources),
                volume: agent.volume(of:))
            limits.follow(view.row.executor.resources, of: nil, agent)
            for task in tasks { limits.follow(task.resources, of: task, agent) }
            return limits
        }
    }

    /// Takes over what a task's rules or its roles' policies say. Of several that share a container
    /// or a volume, one that wants it ended is enough.
    private mutating func follow(
        _ resources: [Resource], of task: TaskDescription?, _ agent: Agent
    ) {
        if sandboxAction != .kill {
            sandboxAction = task?.diskLimits.sandboxAction ?? sandboxAction
        }
        for resource in resources {
            guard let uuid = agent.volume(of: resource),
                let action = agent.limitAction(of: resource, for: task), actions[uuid] != .kill
            else { continue }
            actions[uuid] = action
            reports[uuid] = agent.volumeReport(uuid)
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
    ///
    /// What nothing but the count limits is ended where limits are enforced, whatever a task wants:
    /// its choice never takes disk from others. One that may grow is left a step of time for that.
    /// What the kernel limits is ended only where a rule says so.
    func excess(of limits: DiskLimits, isEnforced: Bool = true) -> Excess? {
        if let used = sandboxes[limits.container], let limit = limits.sandboxBytes, used > limit,
            isEnforced || limits.sandboxAction == .kill
        {
            return Self.excess(used, limit, limits.sandboxDisk)
        }
        for (uuid, resource) in limits.volumes {
            let action = limits.actions[uuid]
            guard let volume = volumes[uuid] else {
                guard action == .kill, let full = limits.reports[uuid]?.fullness else { continue }
                return Self.excess(full.used, full.usable, [resource])
            }
            guard isEnforced || action == .kill else { continue }
            // What the task was launched with, or more where the volume has grown since.
            var limit = max(volume.limitBytes, AgentVolumes.bytes(resource.amount))
            if case .grow(let rule) = action { limit += rule.step.mebibytesInBytes }
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

extension VolumeReport {
    /// What is used and what could be, where the kernel takes nothing more or nearly so; else nil.
    /// ext4 keeps a fiftieth of the image back, 16 MiB at most, and refuses more when a few hundred
    /// KiB are left beside that.
    fileprivate var fullness: (used: Int64, usable: Int64)? {
        guard enforcement == .kernel, let usedBytes, let usableBytes, usableBytes > 0 else {
            return nil
        }
        let rest = min(usableBytes / 32, 16 << 20) + min(usableBytes / 32, 1 << 20)
        return usableBytes - usedBytes <= rest ? (usedBytes, usableBytes) : nil
    }
}
