internal import Linux
package import Model
internal import Synchronization

/// How far the erasure of a volume's data has come, before its DESTROY.
package struct WipeProgress: Hashable, Sendable {
    package let uuid: VolumeUUID
    package var order: EraseOrder
    package var doneBytes: Int64 = 0
    /// Of an image its length, of a tree what it held when it began.
    package var totalBytes: Int64 = 0
    package var isFinished = false

    fileprivate func encoded() -> [UInt8] {
        FlatJSON.encode([
            ("mode", .text(order.mode.rawValue)),
            ("mib_per_second", .number(Int64(order.mebibytesPerSecond ?? 0))),
            ("done", .number(doneBytes)), ("total", .number(totalBytes)),
            ("finished", .number(isFinished ? 1 : 0)),
        ])
    }

    fileprivate init(_ uuid: VolumeUUID, _ order: EraseOrder) {
        self.uuid = uuid
        self.order = order
    }

    fileprivate init?(_ uuid: VolumeUUID, decoding bytes: [UInt8]) {
        guard let members = FlatJSON.decode(bytes), case .text(let mode) = members["mode"],
            let mode = EraseMode(rawValue: mode),
            case .number(let rate) = members["mib_per_second"],
            case .number(let done) = members["done"], case .number(let total) = members["total"],
            case .number(let finished) = members["finished"]
        else { return nil }
        self.init(uuid, EraseOrder(mode, mebibytesPerSecond: UInt32(exactly: rate) ?? 0))
        if rate == 0 { order.mebibytesPerSecond = nil }
        (doneBytes, totalBytes, isFinished) = (done, total, finished == 1)
    }
}

// The data of a volume that nobody uses is erased while it is still in the books: that may take
// long. From the file beside its owner file on nobody can use the volume any more; a later process
// goes on where this one ends.

extension VolumeStore {
    private static let copyOnWrite: Set<String> = ["btrfs", "zfs", "bcachefs"]

    static func loadWipes(
        _ layout: VolumeLayout, of volumes: [StoredVolume]
    ) throws(VolumeError) -> [VolumeUUID: WipeProgress] {
        try VolumeError.wrap { () throws(SystemError) in
            var found: [VolumeUUID: WipeProgress] = [:]
            for volume in volumes {
                guard let bytes = try DurableFile.read(volume.paths.wipe) else { continue }
                let uuid = volume.record.uuid
                // One that can't be read still says that data is gone.
                found[uuid] =
                    WipeProgress(uuid, decoding: bytes)
                    ?? WipeProgress(uuid, EraseOrder(.overwrite))
            }
            return found
        }
    }

    /// By UUID.
    package func wipeProgress() -> [WipeProgress] {
        wipes.withLock { Array($0.values) }.sorted { $0.uuid < $1.uuid }
    }

    /// Erases a volume's data but for its last trace, which is a DESTROY's; repeated, it goes on
    /// where it ended. Takes long: for a thread of its own.
    ///
    /// `unsupported` where old blocks can't be reached, `stillAttached` while something uses the
    /// volume: nothing is lost then.
    package func wipe(_ uuid: VolumeUUID, _ order: EraseOrder) throws(VolumeError) {
        let path = try volume(uuid).paths.data
        let started = try locks.withLock(path) { () throws(VolumeError) in
            try beginWipe(uuid, order)
        }
        guard let volume = started, wipes.withLock({ $0[uuid]?.isFinished == false }) else {
            return
        }
        switch volume.record.backend {
        case .loopExt4, .loopXFS: try wipeImage(volume, order)
        // DESTROY gives its blocks back; the pool zeroes each before it gives it away again.
        case .lvmThinExt4, .lvmThinXFS: break
        case .directory, .projectQuota, .mountDisk, .btrfs:
            if order.mode == .overwrite { try wipeTree(volume, order) }
        }
        try note(volume) { progress in
            progress.doneBytes = max(progress.doneBytes, progress.totalBytes)
            progress.isFinished = true
        }
    }

    /// Whether a backend can discard; elsewhere DISCARD is an ordinary deletion.
    package func discards(_ uuid: VolumeUUID) -> Bool {
        switch (try? volume(uuid))?.record.backend {
        case .loopExt4, .loopXFS, .lvmThinExt4, .lvmThinXFS: true
        case .directory, .projectQuota, .mountDisk, .btrfs, nil: false
        }
    }

    /// Nil: there is nothing to erase.
    private func beginWipe(
        _ uuid: VolumeUUID, _ order: EraseOrder
    ) throws(VolumeError) -> StoredVolume? {
        let volume = try volume(uuid)
        switch volume.record.state {
        case .creating: return nil
        case .deleting: throw .conflict("volume \(uuid) is being deleted")
        case .ready: break
        }
        if let name = try keptName(volume) {
            throw .conflict("volume \(uuid) is to be kept as '\(name)': take that back first")
        }
        if order.mode == .overwrite {
            let mounts = try VolumeError.wrap { () throws(SystemError) in
                try MountTable.current()
            }
            let place = volume.record.backend == .mountDisk ? volume.paths.data : layout.base
            if let kind = mounts.containing(place)?.fileSystem, Self.copyOnWrite.contains(kind) {
                throw .unsupported(
                    "\(kind) writes to new blocks: what is overwritten there stays on the disk")
            }
            guard volume.record.thinPool == nil else {
                throw .unsupported(
                    "a thin volume gives the blocks of deleted files back to its pool: what was in"
                        + " them can't be reached to be overwritten")
            }
        }
        let backend = try backend(volume.record.backend)
        if backend.needsPreparation {
            try backend.unmount(volume)
            try backend.requireDetached(volume)
        }
        var progress = wipes.withLock { $0[uuid] } ?? WipeProgress(uuid, order)
        // A slower or faster one goes on; another way begins anew.
        if progress.order.mode != order.mode { progress = WipeProgress(uuid, order) }
        progress.order = order
        let begun = progress
        try note(volume) { $0 = begun }
        return volume
    }

    private func note(
        _ volume: StoredVolume, _ change: (inout WipeProgress) -> Void
    ) throws(VolumeError) {
        let uuid = volume.record.uuid
        var progress = wipes.withLock { $0[uuid] } ?? WipeProgress(uuid, EraseOrder())
        change(&progress)
        let (bytes, changed) = (progress.encoded(), progress)
        try VolumeError.wrap { () throws(SystemError) in
            try DurableFile.write(bytes, to: volume.paths.wipe)
        }
        wipes.withLock { $0[uuid] = changed }
    }

    private func advance(_ volume: StoredVolume, by bytes: Int64) throws(SystemError) {
        do {
            try note(volume) { progress in
                progress.doneBytes += bytes
                progress.totalBytes = max(progress.totalBytes, progress.doneBytes)
            }
        } catch {
            // How far it is need not be known: on a full disk it goes on all the same.
            wipes.withLock { $0[volume.record.uuid]?.doneBytes += bytes }
        }
    }

    private func wipeImage(
        _ volume: StoredVolume, _ order: EraseOrder
    ) throws(VolumeError) {
        let path = volume.paths.image
        let size = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.ifPresent(path)?.size
        }
        guard let size else { return }
        try note(volume) { $0.totalBytes = size }
        let done = min(size, wipes.withLock { $0[volume.record.uuid]?.doneBytes ?? 0 })
        let work = Overwriting(mebibytesPerSecond: order.mebibytesPerSecond) {
            (bytes) throws(SystemError) in try self.advance(volume, by: bytes)
        }
        try VolumeError.wrap { () throws(SystemError) in
            let image = try Descriptor.open(path, .readWrite)
            switch order.mode {
            case .overwrite: try work.overwrite(image, done..<size, path)
            case .discard: try work.punch(image, done..<size, path)
            case .delete: break
            }
        }
    }

    private func wipeTree(_ volume: StoredVolume, _ order: EraseOrder) throws(VolumeError) {
        let path = volume.paths.data
        let isThere = try backend(volume.record.backend).isMounted(volume)
        guard isThere else { throw .lost(path) }
        let held = try VolumeError.wrap { () throws(SystemError) in
            try UsageWalk.measure(path).bytes
        }
        try note(volume) { $0.totalBytes = max($0.totalBytes, $0.doneBytes + held) }
        let work = Overwriting(mebibytesPerSecond: order.mebibytesPerSecond) {
            (bytes) throws(SystemError) in try self.advance(volume, by: bytes)
        }
        try VolumeError.wrap { () throws(SystemError) in
            try work.empty(path, keeping: ["lost+found"])
        }
    }
}
