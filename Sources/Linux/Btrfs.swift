internal import CLinux
internal import Glibc

/// Subvolumes and simple quota of btrfs.
///
/// A limit stands on a level-1 qgroup: subvolumes that a tenant makes inside its own are counted
/// in it as well, which a limit on the subvolume alone would let escape.
package enum Btrfs {
    /// The level-1 qgroup of a 48-bit number: `1/number`.
    package static func group(_ number: UInt64) -> UInt64 {
        1 << 48 | (number & 0xFFFF_FFFF_FFFF)
    }

    /// The file system's UUID in the form of /sys/fs/btrfs.
    package static func uuid(of path: String) throws(SystemError) -> String {
        let directory = try Descriptor.openDirectory(path)
        let number = directory.number
        var bytes = [UInt8](repeating: 0, count: 16)
        try SystemError.check("ioctl BTRFS_IOC_FS_INFO", path) {
            clinux_btrfs_uuid(number, &bytes)
        }
        var text = ""
        for (position, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(position) { text += "-" }
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text
    }

    /// `squota`, `qgroup`; nil where quota is off.
    package static func quotaMode(_ uuid: String) -> String? {
        KernelText.line("/sys/fs/btrfs/\(uuid)/qgroups/mode")
    }

    package static func enableSimpleQuota(at path: String) throws(SystemError) {
        try call("ioctl BTRFS_IOC_QUOTA_CTL", path) { clinux_btrfs_enable_simple_quota($0) }
    }

    /// Makes a subvolume whose space, and that of subvolumes in it, counts in a qgroup.
    package static func createSubvolume(_ path: String, group: UInt64) throws(SystemError) {
        let parent = Files.parent(of: path)
        let name = Files.name(of: path)
        try call("ioctl BTRFS_IOC_SUBVOL_CREATE_V2", parent) {
            clinux_btrfs_subvolume_create($0, name, group)
        }
    }

    /// The subvolume that a path lies in.
    package static func subvolume(of path: String) throws(SystemError) -> UInt64 {
        var id: UInt64 = 0
        try call("ioctl BTRFS_IOC_INO_LOOKUP", path) { clinux_btrfs_subvolume_id($0, &id) }
        return id
    }

    /// Deletes a subvolume by its id, those nested in it first; at most `limit` in one call.
    ///
    /// Returns whether all are gone. `path` is any directory of the same mount outside of it.
    package static func destroySubvolumes(
        _ root: UInt64, at path: String, limit: Int = 1000
    ) throws(SystemError) -> Bool {
        var stack = [root]
        var count = 0
        while let id = stack.last {
            guard count < limit else { return false }
            count += 1
            let children = try children(of: id, at: path)
            if children.isEmpty {
                try call("ioctl BTRFS_IOC_SNAP_DESTROY_V2", path) {
                    clinux_btrfs_subvolume_destroy($0, id)
                }
                stack.removeLast()
            } else {
                stack.append(contentsOf: children.prefix(1))
            }
        }
        return true
    }

    private static func children(
        of id: UInt64, at path: String
    ) throws(SystemError) -> [UInt64] {
        var ids = [UInt64](repeating: 0, count: 16)
        let capacity = Int32(ids.count)
        let count = try call("ioctl BTRFS_IOC_TREE_SEARCH", path) {
            clinux_btrfs_children($0, id, &ids, capacity)
        }
        return Array(ids[..<Int(count)])
    }

    /// Makes a qgroup if it is not there.
    package static func createGroup(_ group: UInt64, at path: String) throws(SystemError) {
        do {
            try call("ioctl BTRFS_IOC_QGROUP_CREATE", path) {
                clinux_btrfs_qgroup_create($0, group)
            }
        } catch {
            guard error.isOccupied else { throw error }
        }
    }

    /// Removes a qgroup; false while a deleted subvolume that counts in it is not yet cleaned away.
    package static func destroyGroup(
        _ group: UInt64, at path: String
    ) throws(SystemError) -> Bool {
        do {
            try call("ioctl BTRFS_IOC_QGROUP_CREATE", path) {
                clinux_btrfs_qgroup_destroy($0, group)
            }
            return true
        } catch {
            if error.isNotFound { return true }
            guard error.isBusy else { throw error }
            // Without it the cleaning waits for the next commit interval: half a minute.
            try call("ioctl BTRFS_IOC_SYNC", path) { clinux_btrfs_sync($0) }
            return false
        }
    }

    /// Sets a qgroup's limit of referenced bytes; `path` must lie outside of what it limits.
    package static func limit(
        _ group: UInt64, to bytes: Int64, at path: String
    ) throws(SystemError) {
        try call("ioctl BTRFS_IOC_QGROUP_LIMIT", path) {
            clinux_btrfs_qgroup_limit($0, group, UInt64(bytes))
        }
    }

    /// What counts in a qgroup and its limit, in bytes; nil where the qgroup is not there.
    package static func state(
        of group: UInt64, _ uuid: String
    ) -> (usedBytes: Int64, limitBytes: Int64)? {
        let number = group & 0xFFFF_FFFF_FFFF
        let directory = "/sys/fs/btrfs/\(uuid)/qgroups/\(group >> 48)_\(number)"
        guard let used = KernelText.line("\(directory)/referenced").flatMap({ Int64($0) }),
            let limit = KernelText.line("\(directory)/max_referenced").flatMap({ UInt64($0) })
        else { return nil }
        return (used, Int64(clamping: limit))
    }

    @discardableResult
    private static func call(
        _ name: String, _ path: String, _ body: (Int32) -> Int32
    ) throws(SystemError) -> Int32 {
        let directory = try Descriptor.openDirectory(path)
        let number = directory.number
        return try SystemError.check(name, path) { body(number) }
    }
}
