internal import CLinux
internal import Glibc

/// Names below an open directory, for places where others make symbolic links.
package struct InsideDirectory: ~Copyable, Sendable {
    package let descriptor: Descriptor

    /// The directory itself may be reached through links.
    package init(_ path: String) throws(SystemError) {
        descriptor = Descriptor(
            owning: try SystemError.check("open", path) {
                Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            })
    }

    /// Opens a file or directory for reading; a path that leads out is refused (EXDEV), through
    /// links too. A FIFO does not block.
    package func open(
        _ path: String, isDirectory: Bool = false
    ) throws(SystemError) -> Descriptor {
        let number = descriptor.number
        return Descriptor(
            owning: try SystemError.check("openat2", path) {
                clinux_open_inside(number, path, isDirectory ? 1 : 0)
            })
    }

    /// Makes the directories of a relative path that are missing, owned by the user, and opens the
    /// last; a symbolic link on the way is refused (ENOTDIR or ELOOP).
    package func makeDirectories(
        _ components: [String], uid: UInt32, gid: UInt32, mode: UInt32 = 0o755
    ) throws(SystemError) -> Descriptor {
        let number = descriptor.number
        var current = Descriptor(
            owning: try SystemError.check("dup") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
        for name in components {
            let parent = current.number
            let isMade = mkdirat(parent, name, mode) == 0
            if !isMade, errno != EEXIST { throw .last("mkdirat", name) }
            let next = try SystemError.check("openat", name) {
                openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            current = Descriptor(owning: next)
            guard isMade, geteuid() == 0 else { continue }
            try SystemError.check("fchown", name) { fchown(next, uid, gid) }
        }
        return current
    }

    /// Makes an empty file at a relative path, and the directories before it; one that is there
    /// stays as it is. A symbolic link is refused (ELOOP).
    package func makeFile(
        _ components: [String], uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        let parent = try makeDirectories(Array(components.dropLast()), uid: uid, gid: gid)
        let (name, directory) = (components.last ?? "", parent.number)
        let number = openat(
            directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard number >= 0 else {
            guard errno == EEXIST else { throw .last("openat", name) }
            var raw = stat()
            try SystemError.check("fstatat", name) {
                fstatat(directory, name, &raw, AT_SYMLINK_NOFOLLOW)
            }
            let isFile = raw.st_mode & S_IFMT == S_IFREG
            guard isFile else { throw SystemError("openat", name, errno: EEXIST) }
            return
        }
        defer { close(number) }
        guard geteuid() == 0 else { return }
        try SystemError.check("fchown", name) { fchown(number, uid, gid) }
    }
}
