internal import Linux

extension LVMThinBackend {
    /// Room in the pool first, so that a full pool leaves everything as it was.
    package func grow(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        let pool = try Self.pool(of: volume)
        let name = Self.name(of: volume)
        let after = Self.fileSystemBytes(forBooked: bytes)
        guard after > Self.fileSystemBytes(forBooked: volume.bytes) else { return }
        let there = try VolumeError.wrap { () throws(SystemError) in try pool.volume(name) }
        guard let there else { throw .lost("\(pool.group)/\(name)") }
        let size = try requireRoom(after, in: pool, besides: there.bytes)
        if !growsWhileMounted { try detach(volume) }
        try VolumeError.wrap { () throws(SystemError) in
            // Repeated after a crash it is large enough already.
            if there.bytes < size { try pool.extend(name, to: size) }
        }
        if growsWhileMounted {
            try mount(volume)
            let device = try activeDevice(of: volume)
            try VolumeError.wrap { () throws(SystemError) in
                try format.grow(mountedAt: volume.paths.data, to: after, device: device)
            }
        } else {
            try resizeIdle(volume, to: after)
        }
    }

    /// ext4 only, unmounted; refused below what is stored.
    package func shrink(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        guard format == .ext4 else {
            throw .unsupported("XFS can't be made smaller; make a new volume and copy")
        }
        let before = Self.fileSystemBytes(forBooked: volume.bytes)
        let after = Self.fileSystemBytes(forBooked: bytes)
        guard after < before else { return }
        guard after >= format.minimumBytes else {
            throw .unsupported("a file system has at least \(format.minimumBytes) bytes")
        }
        try mount(volume)
        let usage = try usage(volume)
        guard usage.usedBytes <= after - (before - usage.usableBytes) else {
            throw .belowUsage(usedBytes: usage.usedBytes, requestedBytes: bytes)
        }
        try detach(volume)
        try resizeIdle(volume, to: after)
        // Otherwise it stays booked in the pool until the next resize.
        try? giveBack(volume, beyond: after)
    }

    private func detach(_ volume: StoredVolume) throws(VolumeError) {
        try unmount(volume)
        try requireDetached(volume)
    }

    /// Checks, resizes and mounts again; resize2fs refuses before it moves anything.
    private func resizeIdle(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        let device = try activeDevice(of: volume)
        try format.check(device)
        do {
            try format.resize(device, to: bytes)
        } catch {
            try mount(volume)
            throw error
        }
        try mount(volume)
    }

    /// The file system ends before: what is cut off is nobody's.
    private func giveBack(_ volume: StoredVolume, beyond bytes: Int64) throws(VolumeError) {
        let pool = try Self.pool(of: volume)
        let name = Self.name(of: volume)
        try VolumeError.wrap { () throws(SystemError) in
            guard let extent = try pool.state()?.extentBytes, let there = try pool.volume(name)
            else { return }
            let size = (bytes + extent - 1) / extent * extent
            if size < there.bytes { try pool.reduce(name, to: size) }
        }
    }

    /// Mounts what a reboot or a crash left unmounted, checked if it was not unmounted cleanly.
    package func recover(_ volume: StoredVolume) throws(VolumeError) -> VolumeCondition {
        if try isMounted(volume) { return .healthy }
        let device = try activeDevice(of: volume)
        try requireUnused(device)
        let pool = try Self.pool(of: volume)
        let there = try VolumeError.wrap { () throws(SystemError) in
            try pool.volume(Self.name(of: volume))
        }
        guard let there, there.bytes >= Self.fileSystemBytes(forBooked: volume.bytes) else {
            throw .damaged("\(device) has \(there?.bytes ?? 0) bytes, less than were booked")
        }
        var condition = VolumeCondition.healthy
        if format == .ext4 {
            let superblock = try VolumeError.wrap { () throws(SystemError) in
                try Ext4Superblock(ofImage: device)
            }
            guard let superblock else { throw .damaged("\(device) holds no ext4 file system") }
            if !superblock.isClean {
                try format.check(device)
                condition = .checked("it was not unmounted cleanly; e2fsck found it sound")
            }
        }
        try mount(volume)
        return condition
    }
}

extension LVMThinBackend {
    /// For `fsck`: a pool that can't be asked has nothing.
    func place(of volume: StoredVolume) -> StoreObservation.ThinPlace {
        let isMounted = (try? isMounted(volume)) == true
        let isThere =
            isMounted || (try? Self.pool(of: volume).volume(Self.name(of: volume))) != nil
        return StoreObservation.ThinPlace(isThere: isThere, isMounted: isMounted)
    }

    /// Makes a small volume, mounts it and removes it, under a name that no volume has.
    func probe(_ volume: StoredVolume) throws(VolumeError) {
        for tool in ThinPool.tools + format.tools where Command.find(tool) == nil {
            throw .unavailable(kind, "\(tool) is not installed")
        }
        let pool = try Self.pool(of: volume)
        let state = try VolumeError.wrap { () throws(SystemError) in try pool.state() }
        guard let state else { throw .unavailable(kind, "there is no thin pool \(pool)") }
        // A block of one tenant's must not be read by the next one.
        guard state.zeroes else {
            throw .unavailable(kind, "\(pool) does not zero new blocks: lvchange --zero y \(pool)")
        }
        var volume = volume
        // The name is this disk's own: what is there was left by a probe that was cut off.
        try discard(volume)
        do {
            try allocate(&volume)
            try prepare(volume)
        } catch {
            try? discard(volume)
            throw error
        }
        try discard(volume)
    }
}
