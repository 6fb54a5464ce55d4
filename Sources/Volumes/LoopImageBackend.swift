internal import Glibc
internal import Linux
internal import Model

/// A file with a file system of its own, mounted through a loop device: a hard limit and space that
/// is really there, on any disk that can preallocate.
///
/// The image is reserved whole at once, so that a volume never meets a full disk of others. Every
/// step that touches the image of an unmounted volume first proves that no loop device of it is
/// alive, for a copy of the mount in some container's namespace would go on writing to it.
package struct LoopImageBackend: VolumeBackend {
    package let format: LoopFormat
    package let enforcement = Enforcement.kernel
    package let growsWhileMounted: Bool
    package let needsPreparation = true

    /// Two milliseconds each.
    private static let busyAttempts = 25

    private let templates: FormatTemplates
    let throttles: VolumeThrottles

    package init(
        _ format: LoopFormat, templates: FormatTemplates,
        throttles: VolumeThrottles = .current()
    ) {
        self.format = format
        self.templates = templates
        self.throttles = throttles
        growsWhileMounted = format.growsWhileMounted
    }

    package var kind: BackendKind {
        switch format {
        case .ext4: .loopExt4
        case .xfs: .loopXFS
        }
    }

    /// Images are whole pages.
    static func imageBytes(forBooked bytes: Int64) -> Int64 { (bytes + 4095) / 4096 * 4096 }

    package func allocate(_ volume: inout StoredVolume) throws(VolumeError) {
        let path = volume.paths.image
        let bytes = Self.imageBytes(forBooked: volume.bytes)
        try DirectoryData.requireSpace(bytes, at: path)
        do throws(SystemError) {
            let image = try Descriptor.open(path, .createNew)
            do throws(SystemError) {
                try FileAllocation.reserve(image, bytes: bytes, path)
                try image.sync(path)
                try Files.syncDirectory(Files.parent(of: path))
            } catch {
                _ = try? Files.remove(path)
                throw error
            }
        } catch {
            if error.isNoSpace { throw .noSpace(neededBytes: bytes, availableBytes: nil) }
            throw .system(error)
        }
    }

    package func prepare(_ volume: StoredVolume) throws(VolumeError) {
        try withdraw(volume)
        let path = volume.paths.image
        try VolumeError.proveDetached(path)
        let bytes = Self.imageBytes(forBooked: volume.bytes)
        try VolumeError.wrap { () throws(SystemError) in
            let image = try Descriptor.open(path, .readWrite)
            // What an interrupted preparation wrote must not be taken for a journal.
            if try !FileAllocation.dataRanges(image, path).isEmpty {
                try FileAllocation.setLength(image, bytes: 0, path)
            }
            if try FileStatus.of(image, path).allocatedBytes < bytes {
                try FileAllocation.reserve(image, bytes: bytes, path)
            }
        }
        try makeFileSystem(path, bytes, try inodes(of: volume))
        try attach(volume)
        try DirectoryData.own(volume)
    }

    private func makeFileSystem(
        _ path: String, _ bytes: Int64, _ inodes: Int64?
    ) throws(VolumeError) {
        if bytes <= templates.largestBytes {
            let template = try templates.template(
                FormatTemplates.Key(format: format, bytes: bytes, inodes: inodes),
                directory: Files.parent(of: path))
            try VolumeError.wrap { () throws(SystemError) in
                let image = try Descriptor.open(path, .readWrite)
                try template.write(to: image, path)
                try image.syncData(path)
            }
        } else {
            let outcome = try VolumeError.wrap { () throws(SystemError) in
                try format.makeCommand(on: path, bytes: bytes, inodes: inodes).run()
            }
            guard outcome.isSuccess else {
                throw .damaged("mkfs of \(path) failed: \(outcome.summary)")
            }
            try VolumeError.wrap { () throws(SystemError) in
                try Descriptor.open(path, .readWrite).syncData(path)
            }
        }
    }

    package func discard(_ volume: StoredVolume) throws(VolumeError) {
        try withdraw(volume)
        if try removeImage(volume.paths.image) == nil { clearStale(volume) }
    }

    package func mount(_ volume: StoredVolume) throws(VolumeError) {
        if try mountedDevice(volume) != nil {
            if !volume.record.spec.limits.rates.isEmpty { try holdRates(volume) }
            return
        }
        try requireImage(volume)
        try VolumeError.proveDetached(volume.paths.image)
        try attach(volume)
        // A volume that lost power right after its making may have lost its root's owner.
        let owner = volume.record.spec.owner
        let root = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.of(volume.paths.data)
        }
        if root.uid == 0, owner.uid != 0 { try DirectoryData.own(volume) }
    }

    /// Makes the mount point, attaches and mounts the image, and proves that it is there.
    private func attach(_ volume: StoredVolume) throws(VolumeError) {
        let path = volume.paths.data
        let image = volume.paths.image
        try VolumeError.wrap { () throws(SystemError) in
            let file = try Descriptor.open(image, .readWrite)
            let sector = try format.sectorSize(ofImage: image)
            let loop = try LoopDevice.attach(file, image, sectorSize: sector)
            try throttles.release(loop)
            try mountDevice(loop.path, at: path)
        }
        guard try mountedDevice(volume) != nil else {
            _ = try? Mount.detach(path, isLazy: true)
            throw .damaged("\(path) does not show \(image) after mounting it")
        }
        do {
            if !volume.record.spec.limits.rates.isEmpty { try holdRates(volume) }
        } catch {
            // Never usable without its limits.
            try? unmount(volume)
            throw error
        }
        // mkfs and e2fsck make it; databases take it for somebody's data.
        if format == .ext4 { _ = try? Files.removeDirectory("\(path)/lost+found") }
    }

    private func mountDevice(_ device: String, at path: String) throws(SystemError) {
        do {
            try Files.makeDirectories(Files.parent(of: path))
            try Files.makeDirectory(path, mode: 0o700)
            try Mount.attach(
                device, at: path, fileSystem: format.rawValue, flags: Mount.tenantFlags,
                options: format.mountOptions)
        } catch {
            _ = try? Files.removeDirectory(path)
            throw error
        }
    }

    /// Mounts a device that lives already, and only if it shows this very image.
    func mountDevice(_ device: String, _ volume: StoredVolume) throws(VolumeError) {
        try VolumeError.wrap { () throws(SystemError) in
            try mountDevice(device, at: volume.paths.data)
        }
        if try mountedDevice(volume) == nil { try unmount(volume) }
    }

    /// The loop device that shows this very image at the volume's path; nil where none does.
    func mountedDevice(_ volume: StoredVolume) throws(VolumeError) -> String? {
        try VolumeError.wrap { () throws(SystemError) in
            guard let root = try FileStatus.ifPresent(volume.paths.data),
                let image = try FileStatus.ifPresent(volume.paths.image),
                let device = LoopDevice.path(of: root.deviceNumber),
                let backing = try LoopDevice.backing(try Descriptor.open(device), device),
                backing.device == image.device, backing.inode == image.inode
            else { return nil }
            return device
        }
    }

    package func isMounted(_ volume: StoredVolume) throws(VolumeError) -> Bool {
        try mountedDevice(volume) != nil
    }

    /// Throws `lost` where there is no image.
    func requireImage(_ volume: StoredVolume) throws(VolumeError) {
        let image = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.ifPresent(volume.paths.image)
        }
        guard image?.kind == .file else { throw .lost(volume.paths.image) }
    }

    package func unmount(_ volume: StoredVolume) throws(VolumeError) {
        do throws(SystemError) {
            guard try Self.unmountPatiently(volume.paths.data) else { return }
            _ = try? Files.removeDirectory(volume.paths.data)
            clearStale(volume)
        } catch {
            guard error.isBusy else { throw .system(error) }
            let holders = try VolumeError.wrap { () throws(SystemError) in
                try LoopDevice.holders(ofImage: volume.paths.image)
            }
            throw .stillAttached(by: holders)
        }
    }

    /// A child of this process that is between fork and exec has its open files, too: as for
    /// `proveDetached`, such a moment is waited for.
    static func unmountPatiently(_ path: String) throws(SystemError) -> Bool {
        for _ in 0..<Self.busyAttempts {
            do throws(SystemError) {
                return try Mount.detach(path, isLazy: false)
            } catch {
                guard error.isBusy else { throw error }
                usleep(2000)
            }
        }
        return try Mount.detach(path, isLazy: false)
    }

    /// By statfs of the right file system, never of what lies below a missing mount.
    package func usage(_ volume: StoredVolume) throws(VolumeError) -> VolumeUsage {
        guard try mountedDevice(volume) != nil else { throw .lost(volume.paths.data) }
        let space = try VolumeError.wrap { () throws(SystemError) in
            try DiskSpace.of(volume.paths.data)
        }
        return VolumeUsage(
            usedBytes: space.usedBytes, usedInodes: space.usedInodes,
            usableBytes: space.totalBytes, usableInodes: space.limitInodes)
    }

    package func withdraw(_ volume: StoredVolume) throws(VolumeError) {
        guard try mountedDevice(volume) != nil else { return }
        try VolumeError.wrap { () throws(SystemError) in
            try Mount.detach(volume.paths.data, isLazy: true)
            // Also lets go the copies that other namespaces have at the same place.
            _ = try? Files.removeDirectory(volume.paths.data)
        }
    }

    package func erase(_ volume: StoredVolume, entries: Int) throws(VolumeError) -> Erasure {
        if let holders = try removeImage(volume.paths.image) { return .waiting(holders) }
        clearStale(volume)
        return .done
    }

    /// Removes an image that nothing has open; otherwise tells who has.
    private func removeImage(_ path: String) throws(VolumeError) -> [LoopHolder]? {
        let isThere = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.ifPresent(path) != nil
        }
        guard isThere else { return nil }
        do {
            try VolumeError.proveDetached(path, patienceMilliseconds: 50)
        } catch .stillAttached(let holders) {
            return holders
        }
        _ = try VolumeError.wrap { () throws(SystemError) in
            try Files.remove(path)
        }
        return nil
    }

    package func requireDetached(_ volume: StoredVolume) throws(VolumeError) {
        try VolumeError.proveDetached(volume.paths.image)
    }

    package func setAside(_ volume: StoredVolume, to target: String) throws(VolumeError) {
        try withdraw(volume)
        try requireImage(volume)
        try VolumeError.proveDetached(volume.paths.image)
        try VolumeError.wrap { () throws(SystemError) in
            try Files.renameExclusively(volume.paths.image, to: "\(target).image")
        }
    }
}
