import Model
import Volumes

// Several changes that are done whole or not at all: those of a transaction.

extension AgentVolumes {
    /// Does changes so that a later one which fails can take all before it back.
    func applyAll(_ changes: [VolumeChange]) throws(VolumeError) {
        var made: [VolumeUUID] = []
        var grown: [(uuid: VolumeUUID, bytes: Int64)] = []
        do throws(VolumeError) {
            for change in try inUndoableOrder(changes) {
                let bytes = sizeBefore(change)
                try apply(change)
                switch change {
                case .create(let volume): made.append(volume.uuid)
                case .resize(let uuid, to: _): if let bytes { grown.append((uuid, bytes)) }
                case .destroy: break
                }
            }
        } catch {
            for (uuid, bytes) in grown.reversed() { shrinkBack(uuid, to: bytes) }
            for uuid in made { retire(uuid) }
            throw error
        }
    }

    /// Growth of an image comes last, as it can't be taken back under a mount, and XFS never gets
    /// smaller. Throws `conflict` for two of them.
    private func inUndoableOrder(
        _ changes: [VolumeChange]
    ) throws(VolumeError) -> [VolumeChange] {
        guard changes.count > 1 else { return changes }
        let final = changes.filter { isFinal($0) }
        guard final.count < 2 else {
            throw .conflict(
                "\(final.count) volumes that are images can't grow in one transaction: growth of an"
                    + " image can't be taken back; grow one of them at a time")
        }
        return changes.filter { !isFinal($0) } + final
    }

    private func isFinal(_ change: VolumeChange) -> Bool {
        guard case .resize(let uuid, let amount) = change,
            let record = try? store(of: uuid)?.status(uuid).record,
            record.spec.bytes < Self.bytes(amount)
        else { return false }
        switch record.backend {
        case .projectQuota, .btrfs, .directory: return false
        case .loopExt4, .loopXFS, .lvmThinExt4, .lvmThinXFS, .mountDisk: return true
        }
    }

    private func sizeBefore(_ change: VolumeChange) -> Int64? {
        guard case .resize(let uuid, to: _) = change else { return nil }
        return try? store(of: uuid)?.status(uuid).record.spec.bytes
    }

    private func shrinkBack(_ uuid: VolumeUUID, to bytes: Int64) {
        guard let store = store(of: uuid),
            let now = try? store.status(uuid).record.spec.bytes, now > bytes
        else { return }
        do throws(VolumeError) { try store.shrink(uuid, to: bytes) } catch {
            note(error, of: uuid)
        }
    }
}
