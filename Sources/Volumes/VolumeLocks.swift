internal import Linux
internal import Synchronization

/// One thread at a time for one data path; different paths never wait for each other.
final class VolumeLocks: Sendable {
    private final class Gate: Sendable {
        let mutex = Mutex(())
    }

    private let gates = PathTable { Gate() }

    func withLock<Result: Sendable>(
        _ path: String, _ body: () throws(VolumeError) -> Result
    ) throws(VolumeError) -> Result {
        try gates.use(path) { gate throws(VolumeError) -> Result in
            try gate.mutex.withLock { _ throws(VolumeError) -> Result in try body() }
        }
    }
}
