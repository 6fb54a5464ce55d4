package import Linux
internal import Model
internal import Synchronization

/// The volumes of one disk: keeps owner files, the order of steps and the locks, so that a crash
/// between any two steps leaves something that the next start can tell and finish.
///
///     (nothing) -create-> creating -prepare-> ready -retire-> deleting -erase-> (nothing)
///
/// Backends without an image are `ready` right after `create`. A state is on disk before its caller
/// hears of it. Calls block: they belong on threads of the agent's shell. One process a disk.
package final class VolumeStore: Sendable {
    package let layout: VolumeLayout
    package let selection: BackendSelection
    /// Owner files that could not be read: left alone, for `fsck` to show.
    package let unreadable: [String]

    let index: Mutex<VolumeIndex>
    let locks = VolumeLocks()
    let found: FoundThings
    /// By the data's path to be.
    let adoptions: Mutex<[String: Adoption]>
    /// Volumes whose data is being erased, or is, before their DESTROY.
    let wipes: Mutex<[VolumeUUID: WipeProgress]>
    private let backends: [BackendKind: any VolumeBackend]
    let throttles: VolumeThrottles

    /// Makes the disk's directories, tries what it can do and reads the owner files.
    package convenience init(
        _ disk: VolumeDisk, preference: BackendPreference = .auto, thinPool: ThinPool? = nil,
        throttles: VolumeThrottles = .current()
    ) throws(VolumeError) {
        let layout = try VolumeError.wrap { () throws(SystemError) in
            let layout = VolumeLayout(try disk.resolved())
            try layout.makeDirectories()
            return layout
        }
        try self.init(
            layout, BackendSelector.select(preference, layout, thinPool), throttles: throttles)
    }

    /// With a selection that was made before; the layout's directories must be there.
    package init(
        _ layout: VolumeLayout, _ selection: BackendSelection,
        throttles: VolumeThrottles = .current()
    ) throws(VolumeError) {
        self.throttles = throttles
        self.layout = layout
        self.selection = selection
        found = FoundThings(directory: layout.found)
        backends = Self.backends(layout, throttles)
        try Self.removeLeftovers(layout)
        let (volumes, unreadable) = try Self.load(layout)
        self.unreadable = unreadable
        adoptions = Mutex(try Self.loadAdoptions(layout))
        wipes = Mutex(try Self.loadWipes(layout, of: volumes))
        var index = VolumeIndex()
        for volume in volumes { index.put(volume) }
        self.index = Mutex(index)
    }

    /// Every backend that a volume on this disk may have been made with.
    private static func backends(
        _ layout: VolumeLayout, _ throttles: VolumeThrottles
    ) -> [BackendKind: any VolumeBackend] {
        let templates = FormatTemplates()
        var backends: [BackendKind: any VolumeBackend] = [
            .directory: DirectoryBackend(),
            .loopExt4: LoopImageBackend(.ext4, templates: templates, throttles: throttles),
            .loopXFS: LoopImageBackend(.xfs, templates: templates, throttles: throttles),
            .lvmThinExt4: LVMThinBackend(.ext4), .lvmThinXFS: LVMThinBackend(.xfs),
        ]
        if let source = try? MountTable.current().containing(layout.base)?.source {
            backends[.projectQuota] = ProjectQuotaBackend(device: source)
        }
        if let uuid = try? Btrfs.uuid(of: layout.base) {
            backends[.btrfs] = BtrfsBackend(base: layout.base, fileSystem: uuid)
        }
        if case .mount(let root, _) = layout.disk {
            backends[.mountDisk] = MountDiskBackend(root: root, throttles: throttles)
        }
        return backends
    }

    /// Names of files among the images that are not images of volumes.
    static let scratchPrefix = ".template-"

    /// Scratch files of a start that was cut off; none of them is anyone's data.
    private static func removeLeftovers(_ layout: VolumeLayout) throws(VolumeError) {
        try VolumeError.wrap { () throws(SystemError) in
            for name in try Files.list(layout.images) where name.hasPrefix(scratchPrefix) {
                try Files.remove("\(layout.images)/\(name)")
            }
        }
    }

    private static func load(
        _ layout: VolumeLayout
    ) throws(VolumeError) -> (volumes: [StoredVolume], unreadable: [String]) {
        var volumes: [StoredVolume] = []
        var unreadable: [String] = []
        let names = try VolumeError.wrap { () throws(SystemError) in
            try Files.list(layout.owners)
        }
        for name in names where name.hasSuffix(".json") || name.hasSuffix(".retired") {
            let path = "\(layout.owners)/\(name)"
            let bytes = try VolumeError.wrap { () throws(SystemError) in
                try DurableFile.read(path)
            }
            guard var record = bytes.flatMap({ VolumeRecord(decoding: $0) }),
                let paths = try? layout.paths(
                    uuid: record.uuid, role: record.spec.role,
                    persistenceID: record.spec.persistenceID),
                paths.owner == path || paths.retired == path
            else {
                unreadable.append(path)
                continue
            }
            if paths.retired == path { record.state = .deleting }
            volumes.append(StoredVolume(record: record, paths: paths))
        }
        return (volumes, unreadable)
    }

    /// `unavailable` where the disk was changed under a volume.
    func backend(_ kind: BackendKind) throws(VolumeError) -> any VolumeBackend {
        guard let backend = backends[kind] else {
            throw .unavailable(kind, "\(layout.base) is on another file system now")
        }
        return backend
    }

    /// A volume of this disk; `notFound` if it was never made or is erased.
    func volume(_ uuid: VolumeUUID) throws(VolumeError) -> StoredVolume {
        guard let entry = index.withLock({ $0[uuid] }) else { throw .notFound(uuid) }
        return entry.volume
    }

    /// Makes a volume's new state durable, then known.
    func store(_ volume: StoredVolume) throws(VolumeError) {
        let bytes = volume.record.encoded()
        try VolumeError.wrap { () throws(SystemError) in
            try DurableFile.write(bytes, to: volume.ownerFile)
        }
        index.withLock { $0.put(volume) }
    }

    /// Runs `body` with a ready volume that no other thread changes meanwhile.
    ///
    /// One that is still being created is prepared first: its first use.
    func withReady<Result: Sendable>(
        _ uuid: VolumeUUID,
        _ body: (StoredVolume, any VolumeBackend) throws(VolumeError) -> Result
    ) throws(VolumeError) -> Result {
        try locks.withLock(try volume(uuid).paths.data) { () throws(VolumeError) in
            var volume = try volume(uuid)
            guard wipes.withLock({ $0[uuid] == nil }) else {
                throw .conflict("the data of volume \(uuid) is being erased")
            }
            let backend = try backend(volume.record.backend)
            switch volume.record.state {
            case .ready: break
            case .creating:
                try clearPlace(of: volume, backend)
                try backend.prepare(volume)
                volume.record.state = .ready
                try store(volume)
            case .deleting: throw .conflict("volume \(uuid) is being deleted")
            }
            return try body(volume, backend)
        }
    }

    /// Moves away what someone wrote where an unmounted image belongs.
    func clearPlace(
        of volume: StoredVolume, _ backend: any VolumeBackend
    ) throws(VolumeError) {
        guard backend.needsPreparation, try !backend.isMounted(volume) else { return }
        _ = try found.clear(volume.paths.data)
    }
}
