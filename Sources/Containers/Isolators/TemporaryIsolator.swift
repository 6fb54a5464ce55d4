/// The places that any program may write: /tmp and shared memory, of its own, in memory, which the
/// kernel counts in the container's limit.
package struct TemporaryIsolator: Isolator {
    /// With `--host-root rw` the host's /tmp is the container's, as in Mesos.
    private let hostRoot: HostRootMode

    package init(hostRoot: HostRootMode) { self.hostRoot = hostRoot }

    package func prepare(_ spec: ContainerSpec) -> LaunchPlan {
        var plan = LaunchPlan()
        let size = "size=\(spec.limits.temporaryBytes)"
        let options = ["nosuid", "nodev", "mode=1777", size]
        plan.mounts = [
            .init("/dev/shm", type: "tmpfs", source: "shm", options + ["noexec"])
        ]
        if spec.image != nil || hostRoot == .readOnly {
            plan.mounts.append(.init("/tmp", type: "tmpfs", source: "tmpfs", options))
        }
        return plan
    }
}
