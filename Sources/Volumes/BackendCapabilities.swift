package import Linux

/// What a way to keep volumes can do, for operators and for those who choose one.
package struct BackendCapabilities: Hashable, Sendable {
    /// How what is used becomes known, cheapest first.
    package enum UsageCost: String, Hashable, Sendable {
        /// The kernel counts: one call, whatever is stored.
        case counter
        /// One call to the file system that is the volume's own.
        case statvfs
        /// The whole tree has to be looked at.
        case walk
    }

    /// Who stops a volume at its size.
    package let limit: Enforcement
    /// Whether the number of files in use is known without a walk.
    package let countsInodes: Bool
    package let growsWhileMounted: Bool
    /// Whether it can be made smaller; an image or a device then is unmounted for it.
    package let shrinks: Bool
    /// Whether what lies below can make snapshots, and writable ones as clones, in an instant.
    package let snapshots: Bool
    package let usageCost: UsageCost
}

extension BackendKind {
    /// On this machine: ext4 of its own grows while mounted only with CAP_SYS_RESOURCE.
    package var capabilities: BackendCapabilities {
        switch self {
        case .projectQuota:
            Self.capabilities(inodes: true, shrinks: true, usage: .counter)
        case .btrfs:
            Self.capabilities(inodes: false, shrinks: true, snapshots: true, usage: .counter)
        case .loopExt4, .loopXFS, .lvmThinExt4, .lvmThinXFS:
            Self.capabilities(
                inodes: true, grows: format?.growsWhileMounted == true, shrinks: format == .ext4,
                snapshots: self == .lvmThinExt4 || self == .lvmThinXFS, usage: .statvfs)
        case .directory:
            Self.capabilities(limit: .poll, inodes: false, shrinks: true, usage: .walk)
        case .mountDisk:
            Self.capabilities(inodes: true, grows: false, shrinks: false, usage: .statvfs)
        }
    }

    private static func capabilities(
        limit: Enforcement = .kernel, inodes: Bool, grows: Bool = true, shrinks: Bool,
        snapshots: Bool = false, usage: BackendCapabilities.UsageCost
    ) -> BackendCapabilities {
        BackendCapabilities(
            limit: limit, countsInodes: inodes, growsWhileMounted: grows, shrinks: shrinks,
            snapshots: snapshots, usageCost: usage)
    }
}

extension BackendSelector {
    /// Tries each backend in a directory's file system and leaves nothing there; the reason where
    /// one can't be used. A whole disk is a MOUNT disk's own and not tried.
    package static func tryAll(
        in directory: String, thinPool: ThinPool?
    ) throws(VolumeError) -> [(kind: BackendKind, reason: String?)] {
        let root = "\(directory)/.holdfast-trial"
        let layout = VolumeLayout(.root(workDirectory: root))
        try VolumeError.wrap { () throws(SystemError) in
            // What a trial that was cut off left is nobody's.
            while try !DirectoryRemoval.advance(root, entries: 10_000) {}
            try layout.makeDirectories()
        }
        defer { while (try? DirectoryRemoval.advance(root, entries: 10_000)) == false {} }
        var found: [(kind: BackendKind, reason: String?)] = []
        for kind in BackendKind.allCases where kind != .mountDisk {
            do throws(VolumeError) {
                try BackendProbe.run(kind, layout, thinPool)
                found.append((kind, nil))
            } catch .unavailable(_, let reason) {
                found.append((kind, reason))
            } catch {
                found.append((kind, "\(error)"))
            }
        }
        return found
    }
}
