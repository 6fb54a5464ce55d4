package import Linux
package import Model

/// Who stops a volume from growing over its size.
package enum Enforcement: String, Hashable, Sendable {
    /// The write fails.
    case kernel
    /// A poller notices afterwards.
    case poll
    case none
}

/// What is in a volume.
package struct VolumeUsage: Hashable, Sendable {
    package var usedBytes: Int64
    /// Nil where the backend does not count them.
    package var usedInodes: Int64?
    /// What can be stored in all: the booked size less the file system's own needs.
    package var usableBytes: Int64
    /// Nil where nothing limits them but the disk.
    package var usableInodes: Int64?

    package init(
        usedBytes: Int64, usedInodes: Int64?, usableBytes: Int64, usableInodes: Int64? = nil
    ) {
        self.usedBytes = usedBytes
        self.usedInodes = usedInodes
        self.usableBytes = usableBytes
        self.usableInodes = usableInodes
    }
}

/// How far the removal of a volume's data has come.
package enum Erasure: Hashable, Sendable {
    case done
    /// Call again.
    case unfinished
    /// Call again when these have let go.
    case waiting([LoopHolder])
}

/// What recovery found.
package enum VolumeCondition: Hashable, Sendable {
    case healthy
    /// It was not cleanly unmounted; its check found nothing or mended all.
    case checked(String)
}

/// A volume as a backend sees it.
package struct StoredVolume: Hashable, Sendable {
    package var record: VolumeRecord
    package let paths: VolumePaths

    package init(record: VolumeRecord, paths: VolumePaths) {
        self.record = record
        self.paths = paths
    }

    var bytes: Int64 { record.spec.bytes }

    /// Where its owner file is now.
    var ownerFile: String {
        switch record.state {
        case .creating, .ready: paths.owner
        case .deleting: paths.retired
        }
    }
}

/// One way to keep volumes: where their bytes lie and who limits them.
///
/// Calls block on the disk: they run on threads of the agent's shell, never in a core.
/// `VolumeStore` keeps the owner files, the order of steps and the locks; it never calls twice at
/// once for one volume. Each call may be repeated after a crash in its middle and then ends the
/// same way.
package protocol VolumeBackend: Sendable {
    var kind: BackendKind { get }
    var enforcement: Enforcement { get }
    var growsWhileMounted: Bool { get }
    /// Whether a volume is usable only after `prepare`; its owner file then precedes its bytes.
    var needsPreparation: Bool { get }
    /// Whether what is made is on the disk for good at once. Otherwise it is so after `prepare`,
    /// before anything is stored in it: until then a crash may take it, and it is made again.
    var isDurableWhenMade: Bool { get }

    /// Why it can't hold limits for a volume of a size; nil: it can.
    func objection(to limits: VolumeLimits, bytes: Int64) -> String?
    /// Takes the space, empty; on failure nothing is left.
    func allocate(_ volume: inout StoredVolume) throws(VolumeError)
    /// Makes the file system and mounts it, with its root owned as recorded.
    func prepare(_ volume: StoredVolume) throws(VolumeError)
    /// Takes away whatever an unfinished `allocate` or `prepare` left.
    func discard(_ volume: StoredVolume) throws(VolumeError)
    /// Whether the data itself, and nothing else, is reachable at its path now.
    func isMounted(_ volume: StoredVolume) throws(VolumeError) -> Bool
    /// Makes the data reachable at its path and proves that it is the right one that is there.
    func mount(_ volume: StoredVolume) throws(VolumeError)
    /// Takes it away from its path; `stillAttached` while it is in use.
    func unmount(_ volume: StoredVolume) throws(VolumeError)
    func usage(_ volume: StoredVolume) throws(VolumeError) -> VolumeUsage
    func grow(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError)
    func shrink(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError)
    /// Frees the data's path at once, whoever still uses it.
    func withdraw(_ volume: StoredVolume) throws(VolumeError)
    /// Removes up to `entries` names of what was withdrawn.
    func erase(_ volume: StoredVolume, entries: Int) throws(VolumeError) -> Erasure
    /// After a restart or a reboot: checks and mounts.
    func recover(_ volume: StoredVolume) throws(VolumeError) -> VolumeCondition
    /// Moves data and image out of the way to names that start with `target`, and keeps them.
    func setAside(_ volume: StoredVolume, to target: String) throws(VolumeError)
    /// `stillAttached` while some mount, in whatever namespace, could write to it.
    func requireDetached(_ volume: StoredVolume) throws(VolumeError)
    /// The kernel's limit of a volume that is not mounted by itself; nil: it has none.
    func limit(of volume: StoredVolume) throws(VolumeError) -> ObservedLimit?
}

extension VolumeBackend {
    package var isDurableWhenMade: Bool { true }
    package func requireDetached(_ volume: StoredVolume) throws(VolumeError) {}
    package func objection(to limits: VolumeLimits, bytes: Int64) -> String? {
        if !limits.rates.isEmpty {
            return "what is done in a second can be limited only on a device of the volume's own"
        }
        return limits.inodes.map { _ in "it has no limit of inodes" }
    }
    package func limit(of volume: StoredVolume) throws(VolumeError) -> ObservedLimit? { nil }
}
