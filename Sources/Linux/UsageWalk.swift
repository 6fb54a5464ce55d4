internal import CLinux
internal import Glibc

/// Counts the disk usage of a directory tree in steps of bounded size.
///
/// Never follows a symbolic link and never enters another mount. A file with several names counts
/// once. The tree may change meanwhile: the sum is then near the truth, not exact.
package final class UsageWalk {
    package struct Usage: Hashable, Sendable {
        /// Bytes allocated on the disk.
        package var bytes: Int64 = 0
        package var inodes: Int64 = 0
        /// False where a part of the tree vanished or was moved away under the walk.
        package var isComplete = true
    }

    /// Directories kept open on the way down; those above are found again through "..".
    private static let openLimit = 64
    private static let linkLimit = 1_000_000

    /// A directory on the way down.
    private struct Level {
        var descriptor: Int32
        let device: UInt64
        let inode: UInt64
        var stream: OpaquePointer?
        var pending: [[CChar]] = []
    }

    private let path: String
    private var levels: [Level] = []
    private var linked: Set<UInt64> = []
    private var usage = Usage()
    private var isStarted = false

    package init(_ path: String) { self.path = path }

    deinit {
        for level in levels { close(level) }
    }

    /// Counts everything at once.
    package static func measure(_ path: String) throws(SystemError) -> Usage {
        let walk = UsageWalk(path)
        while true {
            if let usage = try walk.advance(entries: 10_000) { return usage }
        }
    }

    /// Looks at up to `entries` names; the sum once all have been seen.
    package func advance(entries: Int) throws(SystemError) -> Usage? {
        if !isStarted { try start() }
        for _ in 0..<max(entries, 1) {
            guard let top = levels.indices.last else { return usage }
            if levels[top].stream != nil {
                readOne(top)
            } else if let name = levels[top].pending.popLast() {
                descend(into: name, from: top)
            } else {
                ascend()
            }
        }
        return levels.isEmpty ? usage : nil
    }

    private func start() throws(SystemError) {
        isStarted = true
        let opened = try SystemError.check("open", path) {
            open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        push(opened)
    }

    /// Counts an open directory and makes it the place to read next.
    private func push(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, let stream = fdopendir(dup(descriptor)) else {
            usage.isComplete = false
            Glibc.close(descriptor)
            return
        }
        // An empty tree uses nothing: its root's first block is none of what was stored.
        let own = levels.isEmpty ? Int64(status.st_blksize) : 0
        usage.bytes += max(0, Int64(status.st_blocks) * 512 - own)
        usage.inodes += 1
        levels.append(
            Level(
                descriptor: descriptor, device: UInt64(status.st_dev),
                inode: UInt64(status.st_ino), stream: stream))
        let hidden = levels.count - 1 - Self.openLimit
        if hidden > 0 {
            Glibc.close(levels[hidden].descriptor)
            levels[hidden].descriptor = -1
        }
    }

    private func readOne(_ top: Int) {
        guard let stream = levels[top].stream else { return }
        guard let raw = readdir(stream) else {
            closedir(stream)
            levels[top].stream = nil
            return
        }
        let entry = DirectoryEntry(raw)
        if entry.isSelfOrParent { return }
        var status = stat()
        guard fstatat(levels[top].descriptor, entry.name, &status, AT_SYMLINK_NOFOLLOW) == 0
        else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            levels[top].pending.append(entry.name)
            return
        }
        if status.st_nlink > 1 {
            if linked.count >= Self.linkLimit { usage.isComplete = false }
            guard linked.count >= Self.linkLimit || linked.insert(UInt64(status.st_ino)).inserted
            else { return }
        }
        usage.bytes += Int64(status.st_blocks) * 512
        usage.inodes += 1
    }

    private func descend(into name: [CChar], from top: Int) {
        let opened = clinux_open_beneath(levels[top].descriptor, name)
        if opened >= 0 {
            push(opened)
        } else if errno != ENOENT, errno != EXDEV {
            usage.isComplete = false
        }
    }

    /// Leaves a directory; one above that was closed is opened again and must be the same.
    private func ascend() {
        let level = levels.removeLast()
        defer { close(level) }
        guard let top = levels.indices.last, levels[top].descriptor < 0 else { return }
        let opened = openat(level.descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        var status = stat()
        guard opened >= 0, fstat(opened, &status) == 0,
            UInt64(status.st_dev) == levels[top].device,
            UInt64(status.st_ino) == levels[top].inode
        else {
            // Moved away meanwhile: what is above is no longer ours to count.
            if opened >= 0 { Glibc.close(opened) }
            usage.isComplete = false
            for level in levels { close(level) }
            levels.removeAll()
            return
        }
        levels[top].descriptor = opened
    }

    private func close(_ level: Level) {
        if let stream = level.stream { closedir(stream) }
        if level.descriptor >= 0 { Glibc.close(level.descriptor) }
    }
}
