internal import Glibc
internal import Linux

/// Whether tasks without an image may write the host's files.
package enum HostRootMode: String, Equatable, Sendable {
    /// Writable are only the sandbox, the volumes, /tmp and /dev/shm of the task.
    case readOnly = "ro"
    /// As in Mesos: what the task's user may write.
    case readWrite = "rw"
}

/// The host's files as the root of containers without an image: a tree of bind mounts.
///
/// It holds a mount of its own for `/` and each file system of the host, but none at or below a
/// hidden directory and none of a loop device: a copy of a volume's mount here, and so in every
/// container, would keep its device busy after the host has unmounted it. Containers cover the
/// hidden directories. It stands in a small tmpfs, by whose name other agents' trees are known.
package struct HostRoot: Equatable, Sendable {
    private let place: String
    package let mode: HostRootMode
    /// The root of the tree.
    package var path: String { "\(place)/tree" }
    /// Canonical paths of which containers must see nothing: the agent's work directory first.
    package let hidden: [String]

    /// `path` is where the tree is mounted; `workDirectory` and `hiding` are there already.
    package init(
        path: String, mode: HostRootMode, workDirectory: String, hiding: [String] = []
    ) {
        place = Self.canonical(path)
        self.mode = mode
        hidden = ([workDirectory] + hiding).map(Self.canonical).reduce(into: []) { kept, each in
            if !kept.contains(where: { MountTable.isBelowOrSame(each, $0) }) { kept.append(each) }
        }
    }

    /// Makes the tree; keeps one of a former life of the agent if it is whole, for a container may
    /// just be starting on it. Containers that run have copies of their own.
    package func prepare() throws(ContainerError) {
        do throws(SystemError) {
            try Files.makeDirectories(place, mode: 0o700)
            let table = try MountTable.current()
            if isWhole(in: table) { return }
            try unmount()
            try Mount.attach(
                Self.marker, at: place, fileSystem: "tmpfs", flags: Mount.tenantFlags,
                options: "mode=700,size=64k")
            try Mount.setPropagation(.isolated, of: place)
            try Files.makeDirectory(path)
            for source in sources(in: table) {
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
            // Last: the sign that nothing is missing.
            try Mount.makeReadOnly(place)
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
        while try MountTable.current().top(at: place) != nil {
            guard try Mount.detach(place, isLazy: true) else { return }
        }
    }

    /// The host's mounts that belong into the tree, outer ones first.
    private func sources(in table: MountTable) -> [String] {
        // A volume's file system may be mounted elsewhere as well.
        let ofVolumes = Set(
            hidden.flatMap { table.below($0) }.map(\.device)
        ).subtracting(hidden.compactMap { table.containing($0)?.device })
        let trees = table.entries.filter { $0.source == Self.marker }.map(\.mountPoint) + [place]
        let leftOut = Self.kernelTrees + hidden + trees
        var seen: Set<String> = []
        return table.entries.compactMap { entry in
            let point = entry.mountPoint
            let isLeftOut =
                leftOut.contains { MountTable.isBelowOrSame(point, $0) }
                || ofVolumes.contains(entry.device) || entry.device.major == Self.loopMajor
                || entry.fileSystem == "autofs"
            return !isLeftOut && seen.insert(point).inserted ? point : nil
        }.sorted()
    }

    /// Whether a tree is there to its last mount, of this mode and without what is hidden now.
    private func isWhole(in table: MountTable) -> Bool {
        guard let outer = table.top(at: place), outer.source == Self.marker,
            outer.options.contains("ro"), let root = table.top(at: path),
            root.options.contains("ro") == (mode == .readOnly)
        else { return false }
        return !table.below(path).contains { entry in
            hidden.contains { MountTable.isBelowOrSame(entry.mountPoint, path + $0) }
        }
    }

    private static let marker = "holdfast-root"
    private static let loopMajor: UInt32 = 7
    /// Each container has its own of these.
    private static let kernelTrees = ["/proc", "/sys", "/dev"]

    /// Without symbolic links; as it is where nothing is there.
    private static func canonical(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
