internal import Linux

extension LoopImageBackend {
    /// Longer image first, so that a full disk leaves everything as it was.
    package func grow(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        let path = volume.paths.image
        try requireResizable(volume)
        try requireImage(volume)
        let before = Self.imageBytes(forBooked: volume.bytes)
        let after = Self.imageBytes(forBooked: bytes)
        guard after > before else { return }
        try reserve(path, from: before, to: after)
        if growsWhileMounted {
            try growMounted(volume, to: after)
        } else {
            try growIdle(volume, from: before)
        }
    }

    private func reserve(
        _ path: String, from before: Int64, to after: Int64
    ) throws(VolumeError) {
        try DirectoryData.requireSpace(after - before, at: path)
        do {
            let image = try Descriptor.open(path, .readWrite)
            try FileAllocation.reserve(image, bytes: after, path)
            try image.sync(path)
        } catch {
            if error.isNoSpace {
                throw .noSpace(neededBytes: after - before, availableBytes: nil)
            }
            throw .system(error)
        }
    }

    private func growMounted(_ volume: StoredVolume, to after: Int64) throws(VolumeError) {
        try mount(volume)
        guard let device = try mountedDevice(volume) else { throw .lost(volume.paths.data) }
        try VolumeError.wrap { () throws(SystemError) in
            let loop = try Descriptor.open(device, .readWrite)
            try LoopDevice.updateCapacity(loop, device)
            try format.grow(
                mountedAt: volume.paths.data, to: after, device: volume.paths.image)
        }
    }

    /// Unmount, prove, check, resize, mount again; a volume in use stays as it was.
    private func growIdle(_ volume: StoredVolume, from before: Int64) throws(VolumeError) {
        do {
            try detach(volume)
        } catch {
            // Nothing has seen the longer image yet.
            _ = try? FileAllocation.setLength(
                try Descriptor.open(volume.paths.image, .readWrite), bytes: before,
                volume.paths.image)
            throw error
        }
        try check(volume)
        do {
            try resize(volume, to: nil)
        } catch {
            try mount(volume)
            throw error
        }
        try mount(volume)
    }

    /// Unmounts for work on the image itself; a volume that turns out to be in use stays mounted.
    func detach(_ volume: StoredVolume) throws(VolumeError) {
        try unmount(volume)
        do {
            try VolumeError.proveDetached(volume.paths.image)
        } catch .stillAttached(let holders) {
            // The living device itself, not a second one of the same image: one file system still.
            if let device = holders.lazy.compactMap(\.device).first {
                try? mountDevice(device, volume)
            }
            throw .stillAttached(by: holders)
        }
    }

    /// ext4 only, unmounted; refused below what is stored.
    package func shrink(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        guard format == .ext4 else {
            throw .unsupported("XFS can't be made smaller; make a new volume and copy")
        }
        let after = Self.imageBytes(forBooked: bytes)
        let before = Self.imageBytes(forBooked: volume.bytes)
        guard after < before else { return }
        guard after >= format.minimumBytes else {
            throw .unsupported("an image has at least \(format.minimumBytes) bytes")
        }
        try mount(volume)
        let usage = try usage(volume)
        guard usage.usedBytes <= after - (before - usage.usableBytes) else {
            throw .belowUsage(usedBytes: usage.usedBytes, requestedBytes: bytes)
        }
        try detach(volume)
        try check(volume)
        do {
            try resize(volume, to: after)
        } catch {
            // resize2fs refuses before it moves anything.
            try mount(volume)
            throw error
        }
        try VolumeError.wrap { () throws(SystemError) in
            let image = try Descriptor.open(volume.paths.image, .readWrite)
            try FileAllocation.setLength(image, bytes: after, volume.paths.image)
            try image.sync(volume.paths.image)
        }
        try mount(volume)
    }

    /// Checks an image that is proved detached.
    func check(_ volume: StoredVolume) throws(VolumeError) {
        try format.check(volume.paths.image)
    }

    private func resize(_ volume: StoredVolume, to bytes: Int64?) throws(VolumeError) {
        try format.resize(volume.paths.image, to: bytes)
    }

    /// Mounts what a reboot or a crash left unmounted, checked if it was not unmounted cleanly.
    package func recover(_ volume: StoredVolume) throws(VolumeError) -> VolumeCondition {
        if try mountedDevice(volume) != nil {
            try holdRates(volume)
            return .healthy
        }
        try requireImage(volume)
        try VolumeError.proveDetached(volume.paths.image)
        let length = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.of(volume.paths.image).size
        }
        guard length >= Self.imageBytes(forBooked: volume.bytes) else {
            throw .damaged("\(volume.paths.image) has \(length) bytes, less than were booked")
        }
        var condition = VolumeCondition.healthy
        if format == .ext4 {
            let superblock = try VolumeError.wrap { () throws(SystemError) in
                try Ext4Superblock(ofImage: volume.paths.image)
            }
            guard let superblock else {
                throw .damaged("\(volume.paths.image) holds no ext4 file system")
            }
            if !superblock.isClean {
                try check(volume)
                condition = .checked("it was not unmounted cleanly; e2fsck found it sound")
            }
        }
        // XFS replays its log while mounting and refuses what it can't trust.
        try mount(volume)
        return condition
    }
}
