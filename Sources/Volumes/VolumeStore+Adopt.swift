internal import Linux
package import Model
internal import Synchronization

/// A directory that the next CREATE of a role's persistence id takes over as the volume's data.
package struct Adoption: Hashable, Sendable {
    package let role: String
    package let persistenceID: String
    /// An absolute path without symbolic links, on the disk's own file system.
    package let source: String
    /// The volume that has taken it, once there is one.
    package var uuid: VolumeUUID?

    package init(role: String, persistenceID: String, source: String) {
        self.role = role
        self.persistenceID = persistenceID
        self.source = source
    }

    fileprivate func encoded() -> [UInt8] {
        FlatJSON.encode([
            ("role", .text(role)), ("persistence_id", .text(persistenceID)),
            ("source", .text(source)), ("uuid", .text(uuid?.value ?? "")),
        ])
    }

    fileprivate init?(decoding bytes: [UInt8]) {
        guard let members = FlatJSON.decode(bytes), case .text(let role) = members["role"],
            case .text(let id) = members["persistence_id"],
            case .text(let source) = members["source"], case .text(let uuid) = members["uuid"]
        else { return nil }
        self.init(role: role, persistenceID: id, source: source)
        if !uuid.isEmpty { self.uuid = VolumeUUID(uuid) }
    }
}

extension VolumeStore {
    private static let adoptionsAtMost = 1_000

    static func adoptedName(_ uuid: VolumeUUID) -> String { "adopted-\(uuid)" }

    static func loadAdoptions(_ layout: VolumeLayout) throws(VolumeError) -> [String: Adoption] {
        try VolumeError.wrap { () throws(SystemError) in
            var adoptions: [String: Adoption] = [:]
            for name in try Files.list(layout.adoptions) where name.hasSuffix(".json") {
                guard let bytes = try DurableFile.read("\(layout.adoptions)/\(name)"),
                    let adoption = Adoption(decoding: bytes),
                    let path = try? path(of: adoption, layout)
                else { continue }
                adoptions[path] = adoption
            }
            return adoptions
        }
    }

    private static func path(
        of adoption: Adoption, _ layout: VolumeLayout
    ) throws(VolumeError) -> String {
        try layout.paths(
            uuid: adoption.uuid ?? VolumeUUID("0"), role: adoption.role,
            persistenceID: adoption.persistenceID
        ).data
    }

    /// Notes, durably, that the next CREATE of this name takes the directory as it is, if it holds
    /// at most `bytes`; refused where it can't be renamed to its place.
    package func adoptWhenCreated(_ adoption: Adoption, bytes: Int64) throws(VolumeError) {
        if case .mount = layout.disk {
            throw .unsupported("a MOUNT disk is a volume as a whole: it adopts no directory")
        }
        let path = try Self.path(of: adoption, layout)
        try requireAdoptable(adoption.source)
        let usage = try VolumeError.wrap { () throws(SystemError) in
            try UsageWalk.measure(adoption.source)
        }
        guard usage.bytes <= bytes else {
            throw .belowUsage(usedBytes: usage.bytes, requestedBytes: bytes)
        }
        try locks.withLock(path) { () throws(VolumeError) in
            if let known = index.withLock({ $0.claimant(of: path) }) {
                throw .conflict("volume \(known.record.uuid) has that role and id already")
            }
            guard adoptions.withLock({ $0.count }) < Self.adoptionsAtMost else {
                throw .conflict("too many directories wait for being adopted")
            }
            if let other = adoptions.withLock({ $0[path] }), other.uuid != nil {
                throw .conflict("\(other.source) is being adopted under that role and id")
            }
            try write(adoption, path)
        }
    }

    /// Takes an adoption back, unless it has become a volume; false if there is none.
    @discardableResult
    package func cancelAdoption(
        role: String, persistenceID: String
    ) throws(VolumeError) -> Bool {
        let path = try Self.path(
            of: Adoption(role: role, persistenceID: persistenceID, source: ""), layout)
        return try locks.withLock(path) { () throws(VolumeError) in
            guard let adoption = adoptions.withLock({ $0[path] }) else { return false }
            try putBack(adoption, path)
            try remove(path)
            return true
        }
    }

    /// Undoes a rename after which no volume came to be.
    private func putBack(_ adoption: Adoption, _ path: String) throws(VolumeError) {
        guard let uuid = adoption.uuid, !FileStatus.exists(adoption.source) else { return }
        guard index.withLock({ $0[uuid] == nil && $0.claimant(of: path) == nil }) else {
            throw .conflict("\(adoption.source) is volume \(uuid) now")
        }
        try VolumeError.wrap { () throws(SystemError) in
            try Files.renameAcrossMounts(path, to: adoption.source)
            try Files.syncDirectory(Files.parent(of: adoption.source))
            try Files.syncDirectory(Files.parent(of: path))
        }
    }

    private func requireAdoptable(_ source: String) throws(VolumeError) {
        let (real, status, base, parent) = try VolumeError.wrap { () throws(SystemError) in
            (
                try Files.realPath(source), try FileStatus.of(source),
                try FileStatus.of(layout.base), try FileStatus.of(Files.parent(of: source))
            )
        }
        guard source.hasPrefix("/"), real == source, status.kind == .directory else {
            throw .conflict("\(source) is no absolute path of a directory without symbolic links")
        }
        guard status.device == base.device, parent.device == base.device else {
            throw .conflict(
                "\(source) is on another file system than \(layout.base): it can't be renamed to "
                    + "its place, and nothing is copied")
        }
        let free = [layout.found, layout.detached].contains {
            source != $0 && MountTable.isBelowOrSame(source, $0)
        }
        let root = Files.parent(of: layout.base)
        let isOurs =
            MountTable.isBelowOrSame(source, root) || MountTable.isBelowOrSame(root, source)
        guard free || !isOurs else { throw .conflict("\(source) belongs to the agent itself") }
        let mounts = try VolumeError.wrap { () throws(SystemError) in try MountTable.current() }
        guard mounts.top(at: source) == nil, mounts.below(source).isEmpty else {
            throw .conflict("\(source) is, or holds, a place where something is mounted")
        }
    }

    private func file(_ path: String) -> String {
        var hash: UInt64 = 14_695_981_039_346_656_037
        for byte in path.utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        return "\(layout.adoptions)/\(String(hash, radix: 16)).json"
    }

    private func write(_ adoption: Adoption, _ path: String) throws(VolumeError) {
        try VolumeError.wrap { () throws(SystemError) in
            try DurableFile.write(adoption.encoded(), to: file(path))
        }
        adoptions.withLock { $0[path] = adoption }
    }

    private func remove(_ path: String) throws(VolumeError) {
        try VolumeError.wrap { () throws(SystemError) in
            if try Files.remove(file(path)) { try Files.syncDirectory(layout.adoptions) }
        }
        adoptions.withLock { $0[path] = nil }
    }

    /// Makes the directory the volume's data, by renaming it. The lock of its path is held.
    ///
    /// Which volume has it is on disk before the rename, so that a repeated CREATE goes on. Until
    /// the volume is prepared, to take it back keeps the data: its operation may yet fail.
    func adopt(
        _ adoption: Adoption, as spec: VolumeSpec, _ paths: VolumePaths
    ) throws(VolumeError) -> VolumeRecord {
        var adoption = adoption
        guard spec.limits.isEmpty else {
            throw .unsupported(
                "\(adoption.source) is adopted as a directory, which holds no limits"
                    + " (\(spec.limits)): make the volume without them")
        }
        // One that is where it was is no volume yet, whatever an operation that died had begun.
        guard
            adoption.uuid == nil || adoption.uuid == spec.uuid
                || FileStatus.exists(adoption.source)
        else {
            throw .conflict("\(adoption.source) is adopted by volume \(adoption.uuid ?? spec.uuid)")
        }
        if FileStatus.exists(adoption.source) {
            try requireAdoptable(adoption.source)
            try freePlace(paths.data)
            if adoption.uuid != spec.uuid {
                adoption.uuid = spec.uuid
                try write(adoption, paths.data)
            }
        }
        do {
            return try take(adoption, as: spec, paths)
        } catch {
            // Its operation fails: the directory is its owner's again, and the next CREATE's.
            try? putBack(adoption, paths.data)
            if FileStatus.exists(adoption.source) {
                adoption.uuid = nil
                try? write(adoption, paths.data)
            }
            throw error
        }
    }

    private func take(
        _ adoption: Adoption, as spec: VolumeSpec, _ paths: VolumePaths
    ) throws(VolumeError) -> VolumeRecord {
        if FileStatus.exists(adoption.source) {
            try VolumeError.wrap { () throws(SystemError) in
                try Files.makeDirectories(Files.parent(of: paths.data))
                try Files.renameAcrossMounts(adoption.source, to: paths.data)
                try Files.syncDirectory(Files.parent(of: paths.data))
                try Files.syncDirectory(Files.parent(of: adoption.source))
            }
        }
        guard adoption.uuid == spec.uuid, FileStatus.exists(paths.data) else {
            throw .lost(adoption.source)
        }
        let root = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.of(paths.data)
        }
        var spec = spec
        spec.owner = VolumeOwner(uid: root.uid, gid: root.gid, mode: root.mode)
        let volume = StoredVolume(
            record: VolumeRecord(
                spec: spec, backend: .directory, state: .ready,
                createdAt: CalendarTime.text()),
            paths: paths)
        try setKept(volume, Self.adoptedName(spec.uuid))
        try store(volume)
        try remove(paths.data)
        return volume.record
    }
}
