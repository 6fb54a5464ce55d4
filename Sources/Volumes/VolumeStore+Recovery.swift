package import Model
internal import Synchronization

/// What a start of the agent finds of a volume.
package enum RecoveredVolume: Hashable, Sendable {
    /// Mounted and usable.
    case ready(VolumeCondition)
    /// Its making was cut off: `create` again, or `retire` it.
    case unfinished
    /// To be erased.
    case deleting
}

extension VolumeStore {
    /// After a restart of the agent or a reboot: checks a volume and mounts it, or finishes what
    /// was cut off in retiring it. An error says what a person has to do; the volume is left alone.
    package func recover(_ uuid: VolumeUUID) throws(VolumeError) -> RecoveredVolume {
        let path = try volume(uuid).paths.data
        return try locks.withLock(path) { () throws(VolumeError) in
            let volume = try volume(uuid)
            let backend = try backend(volume.record.backend)
            switch volume.record.state {
            case .creating: return .unfinished
            case .deleting:
                try withdraw(volume)
                return .deleting
            case .ready where wipes.withLock({ $0[uuid] != nil }):
                return .ready(.checked("its data is being erased"))
            case .ready:
                try clearPlace(of: volume, backend)
                return .ready(try backend.recover(volume))
            }
        }
    }
}
