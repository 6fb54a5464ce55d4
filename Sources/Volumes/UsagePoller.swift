package import Linux
package import Model
internal import Synchronization

/// Watches volumes that nothing but a count limits, round and round: the fullest first, and only
/// where something has changed (`TreeCounter`).
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
        fileprivate var share: Double { Double(usedBytes) / Double(max(1, limitBytes)) }
    }

    /// What was known of a volume's tree when it was counted last.
    private struct Tree {
        let counter: TreeCounter
        var share = 1.0
    }

    private static let step = 1000

    private let store: VolumeStore
    private let watch: DirectoryWatch
    private var trees: [VolumeUUID: Tree] = [:]
    /// What this round has still to count, the next one last.
    private var waiting: [StoredVolume] = []

    /// `watch` may be shared with others of the same thread.
    package init(_ store: VolumeStore, watch: DirectoryWatch = DirectoryWatch()) {
        self.store = store
        self.watch = watch
    }

    /// Looks at about `entries` names, each volume once at most, as long as it is wanted; the
    /// volumes whose count was completed by it.
    package func advance(entries: Int, isWanted: () -> Bool = { true }) -> [Sample] {
        if waiting.isEmpty { begin() }
        var samples: [Sample] = []
        var left = entries
        while left > 0, isWanted(), let volume = waiting.last {
            let uuid = volume.record.uuid
            guard let tree = trees[uuid] else { break }
            do {
                let step = min(left, Self.step)
                guard let usage = try tree.counter.advance(entries: step, isWanted: isWanted) else {
                    left -= step
                    continue
                }
                // It may have been resized meanwhile, or given up.
                if let volume = try? store.volume(uuid) {
                    let sample = Sample(
                        uuid: uuid, usedBytes: usage.bytes, usedInodes: usage.inodes,
                        limitBytes: volume.bytes)
                    trees[uuid]?.share = sample.share
                    samples.append(sample)
                }
            } catch {
                // It vanished meanwhile; the round goes on.
            }
            left -= 1
            waiting.removeLast()
        }
        return samples
    }

    /// Begins a round with all volumes, those that are nearest to their limits first.
    private func begin() {
        watch.deliver()
        let watched = store.index.withLock { $0.volumes }.filter {
            $0.record.backend == .directory && $0.record.state == .ready
        }
        var kept: [VolumeUUID: Tree] = [:]
        for volume in watched {
            let uuid = volume.record.uuid
            kept[uuid] =
                trees[uuid] ?? Tree(counter: TreeCounter(volume.paths.data, watch: watch))
        }
        trees = kept
        let share = { (volume: StoredVolume) in self.trees[volume.record.uuid]?.share ?? 0 }
        waiting = watched.sorted { one, other in
            let (first, second) = (share(one), share(other))
            return first == second ? one.record.uuid > other.record.uuid : first < second
        }
    }
}
