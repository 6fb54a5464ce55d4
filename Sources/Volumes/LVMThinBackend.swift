internal import Glibc
internal import Linux

/// A thin volume of LVM with a file system of its own: a hard limit, on a disk that the agent's
/// files need not share.
///
/// All volumes of a pool together have at most the pool's size, so that none meets a full pool; a
/// pool that others fill beside the agent breaks that promise. Which pool a volume is in is in its
/// owner file, its name there follows from its UUID. Every step on an unmounted volume first proves
/// by an exclusive open that no mount of it is alive in any namespace.
package struct LVMThinBackend: VolumeBackend {
    package let format: LoopFormat
    package let enforcement = Enforcement.kernel
    package let growsWhileMounted: Bool
    package let needsPreparation = true

    /// With less room for its own books a pool may fail for all its volumes at once.
    private static let fullMetadataPercent = 90.0

    package init(_ format: LoopFormat) {
        self.format = format
        growsWhileMounted = format.growsWhileMounted
    }

    package var kind: BackendKind {
        switch format {
        case .ext4: .lvmThinExt4
        case .xfs: .lvmThinXFS
        }
    }

    /// File systems are whole pages.
    static func fileSystemBytes(forBooked bytes: Int64) -> Int64 {
        LoopImageBackend.imageBytes(forBooked: bytes)
    }

    static func name(of volume: StoredVolume) -> String { "holdfast-\(volume.record.uuid)" }

    static func pool(of volume: StoredVolume) throws(VolumeError) -> ThinPool {
        guard let pool = volume.record.thinPool.flatMap({ ThinPool($0) }) else {
            throw .damaged("the owner file of volume \(volume.record.uuid) names no thin pool")
        }
        return pool
    }

    private func device(of volume: StoredVolume) throws(VolumeError) -> String {
        try Self.pool(of: volume).device(of: Self.name(of: volume))
    }

    // MARK: making

    package func allocate(_ volume: inout StoredVolume) throws(VolumeError) {
        let pool = try Self.pool(of: volume)
        let name = Self.name(of: volume)
        let bytes = try requireRoom(Self.fileSystemBytes(forBooked: volume.bytes), in: pool)
        do throws(SystemError) {
            try pool.create(name, bytes: bytes)
        } catch {
            let there = try VolumeError.wrap { () throws(SystemError) in try pool.volume(name) }
            guard let there else { throw .system(error) }
            // A command that outlived its agent may have made it; data was never in that one.
            guard there.dataPercent == 0 else {
                throw .conflict(
                    "\(pool.group)/\(name) is there and not empty; no owner file has it")
            }
            try remove(volume)
            try VolumeError.wrap { () throws(SystemError) in try pool.create(name, bytes: bytes) }
        }
    }

    /// Returns the size in whole extents; `noSpace` where the pool could not fill all its volumes.
    func requireRoom(
        _ bytes: Int64, in pool: ThinPool, besides present: Int64 = 0
    ) throws(VolumeError) -> Int64 {
        let state = try VolumeError.wrap { () throws(SystemError) in try pool.state() }
        guard let state else { throw .unavailable(kind, "there is no thin pool \(pool)") }
        let whole = bytes.addingReportingOverflow(state.extentBytes - 1)
        let available = max(0, state.bytes - state.bookedBytes)
        guard !whole.overflow else {
            throw .noSpace(neededBytes: bytes, availableBytes: available)
        }
        let size = whole.partialValue / state.extentBytes * state.extentBytes
        guard size - present <= available else {
            throw .noSpace(neededBytes: size - present, availableBytes: available)
        }
        guard state.metadataPercent < Self.fullMetadataPercent else {
            throw .unavailable(
                kind, "the metadata of \(pool) is \(state.metadataPercent) % full: lvextend it")
        }
        return size
    }

    package func prepare(_ volume: StoredVolume) throws(VolumeError) {
        try withdraw(volume)
        let pool = try Self.pool(of: volume)
        let name = Self.name(of: volume)
        var device = try activeDevice(of: volume)
        let isEmpty = try VolumeError.wrap { () throws(SystemError) in try pool.isEmpty(name) }
        if !isEmpty {
            // What an interrupted preparation wrote must not be taken for a journal.
            try remove(volume)
            var again = volume
            try allocate(&again)
            device = try activeDevice(of: volume)
        }
        try requireUnused(device)
        try format.make(
            onDevice: device, bytes: Self.fileSystemBytes(forBooked: volume.bytes))
        try attach(volume, device)
        try DirectoryData.own(volume)
    }

    package func discard(_ volume: StoredVolume) throws(VolumeError) {
        try withdraw(volume)
        try remove(volume)
    }

    /// Nothing happens where it is gone; `stillAttached` while something has it.
    private func remove(_ volume: StoredVolume) throws(VolumeError) {
        let pool = try Self.pool(of: volume)
        let name = Self.name(of: volume)
        do throws(SystemError) {
            try pool.remove(name)
        } catch {
            let device = pool.device(of: name)
            if error.isBusy, let number = BlockDevice.number(device) {
                throw .stillAttached(by: BlockDevice.holders(device, number))
            }
            let there = try VolumeError.wrap { () throws(SystemError) in try pool.volume(name) }
            if there != nil { throw .system(error) }
        }
    }

    // MARK: mounting

    /// Its device file, made to appear if need be; `lost` where the pool has no such volume.
    func activeDevice(of volume: StoredVolume) throws(VolumeError) -> String {
        let pool = try Self.pool(of: volume)
        let name = Self.name(of: volume)
        let device = pool.device(of: name)
        if BlockDevice.number(device) != nil { return device }
        let there = try VolumeError.wrap { () throws(SystemError) in try pool.volume(name) }
        guard there != nil else { throw .lost("\(pool.group)/\(name)") }
        try VolumeError.wrap { () throws(SystemError) in try pool.activate(name) }
        return device
    }

    func requireUnused(_ device: String) throws(VolumeError) {
        let isUnused = try VolumeError.wrap { () throws(SystemError) in
            try BlockDevice.isUnused(device)
        }
        guard !isUnused, let number = BlockDevice.number(device) else { return }
        throw .stillAttached(by: BlockDevice.holders(device, number))
    }

    package func mount(_ volume: StoredVolume) throws(VolumeError) {
        if try isMounted(volume) { return }
        let device = try activeDevice(of: volume)
        try requireUnused(device)
        try attach(volume, device)
        // A volume that lost power right after its making may have lost its root's owner.
        let owner = volume.record.spec.owner
        let root = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.of(volume.paths.data)
        }
        if root.uid == 0, owner.uid != 0 { try DirectoryData.own(volume) }
    }

    /// Makes the mount point, mounts, and proves that it is this very volume that is there.
    private func attach(_ volume: StoredVolume, _ device: String) throws(VolumeError) {
        let path = volume.paths.data
        try VolumeError.wrap { () throws(SystemError) in
            do throws(SystemError) {
                try Files.makeDirectories(Files.parent(of: path))
                try Files.makeDirectory(path, mode: 0o700)
                // Blocks of deleted files go back to the pool.
                try Mount.attach(
                    device, at: path, fileSystem: format.rawValue, flags: Mount.tenantFlags,
                    options: "discard,\(format.mountOptions)")
            } catch {
                _ = try? Files.removeDirectory(path)
                throw error
            }
        }
        guard try isMounted(volume) else {
            _ = try? Mount.detach(path, isLazy: true)
            throw .damaged("\(path) does not show \(device) after mounting it")
        }
        // mkfs and e2fsck make it; databases take it for somebody's data.
        if format == .ext4 { _ = try? Files.removeDirectory("\(path)/lost+found") }
    }

    package func isMounted(_ volume: StoredVolume) throws(VolumeError) -> Bool {
        let pool = try Self.pool(of: volume)
        let root = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.ifPresent(volume.paths.data)
        }
        guard let root else { return false }
        return BlockDevice.mapperName(of: root.deviceNumber)
            == pool.mapperName(of: Self.name(of: volume))
    }

    package func unmount(_ volume: StoredVolume) throws(VolumeError) {
        guard try isMounted(volume) else { return }
        do throws(SystemError) {
            guard try LoopImageBackend.unmountPatiently(volume.paths.data) else { return }
            _ = try? Files.removeDirectory(volume.paths.data)
        } catch {
            let device = try device(of: volume)
            guard error.isBusy, let number = BlockDevice.number(device) else {
                throw .system(error)
            }
            throw .stillAttached(by: BlockDevice.holders(device, number))
        }
    }

    package func requireDetached(_ volume: StoredVolume) throws(VolumeError) {
        try requireUnused(try activeDevice(of: volume))
    }

    /// By statfs of the right file system, never of what lies below a missing mount.
    package func usage(_ volume: StoredVolume) throws(VolumeError) -> VolumeUsage {
        guard try isMounted(volume) else { throw .lost(volume.paths.data) }
        let space = try VolumeError.wrap { () throws(SystemError) in
            try DiskSpace.of(volume.paths.data)
        }
        return VolumeUsage(
            usedBytes: space.usedBytes, usedInodes: space.usedInodes,
            usableBytes: space.totalBytes, usableInodes: space.limitInodes)
    }

    // MARK: giving up

    package func withdraw(_ volume: StoredVolume) throws(VolumeError) {
        guard try isMounted(volume) else { return }
        try VolumeError.wrap { () throws(SystemError) in
            try Mount.detach(volume.paths.data, isLazy: true)
            // Also lets go the copies that other namespaces have at the same place.
            _ = try? Files.removeDirectory(volume.paths.data)
        }
    }

    package func erase(_ volume: StoredVolume, entries: Int) throws(VolumeError) -> Erasure {
        do {
            try remove(volume)
            return .done
        } catch .stillAttached(let holders) {
            return .waiting(holders)
        }
    }

    /// It stays in its pool; a link beside the owner file names its device.
    package func setAside(_ volume: StoredVolume, to target: String) throws(VolumeError) {
        try withdraw(volume)
        let device = try activeDevice(of: volume)
        try VolumeError.wrap { () throws(SystemError) in
            try Files.replaceLink("\(target).image", target: device)
        }
    }
}
