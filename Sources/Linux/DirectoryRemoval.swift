internal import CLinux
internal import Glibc

/// Removal of a directory tree in steps of bounded size; a later step, or a later process, goes on
/// where the last one ended.
///
/// Never follows a symbolic link and never enters another mount. Trees of any depth are removed
/// with few open files: what lies too deep is moved up first. Immutable files are made mutable.
package struct DirectoryRemoval {
    private static let depthLimit = 32

    /// Called with an open directory and a name in it, before that is removed.
    package typealias BeforeRemoval = (Int32, [CChar]) throws(SystemError) -> Void

    private let path: String
    private let beforeRemoval: BeforeRemoval?
    private var left: Int
    private var moved = 0

    private init(_ path: String, entries: Int, _ beforeRemoval: BeforeRemoval? = nil) {
        self.path = path
        self.beforeRemoval = beforeRemoval
        left = entries
    }

    /// Removes up to `entries` names, the tree's root last; true once nothing is left.
    package static func advance(
        _ path: String, entries: Int
    ) throws(SystemError) -> Bool {
        guard let status = try FileStatus.ifPresent(path) else { return true }
        guard status.kind == .directory else { return try Files.remove(path) }
        guard try empty(path, entries: entries) else { return false }
        return try Files.removeDirectory(path)
    }

    /// As `advance`, but leaves the root itself and the names in `kept`.
    package static func empty(
        _ path: String, entries: Int, keeping kept: [String] = [],
        beforeRemoval: BeforeRemoval? = nil
    ) throws(SystemError) -> Bool {
        var removal = DirectoryRemoval(path, entries: entries, beforeRemoval)
        let root = try Descriptor.openDirectory(path)
        return try removal.empty(root.number, depth: 0, root: root.number, kept: kept)
    }

    /// Removes what is in an open directory; false if the step's size ran out.
    private mutating func empty(
        _ directory: Int32, depth: Int, root: Int32, kept: [String]
    ) throws(SystemError) -> Bool {
        guard let stream = fdopendir(dup(directory)) else { throw .last("fdopendir", path) }
        defer { closedir(stream) }
        rewinddir(stream)
        while let raw = readdir(stream) {
            let entry = DirectoryEntry(raw)
            if entry.isSelfOrParent || kept.contains(entry.text) { continue }
            guard left > 0 else { return false }
            left -= 1
            try beforeRemoval?(directory, entry.name)
            if try unlinkFile(entry, in: directory) { continue }
            if depth == Self.depthLimit {
                try moveUp(entry, from: directory, to: root)
                continue
            }
            let opened = try SystemError.check("openat2", "\(path)/…/\(entry.text)") {
                clinux_open_beneath(directory, entry.name)
            }
            let child = Descriptor(owning: opened)
            guard try empty(child.number, depth: depth + 1, root: root, kept: []) else {
                return false
            }
            try unlink(entry, in: directory, flags: AT_REMOVEDIR)
        }
        // Names that were moved up while this very directory was being read may have been missed.
        return depth > 0 || moved == 0 ? true : try againIfMoved(directory, root, kept)
    }

    private mutating func againIfMoved(
        _ directory: Int32, _ root: Int32, _ kept: [String]
    ) throws(SystemError) -> Bool {
        moved = 0
        return try empty(directory, depth: 0, root: root, kept: kept)
    }

    /// False for a directory.
    private func unlinkFile(
        _ entry: DirectoryEntry, in directory: Int32
    ) throws(SystemError) -> Bool {
        do {
            try unlink(entry, in: directory, flags: 0)
            return true
        } catch {
            guard error.errno == EISDIR else { throw error }
            return false
        }
    }

    /// EISDIR for a directory where a file was meant, whatever the file system says.
    private func unlink(
        _ entry: DirectoryEntry, in directory: Int32, flags: Int32
    ) throws(SystemError) {
        let place = "\(path)/…/\(entry.text)"
        do {
            try SystemError.check("unlinkat", place) { unlinkat(directory, entry.name, flags) }
        } catch {
            if error.isNotFound { return }
            guard error.isNotPermitted else { throw error }
            var status = stat()
            try SystemError.check("fstatat", place) {
                fstatat(directory, entry.name, &status, AT_SYMLINK_NOFOLLOW)
            }
            if flags == 0, status.st_mode & S_IFMT == S_IFDIR {
                throw SystemError("unlinkat", place, errno: EISDIR)
            }
            clearImmutable(entry, in: directory, mode: status.st_mode)
            try SystemError.check("unlinkat", place) { unlinkat(directory, entry.name, flags) }
        }
    }

    /// Takes immutable and append-only flags off a name and its directory, as far as it can.
    private func clearImmutable(_ entry: DirectoryEntry, in directory: Int32, mode: UInt32) {
        _ = clinux_clear_immutable(directory)
        // Opening a device or a FIFO could have effects; they have no such flags on most systems.
        guard mode & S_IFMT == S_IFREG || mode & S_IFMT == S_IFDIR else { return }
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let opened = openat(directory, entry.name, flags)
        guard opened >= 0 else { return }
        _ = clinux_clear_immutable(opened)
        close(opened)
    }

    private mutating func moveUp(
        _ entry: DirectoryEntry, from directory: Int32, to root: Int32
    ) throws(SystemError) {
        while true {
            moved += 1
            let name = ".removing-\(moved)"
            do {
                try SystemError.check("renameat2", "\(path)/…/\(entry.text)") {
                    clinux_rename_exclusive(directory, entry.name, root, name)
                }
                return
            } catch {
                guard error.isOccupied else { throw error }
            }
        }
    }
}
