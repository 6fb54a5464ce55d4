internal import Linux
internal import Model

/// Small trials on a disk that leave nothing behind.
enum BackendProbe {
    private static let uuid = VolumeUUID("00000000-0000-0000-0000-000000000000")
    private static let bytes: Int64 = 1 << 20

    /// `unavailable` with the reason if a backend does not work here.
    static func run(
        _ kind: BackendKind, _ layout: VolumeLayout, _ thinPool: ThinPool? = nil
    ) throws(VolumeError) {
        guard Privilege.isRoot else {
            throw .unavailable(kind, "only root can limit and mount volumes")
        }
        do {
            switch kind {
            case .projectQuota: try projectQuota(layout)
            case .btrfs: try btrfs(layout)
            case .loopExt4: try loop(.ext4, layout)
            case .loopXFS: try loop(.xfs, layout)
            case .lvmThinExt4: try lvmThin(.ext4, layout, thinPool)
            case .lvmThinXFS: try lvmThin(.xfs, layout, thinPool)
            case .directory, .mountDisk: break
            }
        } catch .unavailable(let kind, let reason) {
            throw .unavailable(kind, reason)
        } catch {
            throw .unavailable(kind, "\(error)")
        }
    }

    /// Makes a volume with a limit, reads the limit back, removes it.
    private static func projectQuota(_ layout: VolumeLayout) throws(VolumeError) {
        let mount = try VolumeError.wrap { () throws(SystemError) in
            try MountTable.current().containing(layout.base)
        }
        guard let mount, ["ext4", "xfs"].contains(mount.fileSystem) else {
            throw .unavailable(
                .projectQuota, "\(layout.base) is on \(mount?.fileSystem ?? "no known mount")")
        }
        guard mount.superOptions.contains(where: ["prjquota", "pquota"].contains) else {
            throw .unavailable(.projectQuota, "\(mount.mountPoint) is mounted without prjquota")
        }
        let backend = ProjectQuotaBackend(device: mount.source)
        var volume = trial(layout, .projectQuota)
        try backend.discard(volume)
        try backend.allocate(&volume)
        let usage = try backend.usage(volume)
        try backend.withdraw(volume)
        _ = try backend.erase(volume, entries: 10)
        guard usage.usedInodes == 1 else {
            throw .unavailable(.projectQuota, "the file system does not count projects")
        }
    }

    /// Turns simple quota on where no quota is; only with it a tenant's own subvolumes count too.
    private static func btrfs(_ layout: VolumeLayout) throws(VolumeError) {
        let base = layout.base
        let (uuid, mode) = try VolumeError.wrap { () throws(SystemError) -> (String, String?) in
            guard try DiskSpace.of(base).kind == DiskSpace.btrfs else { return ("", nil) }
            let uuid = try Btrfs.uuid(of: base)
            if Btrfs.quotaMode(uuid) == nil { try Btrfs.enableSimpleQuota(at: base) }
            return (uuid, Btrfs.quotaMode(uuid))
        }
        guard !uuid.isEmpty else { throw .unavailable(.btrfs, "\(base) is not on btrfs") }
        guard mode == "squota" else {
            throw .unavailable(.btrfs, "its quota mode is \(mode ?? "off"), not simple")
        }
        let backend = BtrfsBackend(base: base, fileSystem: uuid)
        var volume = trial(layout, .btrfs)
        try backend.discard(volume)
        try backend.allocate(&volume)
        try backend.mount(volume)
        try backend.discard(volume)
    }

    static func trial(_ layout: VolumeLayout, _ kind: BackendKind) -> StoredVolume {
        let spec = VolumeSpec(uuid: uuid, role: "", persistenceID: "", bytes: bytes)
        let data = "\(layout.base)/.probe"
        return StoredVolume(
            record: VolumeRecord(spec: spec, backend: kind, state: .creating, createdAt: ""),
            paths: VolumePaths(
                data: data, image: "\(data).image", owner: "\(data).json",
                retired: "\(data).retired", keep: "\(data).keep",
                deleting: "\(data).deleting"))
    }

    /// Formats, attaches and mounts a small image, and looks at what is mounted then.
    private static func loop(_ format: LoopFormat, _ layout: VolumeLayout) throws(VolumeError) {
        let kind: BackendKind = format == .ext4 ? .loopExt4 : .loopXFS
        for tool in format.tools where Command.find(tool) == nil {
            throw .unavailable(kind, "\(tool) is not installed")
        }
        let volume = trial(layout, kind)
        let path = volume.paths.data
        let image = volume.paths.image
        let entry = try VolumeError.wrap { () throws(SystemError) -> MountEntry? in
            defer {
                _ = try? Mount.detach(path, isLazy: true)
                _ = try? Files.removeDirectory(path)
                _ = try? Files.remove(image)
            }
            try Files.remove(image)
            try Files.makeDirectory(path, mode: 0o700)
            let file = try Descriptor.open(image, .createNew)
            // Real space for a part, which tells whether the disk can preallocate at all.
            try FileAllocation.reserve(file, bytes: bytes, image)
            try FileAllocation.setLength(file, bytes: format.minimumBytes, image)
            let outcome = try format.makeCommand(on: image, bytes: format.minimumBytes).run()
            guard outcome.isSuccess else { return nil }
            let sector = try format.sectorSize(ofImage: image)
            let loop = try LoopDevice.attach(file, image, sectorSize: sector)
            try Mount.attach(
                loop.path, at: path, fileSystem: format.rawValue, flags: Mount.tenantFlags,
                options: format.mountOptions)
            return try MountTable.current().top(at: path)
        }
        guard let entry, entry.fileSystem == format.rawValue, entry.device.isLoop else {
            throw .unavailable(kind, "a small image could not be formatted and mounted")
        }
    }
}
