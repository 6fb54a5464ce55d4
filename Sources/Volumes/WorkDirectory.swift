package import Linux

/// The tree of mounts that containers follow: volumes mounted in it later reach them too.
package enum WorkDirectory {
    /// Makes a directory a shared mount of itself; nothing happens if it is one.
    ///
    /// A container that binds it with `rslave` then sees every volume mounted below it afterwards.
    /// To be called before volumes are recovered: those that are mounted there already are
    /// unmounted (EBUSY if in use), because the new mount would hide them; the operator's own
    /// mounts below it stay visible.
    package static func prepareMounts(_ root: String) throws(SystemError) {
        let root = try Files.realPath(root)
        let table = try MountTable.current()
        if let top = table.top(at: root), top.peerGroup != nil { return }
        for entry in volumes(in: table, below: root) {
            try Mount.detach(entry.mountPoint, isLazy: false)
        }
        try Mount.bind(root, at: root, isRecursive: true)
        do {
            // A group of its own: nothing travels to where the directory was shared before.
            try Mount.setPropagation(.isolated, of: root)
            try Mount.setPropagation(.shared, of: root)
        } catch {
            _ = try? Mount.detach(root, isLazy: true)
            throw error
        }
    }

    /// Unmounts the volumes below a directory, then what `prepareMounts` put over it with all that
    /// was mounted in that since. What the operator mounted there stays.
    package static func releaseMounts(_ root: String) throws(SystemError) {
        let root = try Files.realPath(root)
        for entry in volumes(in: try MountTable.current(), below: root) {
            try Mount.detach(entry.mountPoint, isLazy: true)
        }
        let table = try MountTable.current()
        guard let top = table.top(at: root), table.isSelfBind(top) else { return }
        try Mount.detach(root, isLazy: true)
    }

    /// Mounts of loop images where this disk's volumes belong, last mounted first.
    private static func volumes(in table: MountTable, below root: String) -> [MountEntry] {
        table.below(VolumeLayout(.root(workDirectory: root)).roles).filter(\.device.isLoop)
    }
}
