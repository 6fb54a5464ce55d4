internal import Synchronization

/// Syncs of directories that several threads ask for at the same time: one that begins after a
/// thread's change is as good as its own.
final class DirectorySync: Sendable {
    static let shared = DirectorySync()

    final class Place: Sendable {
        /// Syncs that have begun, counted.
        let begun = Atomic<UInt64>(0)
        /// Held during a sync; the number of the last one that succeeded.
        let succeeded = Mutex<UInt64>(0)
    }

    let places = PathTable { Place() }

    /// Returns when a sync that began after the call has ended well.
    func sync(
        _ path: String, by body: () throws(SystemError) -> Void
    ) throws(SystemError) {
        try places.use(path) { place throws(SystemError) in
            let seen = place.begun.load(ordering: .sequentiallyConsistent)
            try place.succeeded.withLock { succeeded throws(SystemError) in
                if succeeded > seen { return }
                let number = place.begun.add(1, ordering: .sequentiallyConsistent).newValue
                try body()
                succeeded = number
            }
        }
    }
}
