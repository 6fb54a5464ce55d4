package import Linux
package import Model
package import Volumes

extension ThinPool {
    /// The pool that a PATH disk names by `"vendor": "lvm", "id": "GROUP/POOL"`; its root then
    /// holds only the books and mount points of its volumes. Nil: it names none.
    package init?(of source: DiskSource) throws(Refusal) {
        guard source.kind == .path, source.vendor == "lvm" else { return nil }
        guard let pool = source.id.flatMap({ ThinPool($0) }) else {
            throw Refusal(
                .invalid,
                "the id '\(source.id ?? "")' of a disk of vendor lvm is no thin pool: write it as "
                    + "GROUP/POOL")
        }
        self = pool
    }
}

extension BackendPreference {
    /// The same for a disk that is a thin pool.
    package var inPool: BackendPreference {
        switch self {
        case .auto, .projectQuota, .btrfs, .loop, .directory, .lvmThin: .lvmThin
        case .loopExt4, .lvmThinExt4: .lvmThinExt4
        case .loopXFS, .lvmThinXFS: .lvmThinXFS
        }
    }
}
