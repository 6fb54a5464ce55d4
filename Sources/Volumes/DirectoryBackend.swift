internal import Linux

/// A plain directory: works everywhere, and nothing but a poller watches its size.
package struct DirectoryBackend: VolumeBackend {
    package let kind = BackendKind.directory
    package let enforcement = Enforcement.poll
    package let growsWhileMounted = true
    package let needsPreparation = false
    package let isDurableWhenMade = false

    package init() {}

    package func allocate(_ volume: inout StoredVolume) throws(VolumeError) {
        try DirectoryData.requireSpace(volume.bytes, at: volume.paths.data)
        try DirectoryData.make(volume)
    }

    package func prepare(_ volume: StoredVolume) throws(VolumeError) {
        try DirectoryData.requirePresent(volume)
        try VolumeError.wrap { () throws(SystemError) in
            try Files.syncDirectory(Files.parent(of: volume.paths.data))
        }
    }

    package func discard(_ volume: StoredVolume) throws(VolumeError) {
        try DirectoryData.discard(volume)
    }

    package func mount(_ volume: StoredVolume) throws(VolumeError) {
        try DirectoryData.requirePresent(volume)
    }

    package func isMounted(_ volume: StoredVolume) throws(VolumeError) -> Bool {
        try DirectoryData.isPresent(volume)
    }

    package func unmount(_ volume: StoredVolume) {}

    package func usage(_ volume: StoredVolume) throws(VolumeError) -> VolumeUsage {
        let usage = try VolumeError.wrap { () throws(SystemError) in
            try UsageWalk.measure(volume.paths.data)
        }
        return VolumeUsage(
            usedBytes: usage.bytes, usedInodes: usage.inodes, usableBytes: volume.bytes)
    }

    package func grow(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        try DirectoryData.requirePresent(volume)
        try DirectoryData.requireSpace(bytes - volume.bytes, at: volume.paths.data)
    }

    package func shrink(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        let used = try usage(volume).usedBytes
        guard used <= bytes else { throw .belowUsage(usedBytes: used, requestedBytes: bytes) }
    }

    package func withdraw(_ volume: StoredVolume) throws(VolumeError) {
        try DirectoryData.withdraw(volume)
    }

    package func erase(_ volume: StoredVolume, entries: Int) throws(VolumeError) -> Erasure {
        try DirectoryData.erase(volume, entries: entries)
    }

    package func recover(_ volume: StoredVolume) throws(VolumeError) -> VolumeCondition {
        try DirectoryData.requirePresent(volume)
        return .healthy
    }

    package func setAside(_ volume: StoredVolume, to target: String) throws(VolumeError) {
        try DirectoryData.setAside(volume, to: target)
    }
}
