internal import CLinux
internal import Glibc

/// A file or directory that is held by a descriptor: what is put at its path later changes nothing.
package struct PinnedPath: ~Copyable {
    /// Where it is, absolute and without symbolic links.
    package let location: String
    package let isDirectory: Bool
    private let descriptor: Descriptor

    /// Follows links.
    package init(_ path: String) throws(SystemError) {
        let held = try SystemError.check("open", path) { clinux_hold(path) }
        let descriptor = Descriptor(owning: held)
        let found = try Self.look(descriptor, path)
        (location, isDirectory) = found
        self.descriptor = descriptor
    }

    /// Below a directory, through no link: ELOOP.
    package init(_ path: String, in directory: borrowing InsideDirectory) throws(SystemError) {
        let number = directory.descriptor.number
        let held = try SystemError.check("openat2", path) { clinux_hold_inside(number, path) }
        let descriptor = Descriptor(owning: held)
        let found = try Self.look(descriptor, path)
        (location, isDirectory) = found
        self.descriptor = descriptor
    }

    private static func look(
        _ descriptor: borrowing Descriptor, _ path: String
    ) throws(SystemError) -> (location: String, isDirectory: Bool) {
        let kind = try FileStatus.of(descriptor, path).kind
        guard let place = Files.linkTarget("/proc/self/fd/\(descriptor.number)"),
            place.hasPrefix("/")
        else { throw SystemError("readlink", path, errno: ENOENT) }
        return (place, kind == .directory)
    }

    /// A copy of the mounts that show it.
    package func mounts(isRecursive: Bool) throws(SystemError) -> MountTree {
        // A magic link leads to the file that is held, not to its name.
        try MountTree.clone(
            "/proc/self/fd/\(descriptor.number)", isRecursive: isRecursive)
    }
}
