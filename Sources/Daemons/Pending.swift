import Synchronization

/// Calls that wait for a machine's answer, by the number under which the machine knows them.
final class Pending<Answer: Sendable>: Sendable {
    private struct State {
        var next: UInt64 = 1
        var waiting: [UInt64: @Sendable (Answer) -> Void] = [:]
    }

    private let state = Mutex(State())

    /// Gives the call a number and starts it; `finish` is called once, from any thread.
    func ask(_ start: (UInt64) -> Void, finish: @escaping @Sendable (Answer) -> Void) {
        let number = state.withLock { state in
            defer { state.next += 1 }
            state.waiting[state.next] = finish
            return state.next
        }
        start(number)
    }

    /// Answers a call; a number that nobody waits for is left alone.
    func answer(_ number: UInt64, _ answer: Answer) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?(answer)
    }
}
