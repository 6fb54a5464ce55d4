internal import Glibc
internal import Linux

/// Where containers' sandboxes are, in Mesos's layout.
package enum Sandbox {
    /// `<work>/slaves/<agent>/frameworks/<fw>/executors/<ex>/runs/<container>`.
    package static func path(
        work: String, agent: String, framework: String, executor: String, container: String
    ) throws(ContainerError) -> String {
        for name in [agent, framework, executor, container] {
            guard isFileName(name) else {
                throw ContainerError("'\(name)' can't be part of a sandbox's path")
            }
        }
        return "\(work)/slaves/\(agent)/frameworks/\(framework)/executors/\(executor)"
            + "/runs/\(container)"
    }

    /// Makes the sandbox, owned by the user, and points `latest` beside it to it; one that is there
    /// is taken over.
    package static func make(_ path: String, owner: UserIdentity) throws(ContainerError) {
        do throws(SystemError) {
            try Files.makeDirectories(path)
            try Files.own(directory: path, uid: owner.uid, gid: owner.gid, mode: 0o750)
            let latest = "\(Files.parent(of: path))/latest"
            let aside = "\(latest).new"
            try Files.remove(aside)
            try SystemError.check("symlink", aside) { symlink(Files.name(of: path), aside) }
            try Files.rename(aside, to: latest)
            try Files.syncDirectory(Files.parent(of: path))
        } catch {
            throw ContainerError("sandbox: \(error)")
        }
    }

    /// The components of a container path below the sandbox; nil: it climbs or is empty. An
    /// absolute
    /// path counts from the sandbox.
    package static func components(_ path: String) -> [String]? {
        let parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
        return !parts.isEmpty && parts.allSatisfy(isFileName) ? parts : nil
    }

    private static func isFileName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
            && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
    }

    /// Makes symbolic links to volumes at their container paths.
    ///
    /// The sandbox may hold whatever a former run of the same user left: no link of it is followed.
    static func link(
        _ volumes: [ContainerSpec.Volume], in sandbox: String, owner: UserIdentity
    ) throws(ContainerError) {
        for volume in volumes {
            guard let parts = components(volume.containerPath), let last = parts.last else {
                throw ContainerError("container path '\(volume.containerPath)' leaves the sandbox")
            }
            do throws(SystemError) {
                let root = try Descriptor.openDirectory(sandbox)
                let place = try directory(root, parts.dropLast()[...], owner, volume.containerPath)
                let number = place.number
                var status = stat()
                if fstatat(number, last, &status, AT_SYMLINK_NOFOLLOW) == 0,
                    status.st_mode & S_IFMT == S_IFLNK
                {
                    _ = unlinkat(number, last, 0)
                }
                try SystemError.check("symlinkat", volume.containerPath) {
                    symlinkat(volume.hostPath, number, last)
                }
            } catch {
                throw ContainerError("volume at '\(volume.containerPath)': \(error)")
            }
        }
    }

    /// Opens the directory below the root, making what is missing.
    private static func directory(
        _ root: borrowing Descriptor, _ parts: ArraySlice<String>, _ owner: UserIdentity,
        _ path: String
    ) throws(SystemError) -> Descriptor {
        let number = root.number
        guard let first = parts.first else {
            return Descriptor(
                owning: try SystemError.check("fcntl", path) { fcntl(number, F_DUPFD_CLOEXEC, 3) })
        }
        let isNew = mkdirat(number, first, 0o755) == 0
        let child = Descriptor(
            owning: try SystemError.check("openat", path) {
                openat(number, first, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            })
        let made = child.number
        if isNew { try SystemError.check("fchown", path) { fchown(made, owner.uid, owner.gid) } }
        return try directory(child, parts.dropFirst(), owner, path)
    }
}
