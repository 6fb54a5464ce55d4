import Dispatch
import Synchronization

/// Preparations of volumes that are under way: what is made and mounted while all volumes are
/// unmounted would stay behind.
final class Preparations: Sendable {
    private let isStopped = Mutex(false)
    private let running = DispatchGroup()

    /// False: none begins any more.
    func begin() -> Bool {
        isStopped.withLock { isStopped in
            if !isStopped { running.enter() }
            return !isStopped
        }
    }

    func end() { running.leave() }

    /// Lets no more begin, and waits for the end of those that have: at most ten seconds, as a disk
    /// may hang.
    func stop() {
        isStopped.withLock { $0 = true }
        _ = running.wait(timeout: .now() + 10)
    }
}
