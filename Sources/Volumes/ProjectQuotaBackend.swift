internal import Linux
package import Model
internal import Synchronization

/// A directory whose tree the file system counts under a project id and limits: ext4 and XFS
/// mounted with `prjquota`.
///
/// The limit binds any process without CAP_SYS_RESOURCE. A process in the agent's own user
/// namespace that owns a file could change its project id: containers close that door.
package struct ProjectQuotaBackend: VolumeBackend {
    /// Project ids that are ours to give: far from those that people choose by hand.
    private static let firstID: UInt32 = 0x4800_0000
    private static let countOfIDs: UInt32 = 0x0100_0000
    private static let attempts: UInt32 = 10_000
    /// Between finding a free id and using it no other thread may do the same.
    private static let turn = Mutex(())

    package let kind = BackendKind.projectQuota
    package let enforcement = Enforcement.kernel
    package let growsWhileMounted = true
    package let needsPreparation = false

    /// The block device, for kernels that know quotactl by device only.
    private let device: String

    package init(device: String) { self.device = device }

    package func allocate(_ volume: inout StoredVolume) throws(VolumeError) {
        try DirectoryData.requireSpace(volume.bytes, at: volume.paths.data)
        do {
            volume.record.projectID = try makeCounted(volume)
            try DirectoryData.own(volume)
        } catch {
            try? DirectoryData.discard(volume)
            throw error
        }
    }

    private func makeCounted(_ volume: StoredVolume) throws(VolumeError) -> UInt32 {
        try Self.turn.withLock { _ throws(VolumeError) -> UInt32 in
            let id = try freeID(for: volume)
            try DirectoryData.make(volume)
            try VolumeError.wrap { () throws(SystemError) in
                try ProjectQuota.assign(id, to: volume.paths.data)
                try ProjectQuota.limit(
                    id, to: volume.bytes, at: volume.paths.data, device: device)
                if let inodes = volume.record.spec.limits.inodes {
                    try ProjectQuota.limitInodes(
                        id, to: inodes, at: volume.paths.data, device: device)
                }
            }
            return id
        }
    }

    /// An id to which no file belongs. A volume's own directory always belongs to its id, so that
    /// the kernel's count tells what is taken, over all disks on one file system.
    private func freeID(for volume: StoredVolume) throws(VolumeError) -> UInt32 {
        let parent = Files.parent(of: volume.paths.data)
        var hash: UInt32 = 2_166_136_261
        for byte in volume.record.uuid.value.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        for attempt in 0..<Self.attempts {
            let id = Self.firstID + (hash &+ attempt) % Self.countOfIDs
            let isUnused = try VolumeError.wrap { () throws(SystemError) in
                try ProjectQuota.state(of: id, at: parent, device: device).isUnused
            }
            if isUnused { return id }
        }
        throw .unavailable(kind, "no project id is free")
    }

    package func objection(to limits: VolumeLimits, bytes: Int64) -> String? {
        limits.rates.isEmpty
            ? nil : "what is done in a second can be limited only on a device of the volume's own"
    }

    package func prepare(_ volume: StoredVolume) {}

    package func discard(_ volume: StoredVolume) throws(VolumeError) {
        try DirectoryData.discard(volume)
    }

    /// Also sets the limit again where something took it away.
    package func mount(_ volume: StoredVolume) throws(VolumeError) {
        try DirectoryData.requirePresent(volume)
        let id = try projectID(of: volume)
        let now = try observedLimit(of: volume, id)
        try VolumeError.wrap { () throws(SystemError) in
            if !now.isCounted { try ProjectQuota.assign(id, to: volume.paths.data) }
            if now.bytes != now.wantedBytes {
                try ProjectQuota.limit(
                    id, to: volume.bytes, at: volume.paths.data, device: device)
            }
            guard let inodes = volume.record.spec.limits.inodes else { return }
            let state = try ProjectQuota.state(of: id, at: volume.paths.data, device: device)
            if state.limitInodes != inodes {
                try ProjectQuota.limitInodes(
                    id, to: inodes, at: volume.paths.data, device: device)
            }
        }
    }

    package func limit(of volume: StoredVolume) throws(VolumeError) -> ObservedLimit? {
        try observedLimit(of: volume, try projectID(of: volume))
    }

    private func observedLimit(
        of volume: StoredVolume, _ id: UInt32
    ) throws(VolumeError) -> ObservedLimit {
        try VolumeError.wrap { () throws(SystemError) in
            let now = try ProjectQuota.project(of: volume.paths.data)
            let state = try ProjectQuota.state(of: id, at: volume.paths.data, device: device)
            return ObservedLimit(
                isCounted: now.id == id && now.isInherited, group: "project \(id)",
                bytes: state.limitBytes, wantedBytes: (volume.bytes + 1023) / 1024 * 1024)
        }
    }

    /// Our projects that the file system has a record of; none where quota is off.
    func projects(at path: String, atMost count: Int) -> [StoreObservation.Project] {
        let ids = Self.firstID...(Self.firstID + Self.countOfIDs - 1)
        let found = try? ProjectQuota.projects(
            in: ids, at: path, device: device, atMost: count)
        return (found ?? []).map {
            StoreObservation.Project(
                id: $0.id, limitBytes: $0.state.limitBytes, isUnused: $0.state.isUnused)
        }
    }

    /// Takes the limit off an id that no file has; nobody can be given it meanwhile.
    func clearUnused(_ id: UInt32, at path: String) throws(VolumeError) {
        try Self.turn.withLock { _ throws(VolumeError) in
            try VolumeError.wrap { () throws(SystemError) in
                guard try ProjectQuota.state(of: id, at: path, device: device).isUnused else {
                    return
                }
                try ProjectQuota.limit(id, to: 0, at: path, device: device)
                try ProjectQuota.limitInodes(id, to: 0, at: path, device: device)
            }
        }
    }

    package func isMounted(_ volume: StoredVolume) throws(VolumeError) -> Bool {
        try DirectoryData.isPresent(volume)
    }

    package func unmount(_ volume: StoredVolume) {}

    package func usage(_ volume: StoredVolume) throws(VolumeError) -> VolumeUsage {
        let id = try projectID(of: volume)
        let state = try VolumeError.wrap { () throws(SystemError) in
            try ProjectQuota.state(
                of: id, at: Files.parent(of: volume.paths.data), device: device)
        }
        return VolumeUsage(
            usedBytes: state.usedBytes, usedInodes: state.usedInodes, usableBytes: volume.bytes,
            usableInodes: volume.record.spec.limits.inodes)
    }

    package func grow(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        try DirectoryData.requireSpace(bytes - volume.bytes, at: volume.paths.data)
        try limit(volume, to: bytes)
    }

    package func shrink(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        // The limit first: what is written meanwhile can't slip under the check.
        try limit(volume, to: bytes)
        let used = try usage(volume).usedBytes
        guard used <= bytes else {
            try limit(volume, to: volume.bytes)
            throw .belowUsage(usedBytes: used, requestedBytes: bytes)
        }
    }

    private func limit(_ volume: StoredVolume, to bytes: Int64) throws(VolumeError) {
        let id = try projectID(of: volume)
        try VolumeError.wrap { () throws(SystemError) in
            try ProjectQuota.limit(
                id, to: bytes, at: Files.parent(of: volume.paths.data), device: device)
        }
    }

    private func projectID(of volume: StoredVolume) throws(VolumeError) -> UInt32 {
        guard let id = volume.record.projectID else {
            throw .damaged("the owner file of volume \(volume.record.uuid) has no project id")
        }
        return id
    }

    package func withdraw(_ volume: StoredVolume) throws(VolumeError) {
        try DirectoryData.withdraw(volume)
    }

    package func erase(_ volume: StoredVolume, entries: Int) throws(VolumeError) -> Erasure {
        guard try DirectoryData.erase(volume, entries: entries) == .done else {
            return .unfinished
        }
        // The last trace of the id: from here on it can be given again.
        if let id = volume.record.projectID {
            try VolumeError.wrap { () throws(SystemError) in
                let place = Files.parent(of: volume.paths.deleting)
                try ProjectQuota.limit(id, to: 0, at: place, device: device)
                if volume.record.spec.limits.inodes != nil {
                    try ProjectQuota.limitInodes(id, to: 0, at: place, device: device)
                }
            }
        }
        return .done
    }

    package func recover(_ volume: StoredVolume) throws(VolumeError) -> VolumeCondition {
        try mount(volume)
        return .healthy
    }

    package func setAside(_ volume: StoredVolume, to target: String) throws(VolumeError) {
        try DirectoryData.setAside(volume, to: target)
    }
}
