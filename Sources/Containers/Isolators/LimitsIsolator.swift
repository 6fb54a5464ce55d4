package import Linux

/// Limits by control groups, which the container can read: programs size themselves by them.
package struct LimitsIsolator: Isolator {
    /// As in Mesos: less would kill the container before the task's first instruction.
    package static let minimumMemoryBytes: Int64 = 32 << 20
    private static let periodMicroseconds: Double = 100_000

    private let layout: CgroupLayout
    private let parent: String

    /// `parent` is the cgroup, below each hierarchy's root, that holds the agent's containers.
    package init(_ layout: CgroupLayout, parent: String) {
        self.layout = layout
        self.parent = parent
    }

    package func prepare(_ spec: ContainerSpec) -> LaunchPlan {
        var plan = LaunchPlan()
        let path = "\(parent)/\(spec.id)"
        plan.cgroupPath = path
        plan.limits = Self.limits(spec.limits, hasSwapLimit: layout.hasSwapLimit)
        plan.mounts = mounts(path)
        return plan
    }

    /// runc makes the groups before it mounts.
    private func mounts(_ path: String) -> [LaunchPlan.Mount] {
        let place = "/sys/fs/cgroup"
        let options = ["bind", "ro", "nosuid", "nodev", "noexec"]
        if layout.version == .v2 {
            return (layout.unified).map { [.bind($0 + path, at: place, options)] } ?? []
        }
        let hierarchies = Set(
            ["cpu", "cpuacct", "memory", "pids"].compactMap { layout.controllers[$0] })
        return [
            .init(
                place, type: "tmpfs", source: "tmpfs",
                ["nosuid", "nodev", "noexec", "mode=755", "size=4k", "ro"])
        ]
            + hierarchies.sorted().map {
                .bind($0 + path, at: "\(place)/\(Files.name(of: $0))", options)
            }
    }

    /// In the kernel's units.
    package static func limits(
        _ limits: ContainerSpec.Limits, hasSwapLimit: Bool
    ) -> LaunchPlan.Limits {
        // The kernel's least share is 2, its least quota 1 ms.
        let shares = max(2, (limits.cpus * 1024).rounded())
        let quota = max(1000, (limits.cpus * periodMicroseconds).rounded())
        return .init(
            cpuShares: UInt64(shares), cpuQuotaMicroseconds: limits.isCPUHard ? Int64(quota) : nil,
            memoryBytes: limits.memoryBytes.map { max($0, minimumMemoryBytes) },
            hasSwapLimit: hasSwapLimit, processes: limits.processes)
    }
}
