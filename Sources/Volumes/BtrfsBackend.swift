internal import Linux
internal import Model

/// A subvolume with a level-1 qgroup of simple quota.
package struct BtrfsBackend: VolumeBackend {
    package let kind = BackendKind.btrfs
    package let enforcement = Enforcement.kernel
    package let growsWhileMounted = true
    package let needsPreparation = false

    /// A directory outside of every volume, for calls that a full volume would refuse.
    private let base: String
    private let fileSystem: String

    /// `base` lies on the file system whose UUID is given.
    package init(base: String, fileSystem: String) {
        self.base = base
        self.fileSystem = fileSystem
    }

    /// The qgroup is found from the UUID alone: a crash can't lose it.
    private func group(of volume: StoredVolume) -> UInt64 {
        let digits = volume.record.uuid.value.filter(\.isHexDigit)
        return Btrfs.group(UInt64(digits.prefix(12), radix: 16) ?? 0)
    }

    package func allocate(_ volume: inout StoredVolume) throws(VolumeError) {
        try DirectoryData.requireSpace(volume.bytes, at: volume.paths.data)
        let volume = volume
        let group = group(of: volume)
        do {
            try VolumeError.wrap { () throws(SystemError) in
                try Btrfs.createGroup(group, at: base)
                try Btrfs.limit(group, to: volume.bytes, at: base)
                try Btrfs.createSubvolume(volume.paths.data, group: group)
            }
            try DirectoryData.own(volume)
        } catch {
            try? discard(volume)
            throw error
        }
    }

    package func prepare(_ volume: StoredVolume) {}

    package func discard(_ volume: StoredVolume) throws(VolumeError) {
        _ = try destroy(volume.paths.data, volume)
    }

    package func mount(_ volume: StoredVolume) throws(VolumeError) {
        try DirectoryData.requirePresent(volume)
        let group = group(of: volume)
        let now = try limit(of: volume)
        guard let now, now.isCounted, now.bytes == now.wantedBytes else {
            try VolumeError.wrap { () throws(SystemError) in
                try Btrfs.createGroup(group, at: base)
                try Btrfs.limit(group, to: volume.bytes, at: base)
            }
            return
        }
    }

    package func limit(of volume: StoredVolume) throws(VolumeError) -> ObservedLimit? {
        let group = group(of: volume)
        let state = Btrfs.state(of: group, fileSystem)
        return ObservedLimit(
            isCounted: state != nil, group: "qgroup \(group >> 48)/\(group & 0xFFFF_FFFF_FFFF)",
            bytes: state?.limitBytes ?? 0, wantedBytes: volume.bytes)
    }

    package func isMounted(_ volume: StoredVolume) throws(VolumeError) -> Bool {
        try DirectoryData.isPresent(volume)
    }

    package func unmount(_ volume: StoredVolume) {}

    package func usage(_ volume: StoredVolume) throws(VolumeError) -> VolumeUsage {
        guard let state = Btrfs.state(of: group(of: volume), fileSystem) else {
            throw .damaged("volume \(volume.record.uuid) has no qgroup")
        }
        return VolumeUsage(
            usedBytes: state.usedBytes, usedInodes: nil, usableBytes: volume.bytes)
    }

    package func grow(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        try DirectoryData.requireSpace(bytes - volume.bytes, at: volume.paths.data)
        try limit(volume, to: bytes)
    }

    package func shrink(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        try limit(volume, to: bytes)
        let used = try usage(volume).usedBytes
        guard used <= bytes else {
            try limit(volume, to: volume.bytes)
            throw .belowUsage(usedBytes: used, requestedBytes: bytes)
        }
    }

    private func limit(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        try VolumeError.wrap { () throws(SystemError) in
            try Btrfs.limit(group(of: volume), to: bytes, at: base)
        }
    }

    package func withdraw(_ volume: StoredVolume) throws(VolumeError) {
        try DirectoryData.withdraw(volume)
    }

    package func erase(_ volume: StoredVolume, entries: Int) throws(VolumeError) -> Erasure {
        try destroy(volume.paths.deleting, volume) ? .done : .unfinished
    }

    /// Deletes the subvolume, those nested in it and the qgroup; false: call it again.
    private func destroy(_ path: String, _ volume: StoredVolume) throws(VolumeError) -> Bool {
        let group = group(of: volume)
        return try VolumeError.wrap { () throws(SystemError) in
            if let status = try FileStatus.ifPresent(path) {
                // The root of a subvolume has inode 256; anything else is an ordinary directory.
                if status.kind == .directory, status.inode == 256 {
                    let id = try Btrfs.subvolume(of: path)
                    guard try Btrfs.destroySubvolumes(id, at: base) else { return false }
                } else {
                    guard try DirectoryRemoval.advance(path, entries: 10_000) else {
                        return false
                    }
                }
            }
            return try Btrfs.destroyGroup(group, at: base)
        }
    }

    package func recover(_ volume: StoredVolume) throws(VolumeError) -> VolumeCondition {
        try mount(volume)
        return .healthy
    }

    package func setAside(_ volume: StoredVolume, to target: String) throws(VolumeError) {
        try DirectoryData.setAside(volume, to: target)
    }
}
