package import Linux

/// The tree of mounts that containers follow: volumes mounted in it later reach them too.
package enum WorkDirectory {
    /// Makes a directory a shared mount of itself; nothing happens if it is one.
    ///
    /// A container that binds it with `rslave` then sees every volume mounted below it afterwards.
    package static func prepareMounts(_ root: String) throws(SystemError) {
        if let top = try MountTable.current().top(at: root), top.peerGroup != nil { return }
        try Mount.bind(root, at: root)
        do {
            try Mount.setPropagation(.isolated, of: root)
            try Mount.setPropagation(.shared, of: root)
        } catch {
            _ = try? Mount.detach(root, isLazy: true)
            throw error
        }
    }

    /// Unmounts everything below a directory, then what `prepareMounts` put over it.
    ///
    /// What was mounted there by the operator stays.
    package static func releaseMounts(_ root: String) throws(SystemError) {
        for entry in try MountTable.current().below(root) {
            try Mount.detach(entry.mountPoint, isLazy: true)
        }
        let table = try MountTable.current()
        guard let top = table.top(at: root), table.isSelfBind(top) else { return }
        try Mount.detach(root, isLazy: true)
    }
}
