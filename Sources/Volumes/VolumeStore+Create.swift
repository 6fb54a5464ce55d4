internal import Linux
package import Model
internal import Synchronization

extension VolumeStore {
    /// Takes the space of a new, empty volume and writes its owner file; both are durable then,
    /// unless the backend leaves that to the first use (`isDurableWhenMade`).
    ///
    /// Repeated for the same volume it changes nothing once that is ready, and starts again while
    /// it is not. What stands in its place and is not its own unfinished making is moved to
    /// `found`, never adopted. On failure (`noSpace`, `notEmpty`...) nothing is left.
    @discardableResult
    package func create(_ spec: VolumeSpec) throws(VolumeError) -> VolumeRecord {
        let paths = try layout.paths(
            uuid: spec.uuid, role: spec.role, persistenceID: spec.persistenceID)
        guard spec.bytes > 0 else { throw .conflict("a volume has at least one byte") }
        return try locks.withLock(paths.data) { () throws(VolumeError) in
            if let adoption = adoptions.withLock({ $0[paths.data] }) {
                return try adopt(adoption, as: spec, paths)
            }
            if let known = try finishedOrDiscarded(spec) { return known }
            let kind = try kind(for: spec)
            try freePlace(paths.data)
            var record = VolumeRecord(
                spec: spec, backend: kind, state: .creating, createdAt: CalendarTime.text())
            record.thinPool = selection.thinPool(of: kind)?.description
            let volume = StoredVolume(record: record, paths: paths)
            return try make(volume, try backend(kind))
        }
    }

    /// The first way of this disk that can hold the volume's limits; `unsupported` with the reason
    /// of each where none can.
    func kind(for spec: VolumeSpec) throws(VolumeError) -> BackendKind {
        guard !spec.limits.isEmpty else { return selection.kind(forBytes: spec.bytes) }
        var reasons: [String] = []
        var kinds = selection.kinds(forBytes: spec.bytes)
        if kinds.isEmpty { kinds = [.directory] }
        for kind in kinds {
            let backend = try backend(kind)
            guard let reason = backend.objection(to: spec.limits, bytes: spec.bytes) else {
                return kind
            }
            reasons.append("\(kind.rawValue): \(reason)")
        }
        throw .unsupported(
            "this disk can't hold the limits (\(spec.limits)) of a volume of \(spec.bytes) bytes: "
                + reasons.joined(separator: "; "))
    }

    /// The record of a volume that is already there; unfinished making of it is taken away.
    private func finishedOrDiscarded(_ spec: VolumeSpec) throws(VolumeError) -> VolumeRecord? {
        guard let known = index.withLock({ $0[spec.uuid]?.volume }) else { return nil }
        guard known.record.isSame(as: spec) else {
            throw .conflict("volume \(spec.uuid) exists with another role, id or size")
        }
        switch known.record.state {
        case .ready: return known.record
        case .deleting: throw .conflict("volume \(spec.uuid) is being deleted")
        case .creating:
            try discard(known)
            return nil
        }
    }

    private func discard(_ volume: StoredVolume) throws(VolumeError) {
        try backend(volume.record.backend).discard(volume)
        try forget(volume)
    }

    /// Removes the owner file: the last trace of a volume.
    func forget(_ volume: StoredVolume) throws(VolumeError) {
        _ = try VolumeError.wrap { () throws(SystemError) in
            try Files.remove(volume.ownerFile)
            if try Files.remove(volume.paths.wipe) { try Files.syncDirectory(layout.owners) }
        }
        wipes.withLock { $0[volume.record.uuid] = nil }
        index.withLock { $0.remove(volume.record.uuid) }
    }

    /// Makes a data path free of other volumes and of strangers.
    func freePlace(_ path: String) throws(VolumeError) {
        for departing in index.withLock({ $0.departing(from: path) }) { try withdraw(departing) }
        if let other = index.withLock({ $0.claimant(of: path) }) {
            switch other.record.state {
            case .creating: try discard(other)
            case .ready, .deleting: try setAside(other)
            }
        }
        if case .mount = layout.disk {
            // The disk itself can't be moved: the backend refuses one that is not empty.
            if let former = index.withLock({ $0.departing(from: path) }).first {
                throw .conflict("volume \(former.record.uuid) is still being erased from \(path)")
            }
            return
        }
        _ = try found.clear(path)
    }

    /// Moves a volume that the books no longer know, with its owner file, among the found things.
    func setAside(_ volume: StoredVolume) throws(VolumeError) {
        let backend = try backend(volume.record.backend)
        let name = Files.name(of: volume.paths.data)
        _ = try found.move(named: name) { target throws(VolumeError) in
            try backend.setAside(volume, to: target)
            try VolumeError.wrap { () throws(SystemError) in
                try Files.renameExclusively(volume.ownerFile, to: "\(target).json")
                try Files.syncDirectory(layout.owners)
            }
        }
        index.withLock { $0.remove(volume.record.uuid) }
    }

    private func make(
        _ volume: StoredVolume, _ backend: any VolumeBackend
    ) throws(VolumeError) -> VolumeRecord {
        var volume = volume
        if backend.needsPreparation {
            // The owner file first: an image without one would be nobody's.
            try store(volume)
            do {
                try backend.allocate(&volume)
            } catch {
                try? forget(volume)
                throw error
            }
            return volume.record
        }
        let directory = Files.parent(of: volume.paths.data)
        try VolumeError.wrap { () throws(SystemError) in
            if case .mount = layout.disk { return }
            try Files.makeDirectories(directory)
        }
        try backend.allocate(&volume)
        guard backend.isDurableWhenMade else {
            let made = volume
            index.withLock { $0.put(made) }
            return volume.record
        }
        do {
            try VolumeError.wrap { () throws(SystemError) in
                try Files.syncDirectory(directory)
            }
            volume.record.state = .ready
            try store(volume)
        } catch {
            try? backend.discard(volume)
            throw error
        }
        return volume.record
    }

    /// Makes a created volume durable, with its file system mounted; it is `ready` then.
    ///
    /// May be left to the first use. Nothing happens if it is ready already.
    package func prepare(_ uuid: VolumeUUID) throws(VolumeError) {
        try withReady(uuid) { volume, _ throws(VolumeError) in
            // Its CREATE has ended well: what was adopted is an ordinary volume's data now.
            if try keptName(volume) == Self.adoptedName(uuid) { try setKept(volume, nil) }
        }
    }
}
