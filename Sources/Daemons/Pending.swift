import Synchronization

/// Calls that wait for a machine's answer, by the number under which the machine knows them.
final class Pending<Answer: Sendable>: Sendable {
    private struct State {
        var next: UInt64 = 1
        var waiting: [UInt64: CheckedContinuation<Answer, Never>] = [:]
    }

    private let state = Mutex(State())

    /// Gives the call a number, starts it, and returns with its answer.
    func ask(_ start: (UInt64) -> Void) async -> Answer {
        await withCheckedContinuation { continuation in
            let number = state.withLock { state in
                defer { state.next += 1 }
                state.waiting[state.next] = continuation
                return state.next
            }
            start(number)
        }
    }

    /// Answers a call; a number that nobody waits for is left alone.
    func answer(_ number: UInt64, _ answer: Answer) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: answer)
    }
}

/// Numbers that are never used twice in a process.
final class Counter: Sendable {
    private let value = Atomic<UInt64>(0)

    func next() -> UInt64 { value.add(1, ordering: .relaxed).newValue }
}
