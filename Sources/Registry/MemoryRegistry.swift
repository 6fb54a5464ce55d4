import Synchronization

/// A registry in memory that fails on demand, for tests of what stands above it.
package final class MemoryRegistry: RegistryStore {
    /// What befalls the next commit.
    package enum Fault: Hashable, Sendable {
        case noSpace
        /// Fails for good; the changes are not made.
        case failure
    }

    private struct State {
        var buckets: [RegistryBucket: [String: [UInt8]]] = [:]
        var trail: [TrailEntry] = []
        var faults: [Fault] = []
        var isPoisoned = false
        var isSpaceLow = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Queues a fault; each befalls one commit.
    package func inject(_ fault: Fault) { state.withLock { $0.faults.append(fault) } }

    /// As if somebody had made room on the disk.
    package func makeRoom() { state.withLock { $0.isSpaceLow = false } }

    package func isSpaceLow() -> Bool { state.withLock(\.isSpaceLow) }

    /// A registry that holds what this one did before its process was killed.
    package func reopened() -> MemoryRegistry {
        let copy = MemoryRegistry()
        let (buckets, trail) = state.withLock { ($0.buckets, $0.trail) }
        copy.state.withLock {
            $0.buckets = buckets
            $0.trail = trail
        }
        return copy
    }

    package func load() throws(RegistryError) -> [RegistryBucketContents] {
        state.withLock { state in
            RegistryBucket.allCases.map { bucket in
                let records = state.buckets[bucket] ?? [:]
                let keys = records.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                let entries = keys.compactMap { key in
                    records[key].map { RegistryEntry(key: key, value: $0) }
                }
                return RegistryBucketContents(bucket: bucket, entries: entries)
            }
        }
    }

    package func commit(
        _ changes: [RegistryChange], trail: [TrailEntry]
    ) throws(RegistryError) {
        try state.withLock { (state) throws(RegistryError) in
            if state.isPoisoned { throw .poisoned(reason: "injected earlier") }
            if !state.faults.isEmpty {
                switch state.faults.removeFirst() {
                case .noSpace:
                    state.isSpaceLow = true
                    throw .noSpace(reason: "injected")
                case .failure:
                    state.isPoisoned = true
                    throw .poisoned(reason: "injected")
                }
            }
            for change in changes {
                state.buckets[change.bucket, default: [:]][change.key] = change.value
            }
            for entry in trail {
                let isThere = entry.unlessThere.map { subject in
                    state.trail.suffix(TrailEntry.lookedBack).contains {
                        $0.subjects.contains(subject)
                    }
                }
                if isThere != true { state.trail.append(entry) }
            }
        }
    }

    package func trail(_ query: TrailQuery) throws(RegistryError) -> TrailPage {
        let trail = state.withLock(\.trail)
        var page = TrailPage()
        var scanned = 0
        for (index, entry) in trail.enumerated().reversed() {
            let number = Int64(index) + 1
            if let before = query.before, number >= before { continue }
            guard scanned < query.scanLimit, page.entries.count < query.limit else {
                page.next = number + 1
                break
            }
            scanned += 1
            let subjects = entry.subjects.map { $0[...] }
            if query.matches(nanoseconds: entry.nanoseconds, subjects: subjects) {
                page.entries.append(TrailPage.Numbered(number: number, entry: entry))
            }
        }
        return page
    }
}
