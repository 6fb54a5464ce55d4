internal import Glibc
internal import Linux

/// What a container sees of files: the kernel's trees, its sandbox, its volumes, its own /tmp, and
/// nothing of the agent's work directory. All in the order of mounting.
enum FileSystemIsolator {
    private typealias Mount = RuncBundle.Mount

    static func mounts(
        _ spec: ContainerSpec, root: HostRoot
    ) throws(ContainerError) -> [RuncBundle.Mount] {
        var mounts = kernelTrees(spec.limits)
        if root.mode == .readOnly {
            mounts.append(
                memory(
                    at: "/tmp", bytes: spec.limits.temporaryBytes, mode: "1777",
                    ["nosuid", "nodev"]))
        }
        // Mount points below them are made while they are writable.
        mounts += root.hidden.map {
            memory(at: $0, bytes: 1 << 20, mode: "755", ["nosuid", "nodev", "noexec", "ro"])
        }
        mounts.append(bind(spec.sandbox, at: spec.sandbox, isReadOnly: false))
        var volumes: [RuncBundle.Mount] = []
        for volume in spec.volumes {
            let place = try place(of: volume, spec, root)
            volumes.append(bind(volume.hostPath, at: place, isReadOnly: volume.isReadOnly))
        }
        // One volume may lie in another.
        return mounts + volumes.sorted { $0.destination < $1.destination }
    }

    /// The container path as an absolute one, which has, or may get, a mount point.
    private static func place(
        of volume: ContainerSpec.Volume, _ spec: ContainerSpec, _ root: HostRoot
    ) throws(ContainerError) -> String {
        let given = volume.containerPath
        let isAbsolute = given.hasPrefix("/")
        guard let parts = Sandbox.components(given) else {
            throw ContainerError("'\(given)' can't be a volume's container path")
        }
        let place = (isAbsolute ? "/" : spec.sandbox + "/") + parts.joined(separator: "/")
        if MountTable.isBelowOrSame(place, spec.sandbox), place != spec.sandbox { return place }
        if root.mode == .readOnly, MountTable.isBelowOrSame(place, "/tmp"), place != "/tmp" {
            return place
        }
        for kernel in ["/proc", "/sys", "/dev"] where MountTable.isBelowOrSame(place, kernel) {
            throw ContainerError("a volume can't be at '\(place)', which is the kernel's")
        }
        for hidden in root.hidden + [spec.sandbox]
        where MountTable.isBelowOrSame(place, hidden) || MountTable.isBelowOrSame(hidden, place) {
            throw ContainerError("a volume at '\(place)' would cover the agent's own files")
        }
        var status = stat()
        guard stat(place, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ContainerError(
                "no directory '\(place)' on this host to mount a volume at, and none is made:"
                    + " use a container path below the sandbox (without a leading '/') or /tmp")
        }
        return place
    }

    private static func kernelTrees(_ limits: ContainerSpec.Limits) -> [Mount] {
        let careful = ["nosuid", "noexec", "nodev"]
        // Counted in the memory limit, which is the better bound of the two.
        let shared = max(limits.memoryBytes ?? 0, 64 << 20)
        return [
            Mount(destination: "/proc", type: "proc", source: "proc", options: careful),
            Mount(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            Mount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
            memory(at: "/dev/shm", bytes: shared, mode: "1777", careful),
            Mount(
                destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: careful),
            Mount(
                destination: "/sys", type: "sysfs", source: "sysfs", options: careful + ["ro"]),
        ]
    }

    private static func memory(
        at path: String, bytes: Int64, mode: String, _ options: [String]
    ) -> Mount {
        Mount(
            destination: path, type: "tmpfs", source: "tmpfs",
            options: options + ["mode=\(mode)", "size=\(max(4096, bytes))"])
    }

    /// Without the mounts below: what is mounted later comes by propagation, where it is shared.
    private static func bind(_ source: String, at path: String, isReadOnly: Bool) -> Mount {
        Mount(
            destination: path, type: "bind", source: source,
            options: ["bind", "rslave", "nosuid", "nodev", isReadOnly ? "ro" : "rw"])
    }

    /// As Docker: what tells of, or reaches into, the host.
    static let masked = [
        "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
        "/sys/firmware",
    ]
    static let readOnly = [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]
}
