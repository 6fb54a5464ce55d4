internal import CLinux
internal import Glibc

/// A copy of mounts that is not attached anywhere yet; freed with the value if it never is.
package struct MountTree: ~Copyable {
    /// What a mount forbids whatever is stored on it.
    package struct Attributes: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let readOnly = Attributes(rawValue: UInt32(CLINUX_MOUNT_READ_ONLY))
        package static let noSetID = Attributes(rawValue: UInt32(CLINUX_MOUNT_NO_SETID))
        package static let noDevices = Attributes(
            rawValue: UInt32(CLINUX_MOUNT_NO_DEVICES))
        /// Mounts made below later copies do not appear in it, nor the other way round.
        package static let isolated = Attributes(rawValue: UInt32(CLINUX_MOUNT_PRIVATE))
    }

    let descriptor: Descriptor

    /// Copies what is mounted at a path: this mount alone, or with those below it.
    package static func clone(
        _ path: String, isRecursive: Bool = false
    ) throws(SystemError) -> MountTree {
        let number = try SystemError.check("open_tree", path) {
            clinux_mount_clone(AT_FDCWD, path, isRecursive ? 1 : 0)
        }
        return MountTree(descriptor: Descriptor(owning: number))
    }

    /// Changes every mount of the tree.
    package func set(_ attributes: Attributes) throws(SystemError) {
        let number = descriptor.number
        try SystemError.check("mount_setattr") {
            clinux_mount_set(number, "", attributes.rawValue, 1)
        }
    }

    /// Changes what is mounted at a path, and with `isRecursive` everything below it.
    package static func set(
        _ attributes: Attributes, at path: String, isRecursive: Bool
    ) throws(SystemError) {
        try SystemError.check("mount_setattr", path) {
            clinux_mount_set(AT_FDCWD, path, attributes.rawValue, isRecursive ? 1 : 0)
        }
    }

    /// Mounts the tree at a path.
    package consuming func attach(at path: String) throws(SystemError) {
        let number = descriptor.number
        try SystemError.check("move_mount", path) { clinux_mount_attach(number, AT_FDCWD, path) }
    }

    /// Mounts the tree on an open directory, which no change of names can redirect.
    package consuming func attach(
        to directory: borrowing Descriptor, _ path: String
    ) throws(SystemError) {
        let number = descriptor.number
        let target = directory.number
        try SystemError.check("move_mount", path) { clinux_mount_attach(number, target, "") }
    }
}
