internal import Linux
package import Model

/// A whole file system of the operator's as one volume: its size is its limit.
package struct MountDiskBackend: VolumeBackend {
    /// What ext4 keeps at a root for itself.
    private static let kept = ["lost+found"]

    package let kind = BackendKind.mountDisk
    /// `none` where the disk's root is an ordinary directory of another file system.
    package let enforcement: Enforcement
    package let growsWhileMounted = false
    package let needsPreparation = false

    private let throttles: VolumeThrottles
    private let root: String

    package init(root: String, throttles: VolumeThrottles = .current()) {
        self.throttles = throttles
        self.root = root
        let above = try? FileStatus.of(Files.parent(of: root)).device
        let own = try? FileStatus.of(root).device
        enforcement = above != nil && own != nil && above != own ? .kernel : .none
    }

    package func allocate(_ volume: inout StoredVolume) throws(VolumeError) {
        try DirectoryData.requirePresent(volume)
        let path = volume.paths.data
        let names = try VolumeError.wrap { () throws(SystemError) in
            try Files.list(path, limit: Self.kept.count + 1)
        }
        guard names.allSatisfy(Self.kept.contains) else { throw .notEmpty(path) }
        volume.record.rootInode = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.of(path).inode
        }
        try DirectoryData.own(volume)
        try hold(volume.record.spec.limits.rates, volume)
    }

    /// A part of a disk shares its queue with others, and the kernel limits whole queues.
    package func objection(to limits: VolumeLimits, bytes: Int64) -> String? {
        if limits.inodes != nil { return "the operator has made its file system" }
        guard !limits.rates.isEmpty else { return nil }
        guard throttles.canLimit else { return VolumeThrottles.unavailable }
        guard enforcement == .kernel,
            let device = (try? FileStatus.of(root))?.deviceNumber,
            FileStatus.exists("/sys/dev/block/\(device)/queue")
        else { return "\(root) is not on a whole device of its own" }
        return nil
    }

    private func hold(_ rates: DiskRates, _ volume: StoredVolume) throws(VolumeError) {
        guard !volume.record.spec.limits.rates.isEmpty else { return }
        let root = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.of(volume.paths.data)
        }
        try throttles.hold(rates, on: root.deviceNumber)
    }

    package func prepare(_ volume: StoredVolume) {}

    package func discard(_ volume: StoredVolume) { try? hold(DiskRates(), volume) }

    /// False also where the disk is not mounted and only its mount point is there.
    package func isMounted(_ volume: StoredVolume) throws(VolumeError) -> Bool {
        let status = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.ifPresent(volume.paths.data)
        }
        return status?.kind == .directory && status?.inode == volume.record.rootInode
    }

    package func mount(_ volume: StoredVolume) throws(VolumeError) {
        guard try isMounted(volume) else { throw .lost(volume.paths.data) }
        guard volume.record.state != .deleting else { return }
        try hold(volume.record.spec.limits.rates, volume)
    }

    package func unmount(_ volume: StoredVolume) {}

    package func usage(_ volume: StoredVolume) throws(VolumeError) -> VolumeUsage {
        let space = try VolumeError.wrap { () throws(SystemError) in
            try DiskSpace.of(volume.paths.data)
        }
        return VolumeUsage(
            usedBytes: space.usedBytes, usedInodes: space.usedInodes,
            usableBytes: space.totalBytes, usableInodes: space.limitInodes)
    }

    package func grow(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        throw .unsupported("a MOUNT disk has the size of its file system")
    }

    package func shrink(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        throw .unsupported("a MOUNT disk has the size of its file system")
    }

    /// The contents stay in place until they are erased: nothing else can use the disk before.
    package func withdraw(_ volume: StoredVolume) {}

    package func erase(_ volume: StoredVolume, entries: Int) throws(VolumeError) -> Erasure {
        try mount(volume)
        let path = volume.paths.data
        let isDone = try VolumeError.wrap { () throws(SystemError) in
            try DirectoryRemoval.empty(path, entries: entries, keeping: Self.kept)
        }
        guard isDone else { return .unfinished }
        try hold(DiskRates(), volume)
        return .done
    }

    package func recover(_ volume: StoredVolume) throws(VolumeError) -> VolumeCondition {
        try mount(volume)
        return .healthy
    }

    package func setAside(_ volume: StoredVolume, to target: String) throws(VolumeError) {
        throw .notEmpty(volume.paths.data)
    }
}
