internal import Linux
package import Model
internal import Synchronization

/// Watches volumes that nothing but a count limits, a few names at a time, round and round.
///
/// Belongs to one thread, which calls `advance` at the pace that the disk may be loaded with.
package final class UsagePoller {
    /// A count of one volume that has come to its end.
    package struct Sample: Hashable, Sendable {
        package let uuid: VolumeUUID
        package let usedBytes: Int64
        package let usedInodes: Int64
        package let limitBytes: Int64

        package var isOverLimit: Bool { usedBytes > limitBytes }
    }

    private let store: VolumeStore
    private var current: (volume: StoredVolume, walk: UsageWalk)?

    package init(_ store: VolumeStore) { self.store = store }

    /// Looks at up to `entries` names, each volume once at most, as long as it is wanted; the
    /// volumes whose count was completed by it.
    package func advance(entries: Int, isWanted: () -> Bool = { true }) -> [Sample] {
        let step = 1000
        var samples: [Sample] = []
        var seen: Set<VolumeUUID> = []
        for _ in stride(from: 0, to: entries, by: step) {
            guard isWanted() else { break }
            if current == nil { current = next() }
            guard let (volume, walk) = current, !seen.contains(volume.record.uuid) else { break }
            do {
                guard let usage = try walk.advance(entries: step) else { continue }
                // It may have been resized meanwhile, or given up.
                if let volume = try? store.volume(volume.record.uuid) {
                    samples.append(
                        Sample(
                            uuid: volume.record.uuid, usedBytes: usage.bytes,
                            usedInodes: usage.inodes, limitBytes: volume.bytes))
                }
            } catch {
                // It vanished meanwhile; the round goes on.
            }
            seen.insert(volume.record.uuid)
            last = volume.record.uuid
            current = nil
        }
        return samples
    }

    private var last: VolumeUUID?

    /// The volume after the last one, by UUID, and the first again after the end.
    private func next() -> (volume: StoredVolume, walk: UsageWalk)? {
        let watched = store.index.withLock { $0.volumes }.filter {
            $0.record.backend == .directory && $0.record.state == .ready
        }
        let volume = watched.first { volume in last.map { volume.record.uuid > $0 } ?? true }
        guard let volume = volume ?? watched.first else { return nil }
        return (volume, UsageWalk(volume.paths.data))
    }
}
