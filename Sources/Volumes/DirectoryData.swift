internal import Linux

/// What the backends have in common whose data is a directory on the shared disk.
enum DirectoryData {
    /// Refuses what the disk can't hold now.
    static func requireSpace(_ bytes: Int64, at path: String) throws(VolumeError) {
        let space = try VolumeError.wrap { () throws(SystemError) in
            try DiskSpace.of(Files.parent(of: path))
        }
        guard space.availableBytes >= bytes else {
            throw .noSpace(neededBytes: bytes, availableBytes: space.availableBytes)
        }
    }

    /// Makes the data directory, owned as recorded.
    static func make(_ volume: StoredVolume) throws(VolumeError) {
        let isNew = try VolumeError.wrap { () throws(SystemError) in
            try Files.makeDirectory(volume.paths.data, mode: 0o700)
        }
        guard isNew else { throw .conflict("something appeared at \(volume.paths.data)") }
        try own(volume)
    }

    static func own(_ volume: StoredVolume) throws(VolumeError) {
        let owner = volume.record.spec.owner
        try VolumeError.wrap { () throws(SystemError) in
            try Files.own(
                directory: volume.paths.data, uid: owner.uid, gid: owner.gid, mode: owner.mode)
        }
    }

    /// `lost` unless the data is a directory at its path.
    static func requirePresent(_ volume: StoredVolume) throws(VolumeError) {
        guard try isPresent(volume) else { throw .lost(volume.paths.data) }
    }

    static func isPresent(_ volume: StoredVolume) throws(VolumeError) -> Bool {
        try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.ifPresent(volume.paths.data)?.kind == .directory
        }
    }

    /// Renames the data to its place among what is being deleted.
    static func withdraw(_ volume: StoredVolume) throws(VolumeError) {
        try VolumeError.wrap { () throws(SystemError) in
            guard try FileStatus.ifPresent(volume.paths.deleting) == nil else { return }
            do throws(SystemError) {
                try Files.renameExclusively(volume.paths.data, to: volume.paths.deleting)
            } catch {
                guard error.isNotFound else { throw error }
            }
        }
    }

    static func erase(_ volume: StoredVolume, entries: Int) throws(VolumeError) -> Erasure {
        let isDone = try VolumeError.wrap { () throws(SystemError) in
            try DirectoryRemoval.advance(volume.paths.deleting, entries: entries)
        }
        return isDone ? .done : .unfinished
    }

    /// Removes an unfinished creation, which holds nothing of anyone.
    static func discard(_ volume: StoredVolume) throws(VolumeError) {
        try VolumeError.wrap { () throws(SystemError) in
            while try !DirectoryRemoval.advance(volume.paths.data, entries: 10_000) {}
        }
    }

    static func setAside(_ volume: StoredVolume, to target: String) throws(VolumeError) {
        try VolumeError.wrap { () throws(SystemError) in
            do throws(SystemError) {
                try Files.renameExclusively(volume.paths.data, to: target)
            } catch {
                guard error.isNotFound else { throw error }
            }
        }
    }
}
