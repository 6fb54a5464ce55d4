package import Linux

/// Which of the host's mounts a container's root is put together from, and what is hidden in it.
///
/// A copy of everything below `/` would keep each volume of the machine mounted and within reach.
/// So the copy is put together mount by mount: none that lies below a hidden directory, none that
/// shows a hidden directory's contents elsewhere, none of a loop device (another agent's volume,
/// most likely), no other agent's tree, and none of the kernel's own file systems, of which a
/// container has its own.
package struct HostRootPlan: Equatable, Sendable {
    /// Mount points to copy, `/` first, each after those it lies in.
    package let copies: [String]
    /// Directories over which an empty one is put, sorted.
    package let masks: [String]

    /// The source of the tmpfs that holds an agent's trees.
    package static let marker = "holdfast-root"
    private static let kernelOwn = ["/proc", "/sys", "/dev"]

    /// `hidden`: the work directory and the roots of all other disks that hold volumes; absolute.
    package init(table: MountTable, hidden: [String]) {
        let trees = table.entries.filter { $0.source == Self.marker }.map(\.mountPoint)
        let secrets = Self.secrets(table, hidden, trees: trees)
        // What covers a directory by itself shows nothing that the mount below does not, and is
        // made for what is to be mounted in it: another agent's work directory, as a rule.
        let covers = table.entries.filter { table.isSelfBind($0) }.map(\.mountPoint)
        let leftOut = Self.kernelOwn + hidden + trees + covers.filter { $0 != "/" }
        var copies: [String] = []
        var masks = Set(hidden)
        for point in Set(table.entries.map(\.mountPoint)) {
            guard let entry = table.top(at: point) else { continue }
            if leftOut.contains(where: { MountTable.isBelowOrSame(point, $0) }) { continue }
            if entry.fileSystem == "autofs" { continue }
            // A disk of the operator's that holds a hidden directory is no volume.
            let isDisk = hidden.contains { $0 != point && MountTable.isBelowOrSame($0, point) }
            // btrfs on a loop device has a number of its own, which names no device.
            let isImage = entry.device.isLoop || entry.source.hasPrefix("/dev/loop")
            if isImage, !isDisk { continue }
            var isShown = true
            for secret in secrets where secret.device == entry.device {
                if MountTable.isBelowOrSame(entry.root, secret.path) {
                    isShown = false
                } else if MountTable.isBelowOrSame(secret.path, entry.root) {
                    // The mount shows the hidden directory too, perhaps at a second place.
                    masks.insert(Self.place(of: secret.path, in: entry))
                }
            }
            if isShown { copies.append(point) }
        }
        self.copies = copies.sorted {
            $0.split(separator: "/").lexicographicallyPrecedes($1.split(separator: "/"))
        }
        self.masks = masks.sorted()
    }

    /// A directory by its file system, wherever that is mounted.
    private struct Secret {
        let device: DeviceNumber
        let path: String
    }

    /// The hidden directories, and everything that is mounted below them; but for the trees there,
    /// copies of the host's files, which are no secret.
    private static func secrets(
        _ table: MountTable, _ hidden: [String], trees: [String]
    ) -> [Secret] {
        var secrets: [Secret] = []
        for directory in hidden {
            guard let entry = table.containing(directory) else { continue }
            let rest = directory.dropFirst(entry.mountPoint == "/" ? 0 : entry.mountPoint.count)
            let path = (entry.root == "/" ? "" : entry.root) + rest
            secrets.append(Secret(device: entry.device, path: path.isEmpty ? "/" : path))
            for below in table.below(directory) where below.device != entry.device {
                let isInTree = trees.contains { MountTable.isBelowOrSame(below.mountPoint, $0) }
                if isInTree { continue }
                secrets.append(Secret(device: below.device, path: below.root))
            }
        }
        return secrets
    }

    private static func place(of path: String, in entry: MountEntry) -> String {
        let rest = path.dropFirst(entry.root == "/" ? 0 : entry.root.count)
        return (entry.mountPoint == "/" ? "" : entry.mountPoint) + rest
    }
}
