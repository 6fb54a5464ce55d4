internal import Linux

/// Which of the host's files tasks may have as volumes of type HOST_PATH.
///
/// A volume gives a task no more than a task without an image has anyway: it may read what the
/// host's users may read, but not the agent's own directories and the kernel's; it may write only
/// below directories that the operator names.
package struct HostPathRules: Equatable, Sendable {
    /// Below these, tasks may write; `/`: everywhere, as in Mesos.
    package var writable: [String]
    /// Below these, directories that are missing are made, as by Mesos's
    /// `--host_path_volume_force_creation`.
    package var creatable: [String]
    /// The agent's own, of which no task sees anything; without symbolic links.
    package var hidden: [String]

    private static let kernelOwn = ["/proc", "/sys", "/dev"]

    package init(writable: [String] = [], creatable: [String] = [], hidden: [String] = []) {
        self.writable = writable
        self.creatable = creatable
        self.hidden = hidden
    }

    /// Takes hold of what a task names, or says why it can't have it. What is made belongs to the
    /// task's user.
    func pin(
        _ volume: ContainerSpec.Volume, user: UserIdentity
    ) throws(ContainerError) -> PinnedPath {
        let path = volume.hostPath
        do throws(SystemError) {
            if !FileStatus.leadsSomewhere(path) { try make(path, user) }
        } catch {
            throw ContainerError("the host path \(path) can't be made: \(error)")
        }
        let pinned: PinnedPath
        do throws(SystemError) { pinned = try PinnedPath(path) } catch {
            guard error.isNotFound else { throw ContainerError("the host path: \(error)") }
            throw ContainerError(
                "the host path \(path) does not exist, and this agent makes none there "
                    + "(--host-path-volume-force-creation)")
        }
        try check(pinned.location, volume)
        return pinned
    }

    /// Looks at where the path has led to, not at its words.
    private func check(
        _ location: String, _ volume: ContainerSpec.Volume
    ) throws(ContainerError) {
        let named =
            location == volume.hostPath
            ? "the host path \(location)"
            : "the host path \(volume.hostPath), which is \(location),"
        for place in Self.kernelOwn where MountTable.isBelowOrSame(location, place) {
            throw ContainerError("\(named) can't be a volume: it is the kernel's")
        }
        for place in hidden
        where MountTable.isBelowOrSame(location, place)
            || MountTable.isBelowOrSame(place, location)
        {
            throw ContainerError("\(named) can't be a volume: the agent's own files are there")
        }
        if volume.isReadOnly { return }
        guard writable.contains(where: { isBelow(location, $0) }) else {
            let places = writable.isEmpty ? "nowhere" : "below " + writable.joined(separator: ", ")
            throw ContainerError(
                "\(named) can be mounted with mode RO only: tasks of this agent may write "
                    + "\(places) (--host-path-writable)")
        }
    }

    private func isBelow(_ location: String, _ place: String) -> Bool {
        // One that can't be resolved holds nothing.
        guard let real = try? Files.realPath(place) else { return false }
        return MountTable.isBelowOrSame(location, real)
    }

    /// Makes a missing directory where that is allowed, through no link.
    private func make(_ path: String, _ user: UserIdentity) throws(SystemError) {
        let components = path.split(separator: "/").map(String.init)
        for place in creatable {
            let base = place.split(separator: "/").map(String.init)
            guard components.starts(with: base), components.count > base.count else { continue }
            let rest = Array(components.dropFirst(base.count))
            try Files.makeDirectories(place, mode: 0o755)
            let real = try Files.realPath(place)
            let target = (real == "/" ? "" : real) + "/" + rest.joined(separator: "/")
            let forbidden = hidden + Self.kernelOwn
            guard !forbidden.contains(where: { MountTable.isBelowOrSame(target, $0) })
            else { throw SystemError("mkdir", target, errno: 1) }
            _ = try InsideDirectory(real).makeDirectories(rest, uid: user.uid, gid: user.gid)
            return
        }
    }
}
