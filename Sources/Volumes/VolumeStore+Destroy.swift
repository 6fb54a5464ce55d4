internal import Linux
package import Model
internal import Synchronization

extension VolumeStore {
    /// Gives a volume up, durably and at once, whoever still uses it: its path and its name are
    /// free for another then. Nothing happens if there is no such volume.
    package func retire(_ uuid: VolumeUUID) throws(VolumeError) {
        guard let volume = try? volume(uuid) else { return }
        try locks.withLock(volume.paths.data) { () throws(VolumeError) in
            guard var volume = index.withLock({ $0[uuid]?.volume }) else { return }
            let backend = try backend(volume.record.backend)
            if volume.record.state == .ready, let name = try keptName(volume) {
                return try keep(volume, as: name)
            }
            if volume.record.state == .creating, !backend.isDurableWhenMade {
                return try dropUnused(volume)
            }
            if volume.record.state != .deleting {
                try markRetired(&volume)
            }
            try withdraw(volume)
        }
    }

    /// Takes a volume away that was never used and has no owner file.
    private func dropUnused(_ volume: StoredVolume) throws(VolumeError) {
        do throws(SystemError) {
            try Files.removeDirectory(volume.paths.data)
        } catch {
            // What somebody has put there is not ours to delete.
            _ = try found.clear(volume.paths.data)
        }
        index.withLock { $0.remove(volume.record.uuid) }
    }

    /// By the owner file's name: a full disk must not stop the very thing that frees space.
    private func markRetired(_ volume: inout StoredVolume) throws(VolumeError) {
        let (from, to) = (volume.paths.owner, volume.paths.retired)
        try VolumeError.wrap { () throws(SystemError) in
            do throws(SystemError) {
                try Files.rename(from, to: to)
            } catch {
                // Renamed by an attempt that failed to sync.
                guard error.isNotFound, try FileStatus.ifPresent(to) != nil else { throw error }
            }
            try Files.syncDirectory(layout.owners)
        }
        volume.record.state = .deleting
        let retired = volume
        index.withLock { $0.put(retired) }
    }

    /// Takes a given-up volume's data from its path, unless another volume has that path by now.
    func withdraw(_ volume: StoredVolume) throws(VolumeError) {
        let uuid = volume.record.uuid
        let isOthers = index.withLock { index in
            index[uuid]?.isWithdrawn == true || index.claimant(of: volume.paths.data) != nil
        }
        if !isOthers { try backend(volume.record.backend).withdraw(volume) }
        index.withLock { $0.markWithdrawn(uuid) }
    }

    /// Removes up to `entries` names of a retired volume's data, its owner file last.
    ///
    /// Slow: for a thread in the background, called again until it is `done`. An image whose loop
    /// device some container still has is left until that is gone.
    package func erase(
        _ uuid: VolumeUUID, entries: Int = 10_000
    ) throws(VolumeError) -> Erasure {
        guard let volume = try? volume(uuid) else { return .done }
        guard volume.record.state == .deleting else {
            throw .conflict("volume \(uuid) is not retired")
        }
        guard index.withLock({ $0.beginErasure(uuid) }) else { return .unfinished }
        defer { index.withLock { $0.endErasure(uuid) } }
        let result = try backend(volume.record.backend).erase(volume, entries: entries)
        if result == .done { try forget(volume) }
        return result
    }
}
