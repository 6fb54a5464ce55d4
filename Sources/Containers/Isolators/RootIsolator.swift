/// The container's root: an image, or the host's files without the work directory; and its sandbox.
package struct RootIsolator: Isolator {
    private let workDirectory: String
    private let tree: String
    private let hostRoot: HostRootMode

    /// `tree` is the prepared copy of the host's files.
    package init(workDirectory: String, tree: String, hostRoot: HostRootMode) {
        self.workDirectory = workDirectory
        self.tree = tree
        self.hostRoot = hostRoot
    }

    package func prepare(_ spec: ContainerSpec) throws(ContainerError) -> LaunchPlan {
        var plan = LaunchPlan()
        if let image = spec.image {
            plan.root = .init(directory: image.directory, isReadOnly: image.isReadOnly)
            plan.mounts = ["/etc/resolv.conf", "/etc/hosts"].map {
                .bind($0, at: $0, ["bind", "ro", "nosuid", "nodev"])
            }
        } else {
            for place in ["/proc", "/sys", "/dev"]
            where workDirectory == place
                || workDirectory.hasPrefix(place + "/")
                    && !workDirectory.hasPrefix("/dev/shm/")
            {
                throw ContainerError("the work directory must not be below \(place)")
            }
            plan.root = .init(directory: tree, isReadOnly: hostRoot == .readOnly)
            // In the work directory's place stands an empty one that holds this container's mount
            // points only: of other sandboxes and volumes not even the names are there.
            plan.mounts = [
                .init(
                    workDirectory, type: "tmpfs", source: "tmpfs",
                    ["nosuid", "nodev", "noexec", "mode=755", "size=64k", "ro"])
            ]
        }
        // A volume that the agent mounts below the sandbox later appears here as well, and goes
        // when the agent unmounts it.
        plan.mounts.append(
            .bind(spec.sandbox, at: spec.sandboxInside, ["rbind", "rslave", "nosuid", "nodev"]))
        return plan
    }
}
