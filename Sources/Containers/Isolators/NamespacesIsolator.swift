/// Own pid, mount, ipc and uts namespaces with the kernel's file systems that belong to them; the
/// network is the host's.
package struct NamespacesIsolator: Isolator {
    static let user = "user"

    package init() {}

    /// A task without any right of root's has a user namespace of its own, with the host's numbers:
    /// there the kernel refuses what leads out of a project's quota. Root's tasks share the host's,
    /// for with the host's network they would else lose the ports below 1024.
    static func hasOwnUsers(_ spec: ContainerSpec) -> Bool {
        spec.user.uid != 0 && !spec.mayGainPrivileges
    }

    package func prepare(_ spec: ContainerSpec) -> LaunchPlan {
        var plan = LaunchPlan()
        plan.namespaces = ["pid", "mount", "ipc", "uts"]
        let safe = ["nosuid", "noexec", "nodev"]
        plan.mounts = [
            .init("/proc", type: "proc", source: "proc", safe),
            // Its nodes and mount points are made before it becomes read-only.
            .init(
                "/dev", type: "tmpfs", source: "tmpfs", ["nosuid", "mode=755", "size=64k", "ro"]),
            .init(
                "/dev/pts", type: "devpts", source: "devpts",
                ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            .init("/dev/mqueue", type: "mqueue", source: "mqueue", safe),
        ]
        if Self.hasOwnUsers(spec) {
            plan.namespaces.append(Self.user)
            // A new one belongs to whoever owns the network: the host's is shown instead.
            plan.mounts.append(.bind("/sys", at: "/sys", safe + ["rbind", "rprivate", "rro"]))
            plan.maskedPaths = ["/sys/kernel/debug", "/sys/kernel/tracing", "/sys/fs/bpf"]
        } else {
            plan.mounts.append(.init("/sys", type: "sysfs", source: "sysfs", safe + ["ro"]))
        }
        // The kernel's own, not the container's: what would tell of others or reach the machine.
        plan.maskedPaths += [
            "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
            "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
            "/sys/devices/virtual/powercap",
        ]
        plan.readOnlyPaths = [
            "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
        ]
        return plan
    }
}
