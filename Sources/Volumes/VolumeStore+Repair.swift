internal import Linux
internal import Model
internal import Synchronization

extension VolumeStore {
    /// Mends a finding that was just confirmed; may be repeated. Each way proves by itself that it
    /// touches nothing that is in use. An error says why all is as it was.
    package func repair(_ finding: StorageFinding) throws(VolumeError) {
        guard let repair = finding.repair else {
            throw .unsupported("a person has to look at this")
        }
        switch repair {
        case .writeOwner(let record): try writeOwner(record)
        case .growImage: try growImage(try requireUUID(finding), try requireBytes(finding))
        case .cutImage: try cutImage(try requireUUID(finding))
        case .mount: try mount(try requireUUID(finding))
        case .unmount(let path, let id): try unmountStranger(path, id)
        case .detachLoop(let device): try detachLoop(device)
        case .clearProject(let id): try clearProject(id)
        case .erase: try eraseRest(try requireUUID(finding))
        case .setAside(nil): try setAsideKnown(try requireUUID(finding))
        case .setAside(let path?): try setAsidePath(path)
        }
    }

    private func requireUUID(_ finding: StorageFinding) throws(VolumeError) -> VolumeUUID {
        guard let uuid = finding.uuid else { throw .conflict("no volume is named") }
        return uuid
    }

    /// The size that the volume's owner file has: what the journal says is written there first.
    private func requireBytes(_ finding: StorageFinding) throws(VolumeError) -> Int64 {
        try volume(try requireUUID(finding)).bytes
    }

    /// Writes an owner file from what is known for sure; what stood there is kept among the found.
    private func writeOwner(_ record: VolumeRecord) throws(VolumeError) {
        let paths = try layout.paths(
            uuid: record.uuid, role: record.spec.role, persistenceID: record.spec.persistenceID)
        try locks.withLock(paths.data) { () throws(VolumeError) in
            let now = index.withLock { $0[record.uuid]?.volume }
            if let state = now?.record.state, state != .ready {
                throw .conflict("volume \(record.uuid) is \(state.rawValue) now")
            }
            if let other = index.withLock({ $0.claimant(of: paths.data) }),
                other.record.uuid != record.uuid
            {
                throw .conflict("volume \(other.record.uuid) has \(paths.data)")
            }
            try keepForeign(paths.owner, of: record.uuid)
            var record = record
            if record.createdAt.isEmpty { record.createdAt = CalendarTime.text() }
            try store(StoredVolume(record: record, paths: paths))
        }
    }

    /// Moves away what is in an owner file's place and is not this volume's owner file.
    private func keepForeign(_ path: String, of uuid: VolumeUUID) throws(VolumeError) {
        let bytes = try? DurableFile.read(path)
        if let record = bytes.flatMap({ VolumeRecord(decoding: $0) }), record.uuid == uuid {
            return
        }
        guard FileStatus.exists(path) else { return }
        try setAsidePath(path)
    }

    /// Finishes a growth: the image first, as `LoopImageBackend.grow` does it.
    private func growImage(_ uuid: VolumeUUID, _ bytes: Int64) throws(VolumeError) {
        try withReady(uuid) { volume, backend throws(VolumeError) in
            let length = try VolumeError.wrap { () throws(SystemError) in
                try FileStatus.of(volume.paths.image).size
            }
            guard length > 0, length < LoopImageBackend.imageBytes(forBooked: bytes) else { return }
            var before = volume
            before.record.spec.bytes = length
            try backend.grow(before, to: bytes)
        }
    }

    /// Cuts what lies beyond the file system; `stillAttached` while something uses the volume.
    private func cutImage(_ uuid: VolumeUUID) throws(VolumeError) {
        try withReady(uuid) { volume, backend throws(VolumeError) in
            guard let loop = backend as? LoopImageBackend else {
                throw .unsupported("volume \(uuid) has no image")
            }
            try loop.cut(volume)
        }
    }

    /// Only what was found there, and never by force: EBUSY while something is open in it.
    private func unmountStranger(_ path: String, _ id: Int) throws(VolumeError) {
        let top = try VolumeError.wrap { () throws(SystemError) in
            try MountTable.current().top(at: path)
        }
        guard top?.id == id else { throw .conflict("another mount is seen at \(path) now") }
        try VolumeError.wrap { () throws(SystemError) in
            try Mount.detach(path, isLazy: false)
            // The mount point of a volume that is no more; a sandbox's directories are not ours.
            if MountTable.isBelowOrSame(path, layout.roles),
                index.withLock({ $0.claimant(of: path) }) == nil
            {
                _ = try? Files.removeDirectory(path)
            }
        }
    }

    private func detachLoop(_ path: String) throws(VolumeError) {
        let all = try VolumeError.wrap { () throws(SystemError) in try LoopDevice.attached() }
        guard let loop = all.first(where: { $0.path == path }) else { return }
        guard loop.file.hasPrefix(layout.images + "/") else {
            throw .conflict("\(path) stands on \(loop.file) now")
        }
        let users = LoopDevice.users(of: loop)
        guard users.isEmpty else { throw .stillAttached(by: users) }
        try VolumeError.wrap { () throws(SystemError) in try LoopDevice.clear(path) }
    }

    private func clearProject(_ id: UInt32) throws(VolumeError) {
        guard let backend = try backend(.projectQuota) as? ProjectQuotaBackend else { return }
        try backend.clearUnused(id, at: layout.base)
    }

    private func eraseRest(_ uuid: VolumeUUID) throws(VolumeError) {
        try retire(uuid)
        while true {
            switch try erase(uuid) {
            case .done: return
            case .waiting(let holders): throw .stillAttached(by: holders)
            case .unfinished:
                // Another thread may be at it.
                if index.withLock({ $0.erasing.contains(uuid) }) { return }
            }
        }
    }

    private func setAsideKnown(_ uuid: VolumeUUID) throws(VolumeError) {
        guard let path = try? volume(uuid).paths.data else { return }
        try locks.withLock(path) { () throws(VolumeError) in
            let known = try volume(uuid)
            guard known.record.state == .ready else {
                throw .conflict("volume \(uuid) is \(known.record.state.rawValue)")
            }
            try setAside(known)
        }
    }

    /// Moves what is at a path of this disk among the found things, unless a volume has it.
    private func setAsidePath(_ path: String) throws(VolumeError) {
        guard MountTable.isBelowOrSame(path, layout.base) else {
            throw .conflict("\(path) is not on this disk")
        }
        try locks.withLock(path) { () throws(VolumeError) in
            guard index.withLock({ $0.claimant(of: path) }) == nil else {
                throw .conflict("a volume has \(path) now")
            }
            guard FileStatus.exists(path) else { return }
            if Files.parent(of: path) == layout.images { try VolumeError.proveDetached(path) }
            _ = try found.move(named: Files.name(of: path)) { target throws(VolumeError) in
                try VolumeError.wrap { () throws(SystemError) in
                    try Files.renameExclusively(path, to: target)
                    try Files.syncDirectory(Files.parent(of: path))
                }
            }
        }
    }
}

extension LoopImageBackend {
    /// Cuts from an idle image what lies beyond its booked size, if its file system ends before.
    func cut(_ volume: StoredVolume) throws(VolumeError) {
        let path = volume.paths.image
        let wanted = Self.imageBytes(forBooked: volume.bytes)
        try detach(volume)
        do {
            if format == .ext4 { try check(volume) }
            try VolumeError.wrap { () throws(SystemError) in
                let inside = try ImageFileSystem(ofImage: path)
                guard let inside, inside.bytes <= wanted,
                    try FileStatus.of(path).size > wanted
                else { return }
                let image = try Descriptor.open(path, .readWrite)
                try FileAllocation.setLength(image, bytes: wanted, path)
                try image.sync(path)
            }
        } catch {
            try mount(volume)
            throw error
        }
        try mount(volume)
    }
}
