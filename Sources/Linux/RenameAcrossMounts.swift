internal import CLinux
internal import Glibc

extension Files {
    /// Renames also between two mounts of one file system of which one lies below the other, as a
    /// directory that is mounted over itself does; EXDEV where no rename can do it, EEXIST where
    /// the new name is taken.
    package static func renameAcrossMounts(
        _ path: String, to target: String
    ) throws(SystemError) {
        do throws(SystemError) {
            return try renameExclusively(path, to: target)
        } catch {
            guard error.errno == EXDEV else { throw error }
        }
        let unmoved = SystemError("renameat2", path, errno: EXDEV)
        let table = try MountTable.current()
        guard let from = table.containing(path), let to = table.containing(target),
            from.device == to.device
        else { throw unmoved }
        // The upper mount alone, without what covers parts of it, shows both places.
        let isFromUpper = from.mountPoint.utf8.count <= to.mountPoint.utf8.count
        let upper = isFromUpper ? from.mountPoint : to.mountPoint
        guard MountTable.isBelowOrSame(path, upper), MountTable.isBelowOrSame(target, upper) else {
            throw unmoved
        }
        let tree = try MountTree.clone(upper)
        let number = tree.descriptor.number
        let (name, newName) = (relative(path, to: upper), relative(target, to: upper))
        for (inside, outside) in [(name, path), (newName, target)] {
            var raw = stat()
            let parent = parent(of: inside)
            try SystemError.check("fstatat", outside) {
                fstatat(number, parent, &raw, AT_SYMLINK_NOFOLLOW)
            }
            let seen = try FileStatus.of(Files.parent(of: outside))
            guard raw.st_ino == seen.inode, UInt64(raw.st_dev) == seen.device else {
                throw unmoved
            }
        }
        try SystemError.check("renameat2", path) {
            clinux_rename_exclusive(number, name, number, newName)
        }
    }

    private static func relative(_ path: String, to ancestor: String) -> String {
        String(path.dropFirst(ancestor == "/" ? 0 : ancestor.count).drop { $0 == "/" })
    }
}
