import Synchronization

/// What happened, in order, and a way to wait for it.
final class EventLog<Element: Sendable>: Sendable {
    private struct Waiter {
        let accepts: @Sendable ([Element]) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var elements: [Element] = []
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())

    var all: [Element] { state.withLock(\.elements) }

    func add(_ element: Element) {
        let ready = state.withLock { state in
            state.elements.append(element)
            let elements = state.elements
            let ready = state.waiters.filter { $0.accepts(elements) }
            state.waiters.removeAll { $0.accepts(elements) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// Returns once what has happened is accepted.
    func wait(until accepts: @escaping @Sendable ([Element]) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if accepts(state.elements) { return true }
                state.waiters.append(Waiter(accepts: accepts, continuation: continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}
