internal import CLinux

/// How large a file system is and what is left of it, by statfs.
package struct DiskSpace: Hashable, Sendable {
    package let totalBytes: Int64
    /// What a process without privilege may still write.
    package let availableBytes: Int64
    package let usedBytes: Int64
    package let totalInodes: Int64
    package let usedInodes: Int64
    /// The kernel's magic number of the file system's kind.
    package let kind: UInt32

    /// Nil where the file system makes inodes as it needs them: btrfs says 0.
    package var limitInodes: Int64? { totalInodes > 0 ? totalInodes : nil }

    package static let ext4: UInt32 = 0xEF53
    package static let xfs: UInt32 = 0x5846_5342
    package static let btrfs: UInt32 = 0x9123_683E

    /// Of the file system that a path lies on.
    package static func of(_ path: String) throws(SystemError) -> DiskSpace {
        var raw = clinux_statfs()
        try SystemError.check("statfs", path) { clinux_statfs(path, &raw) }
        let block = Int64(clamping: raw.block_bytes)
        return DiskSpace(
            totalBytes: Int64(clamping: raw.blocks).multipliedSaturating(by: block),
            availableBytes: Int64(clamping: raw.available_blocks).multipliedSaturating(by: block),
            usedBytes: Int64(clamping: raw.blocks &- raw.free_blocks)
                .multipliedSaturating(by: block),
            totalInodes: Int64(clamping: raw.inodes),
            usedInodes: Int64(clamping: raw.inodes &- raw.free_inodes),
            kind: raw.kind)
    }
}

extension Int64 {
    fileprivate func multipliedSaturating(by other: Int64) -> Int64 {
        let (product, isOverflow) = multipliedReportingOverflow(by: other)
        return isOverflow ? .max : product
    }
}
