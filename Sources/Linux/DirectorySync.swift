internal import Synchronization

/// Syncs of directories that several threads ask for at the same time: one that begins after a
/// thread's change is as good as its own.
final class DirectorySync: Sendable {
    static let shared = DirectorySync()

    private final class Place: Sendable {
        /// Syncs that have begun, counted.
        let begun = Atomic<UInt64>(0)
        /// Held during a sync; the number of the last one that succeeded.
        let succeeded = Mutex<UInt64>(0)
    }

    private struct Users {
        let place: Place
        /// Without any it is forgotten.
        var count: Int
    }

    private let places = Mutex<[String: Users]>([:])

    /// Returns when a sync that began after the call has ended well.
    func sync(
        _ path: String, by body: () throws(SystemError) -> Void
    ) throws(SystemError) {
        let place = enter(path)
        defer { leave(path) }
        let seen = place.begun.load(ordering: .sequentiallyConsistent)
        try place.succeeded.withLock { succeeded throws(SystemError) in
            if succeeded > seen { return }
            let number = place.begun.add(1, ordering: .sequentiallyConsistent).newValue
            try body()
            succeeded = number
        }
    }

    private func enter(_ path: String) -> Place {
        places.withLock { places in
            let place = places[path]?.place ?? Place()
            places[path, default: Users(place: place, count: 0)].count += 1
            return place
        }
    }

    private func leave(_ path: String) {
        places.withLock { places in
            places[path]?.count -= 1
            if places[path]?.count == 0 { places[path] = nil }
        }
    }
}
