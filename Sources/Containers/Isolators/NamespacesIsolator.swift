/// Own pid, mount, ipc and uts namespaces with the kernel's file systems that belong to them; the
/// network is the host's.
package struct NamespacesIsolator: Isolator {
    package init() {}

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
            .init("/sys", type: "sysfs", source: "sysfs", safe + ["ro"]),
        ]
        // The kernel's own, not the container's: what would tell of others or reach the machine.
        plan.maskedPaths = [
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
