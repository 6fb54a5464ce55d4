internal import Linux
package import Model
internal import Synchronization

/// A volume of a disk with all that people and books want to know of it.
package struct VolumeStatus: Hashable, Sendable {
    package let record: VolumeRecord
    /// Where its data is, or will be mounted.
    package let path: String
    package let enforcement: Enforcement
    package let growsWhileMounted: Bool
}

extension VolumeStore {
    /// Makes a volume's data reachable and proves it; returns its path. Nothing happens if it is.
    @discardableResult
    package func mount(_ uuid: VolumeUUID) throws(VolumeError) -> String {
        try withReady(uuid) { volume, backend throws(VolumeError) in
            try clearPlace(of: volume, backend)
            try backend.mount(volume)
            return volume.paths.data
        }
    }

    /// Takes a volume away from its path; `stillAttached` while something uses it.
    package func unmount(_ uuid: VolumeUUID) throws(VolumeError) {
        try withReady(uuid) { volume, backend throws(VolumeError) in
            try backend.unmount(volume)
        }
    }

    /// Gives a volume's root directory, not what is in it, to a user.
    package func setOwner(_ uuid: VolumeUUID, _ owner: VolumeOwner) throws(VolumeError) {
        try withReady(uuid) { volume, backend throws(VolumeError) in
            try clearPlace(of: volume, backend)
            try backend.mount(volume)
            var volume = volume
            volume.record.spec.owner = owner
            try DirectoryData.own(volume)
            if try self.volume(uuid) != volume { try store(volume) }
        }
    }

    /// What is in a volume now; of a directory this walks the whole tree.
    package func usage(_ uuid: VolumeUUID) throws(VolumeError) -> VolumeUsage {
        let volume = try volume(uuid)
        guard volume.record.state == .ready else {
            return VolumeUsage(usedBytes: 0, usedInodes: 0, usableBytes: volume.bytes)
        }
        return try backend(volume.record.backend).usage(volume)
    }

    /// Makes a volume larger; on `noSpace` it is as before.
    ///
    /// One that can't grow while mounted is unmounted, checked and mounted again, and refused with
    /// `stillAttached` while something uses it.
    package func grow(_ uuid: VolumeUUID, to bytes: Int64) throws(VolumeError) {
        try resize(uuid, to: bytes) { volume, backend throws(VolumeError) in
            guard bytes > volume.bytes else {
                throw .conflict("volume \(uuid) already has \(volume.bytes) bytes")
            }
            try clearPlace(of: volume, backend)
            try backend.grow(volume, to: bytes)
        }
    }

    /// Makes a volume smaller; `belowUsage` if more is stored, `unsupported` if it never can.
    package func shrink(_ uuid: VolumeUUID, to bytes: Int64) throws(VolumeError) {
        guard bytes > 0 else { throw .conflict("a volume has at least one byte") }
        try resize(uuid, to: bytes) { volume, backend throws(VolumeError) in
            guard bytes < volume.bytes else {
                throw .conflict("volume \(uuid) has only \(volume.bytes) bytes")
            }
            try clearPlace(of: volume, backend)
            try backend.shrink(volume, to: bytes)
        }
    }

    private func resize(
        _ uuid: VolumeUUID, to bytes: Int64,
        _ body: (StoredVolume, any VolumeBackend) throws(VolumeError) -> Void
    ) throws(VolumeError) {
        try withReady(uuid) { volume, backend throws(VolumeError) in
            // Repeated after a crash: the size is already on record.
            if volume.bytes == bytes { return }
            try body(volume, backend)
            var volume = volume
            volume.record.spec.bytes = bytes
            try store(volume)
        }
    }

    /// Every volume that has an owner file, by UUID.
    package func inventory() throws(VolumeError) -> [VolumeStatus] {
        var result: [VolumeStatus] = []
        for volume in index.withLock({ $0.volumes }) { result.append(try status(of: volume)) }
        return result
    }

    /// One volume's entry in the inventory.
    package func status(_ uuid: VolumeUUID) throws(VolumeError) -> VolumeStatus {
        try status(of: try volume(uuid))
    }

    private func status(of volume: StoredVolume) throws(VolumeError) -> VolumeStatus {
        let backend = try? backend(volume.record.backend)
        return VolumeStatus(
            record: volume.record, path: volume.paths.data,
            enforcement: backend?.enforcement ?? .none,
            growsWhileMounted: backend?.growsWhileMounted ?? false)
    }

    /// What a new volume of a size would get: for refusals and tables before anything is made.
    package func prospect(
        forBytes bytes: Int64
    ) throws(VolumeError) -> (kind: BackendKind, enforcement: Enforcement, grows: Bool) {
        let backend = try backend(selection.kind(forBytes: bytes))
        return (backend.kind, backend.enforcement, backend.growsWhileMounted)
    }
}
