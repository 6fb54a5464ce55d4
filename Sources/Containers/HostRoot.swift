internal import Glibc
internal import Linux

/// Whether tasks without an image may write the host's files.
package enum HostRootMode: String, Equatable, Sendable {
    /// Writable are only the sandbox, the volumes, /tmp and /dev/shm of the task.
    case readOnly = "ro"
    /// As in Mesos: what the task's user may write.
    case readWrite = "rw"
}

/// The host's files as the root of containers without an image: a tree of bind mounts at `path`.
///
/// It holds a mount of its own for `/` and each file system of the host, but none at or below a
/// hidden directory: a copy of a volume's mount here, and so in every container, would keep its
/// loop device busy after the host has unmounted it. Containers cover the hidden directories.
package struct HostRoot: Equatable, Sendable {
    package let path: String
    package let mode: HostRootMode
    /// Canonical paths of which containers must see nothing: the agent's work directory first.
    package let hidden: [String]

    /// `workDirectory` and `hiding` name directories that are there.
    package init(
        path: String, mode: HostRootMode, workDirectory: String, hiding: [String] = []
    ) {
        self.path = Self.canonical(path)
        self.mode = mode
        hidden = ([workDirectory] + hiding).map(Self.canonical).reduce(into: []) { kept, each in
            if !kept.contains(where: { MountTable.isBelowOrSame(each, $0) }) { kept.append(each) }
        }
    }

    /// Makes the tree; keeps one of a former life of the agent if it is whole, for a container may
    /// just be starting on it. Containers that run have copies of their own.
    package func prepare() throws(ContainerError) {
        do throws(SystemError) {
            try Files.makeDirectories(path, mode: 0o700)
            let table = try MountTable.current()
            let wanted = sources(in: table)
            if isWhole(wanted, in: table) { return }
            try unmount()
            for source in wanted {
                let target = source == "/" ? path : path + source
                do throws(SystemError) {
                    try Mount.bindIsolated(
                        source, at: target, isReadOnly: mode == .readOnly)
                } catch {
                    // Covered by a later mount, or gone since the table was read.
                    if source == "/" || !(error.isNotFound || error.errno == ENOTDIR) {
                        throw error
                    }
                }
            }
        } catch {
            try? unmount()
            throw ContainerError("the host's files as a root: \(error)")
        }
    }

    /// Unmounts the tree; containers that run keep theirs.
    package func release() throws(ContainerError) {
        do throws(SystemError) {
            try unmount()
        } catch {
            throw ContainerError("unmounting the host's files: \(error)")
        }
    }

    private func unmount() throws(SystemError) {
        // Lazily with all that is below; once for each time it was made.
        while try MountTable.current().top(at: path) != nil {
            guard try Mount.detach(path, isLazy: true) else { return }
        }
    }

    /// The host's mounts that belong into the tree, outer ones first.
    private func sources(in table: MountTable) -> [String] {
        // A volume's file system may be mounted elsewhere as well.
        let ofVolumes = Set(
            hidden.flatMap { table.below($0) }.map(\.device)
        ).subtracting(hidden.compactMap { table.containing($0)?.device })
        var seen: Set<String> = []
        return table.entries.compactMap { entry in
            let place = entry.mountPoint
            let isLeftOut =
                Self.kernelTrees.contains { MountTable.isBelowOrSame(place, $0) }
                || hidden.contains { MountTable.isBelowOrSame(place, $0) }
                || MountTable.isBelowOrSame(place, path)
                || ofVolumes.contains(entry.device) || entry.fileSystem == "autofs"
            return !isLeftOut && seen.insert(place).inserted ? place : nil
        }.sorted()
    }

    private func isWhole(_ wanted: [String], in table: MountTable) -> Bool {
        let there = Set(
            table.entries.filter { MountTable.isBelowOrSame($0.mountPoint, path) }
                .filter { mode == .readWrite || $0.options.contains("ro") }
                .map(\.mountPoint))
        return there == Set(wanted.map { $0 == "/" ? path : path + $0 })
    }

    /// Each container has its own of these.
    private static let kernelTrees = ["/proc", "/sys", "/dev"]

    /// Without symbolic links; as it is where nothing is there.
    private static func canonical(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
