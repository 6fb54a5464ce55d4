internal import Linux
package import Model
internal import Synchronization

// A volume leaves the books by a DESTROY that keeps its data. What is to be kept is said before, in
// a file beside the owner file, so that no crash and no repeated DESTROY can erase it.

extension VolumeStore {
    private static let nameKey = "name"

    /// Lets the next DESTROY of a volume move its data to `detached` under a name instead of
    /// erasing it; nil takes that back. Returns where the data will be.
    @discardableResult
    package func keepWhenDestroyed(
        _ uuid: VolumeUUID, as name: String?
    ) throws(VolumeError) -> String? {
        try withReady(uuid) { volume, backend throws(VolumeError) in
            guard backend.kind != .mountDisk else {
                throw .unsupported("a MOUNT disk is the volume: it can't be moved away from it")
            }
            guard let name else {
                try setKept(volume, nil)
                return nil
            }
            let target = try layout.detachedPath(name)
            guard name.utf8.count <= 230, !isTaken(target) else {
                throw .conflict("something is at \(target) already: choose another name")
            }
            try setKept(volume, name)
            return target
        }
    }

    private func isTaken(_ target: String) -> Bool {
        ["", ".image", ".json"].contains { FileStatus.exists(target + $0) }
    }

    func setKept(_ volume: StoredVolume, _ name: String?) throws(VolumeError) {
        try VolumeError.wrap { () throws(SystemError) in
            guard let name else {
                if try Files.remove(volume.paths.keep) { try Files.syncDirectory(layout.owners) }
                return
            }
            try DurableFile.write(
                FlatJSON.encode([(Self.nameKey, .text(name))]), to: volume.paths.keep)
        }
    }

    /// Under which name a volume's data is to be kept; nil: it is to be erased.
    func keptName(_ volume: StoredVolume) throws(VolumeError) -> String? {
        let bytes = try VolumeError.wrap { () throws(SystemError) in
            try DurableFile.read(volume.paths.keep)
        }
        guard let bytes else { return nil }
        guard let members = FlatJSON.decode(bytes), case .text(let name) = members[Self.nameKey]
        else {
            throw .damaged("\(volume.paths.keep) can't be read: does it want the data kept?")
        }
        return name
    }

    /// Moves data, then owner file; repeated after a crash it goes on where it ended.
    func keep(_ volume: StoredVolume, as name: String) throws(VolumeError) {
        let target = try layout.detachedPath(name)
        let backend = try backend(volume.record.backend)
        if !isMoved(volume, to: target) { try backend.setAside(volume, to: target) }
        try VolumeError.wrap { () throws(SystemError) in
            try Files.syncDirectory(layout.detached)
            try Files.renameExclusively(volume.paths.owner, to: "\(target).json")
            try Files.syncDirectory(layout.detached)
            try Files.syncDirectory(layout.owners)
        }
        index.withLock { $0.remove(volume.record.uuid) }
        try setKept(volume, nil)
    }

    /// Whether an earlier attempt has moved the data. What is at the target while the data is still
    /// at its place is somebody else's.
    private func isMoved(_ volume: StoredVolume, to target: String) -> Bool {
        switch volume.record.backend {
        case .loopExt4, .loopXFS:
            FileStatus.exists("\(target).image") && !FileStatus.exists(volume.paths.image)
        case .projectQuota, .btrfs, .directory:
            FileStatus.exists(target) && !FileStatus.exists(volume.paths.data)
        // What stays where it is can be set aside again.
        case .lvmThinExt4, .lvmThinXFS, .mountDisk: false
        }
    }
}
