internal import Linux

extension LaunchPlan {
    /// Flags that mounts in a user namespace of its own keep from the host's: a bind without them
    /// is refused there.
    private static let locked: Set<String> = ["ro", "nosuid", "nodev", "noexec"]

    /// The plan with each bind as restricted as its source is on the host.
    func keepingLockedFlags(_ table: MountTable) -> LaunchPlan {
        guard namespaces.contains(NamespacesIsolator.user) else { return self }
        var result = self
        for index in mounts.indices where mounts[index].type == "bind" {
            let path = mounts[index].source
            guard let source = table.containing((try? Files.realPath(path)) ?? path) else {
                continue
            }
            let kept = source.options.filter {
                Self.locked.contains($0) && !mounts[index].options.contains($0)
            }
            guard !kept.isEmpty else { continue }
            result.mounts[index].options.removeAll { $0 == "rw" && kept.contains("ro") }
            result.mounts[index].options += kept
        }
        return result
    }
}
