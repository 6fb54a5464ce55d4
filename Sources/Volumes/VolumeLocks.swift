internal import Synchronization

/// One thread at a time for one data path; different paths never wait for each other.
final class VolumeLocks: Sendable {
    private final class Gate: Sendable {
        let mutex = Mutex(())
    }

    private struct Queue {
        let gate: Gate
        /// Who holds the gate or waits at it; without any it is forgotten.
        var users: Int
    }

    private let queues = Mutex<[String: Queue]>([:])

    func withLock<Result: Sendable>(
        _ path: String, _ body: () throws(VolumeError) -> Result
    ) throws(VolumeError) -> Result {
        let gate = enter(path)
        defer { leave(path) }
        return try gate.mutex.withLock { _ throws(VolumeError) -> Result in try body() }
    }

    private func enter(_ path: String) -> Gate {
        queues.withLock { queues in
            let gate = queues[path]?.gate ?? Gate()
            queues[path, default: Queue(gate: gate, users: 0)].users += 1
            return gate
        }
    }

    private func leave(_ path: String) {
        queues.withLock { queues in
            queues[path]?.users -= 1
            if queues[path]?.users == 0 { queues[path] = nil }
        }
    }
}
