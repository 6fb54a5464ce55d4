import Dispatch
import Foundation
import Synchronization

/// Threads for calls that block on disks and processes: at most so many, made when needed.
final class BlockingThreads: Sendable {
    private struct State {
        var queue: [@Sendable () -> Void] = []
        var head = 0
        var threads = 0
        var idle = 0
    }

    private let state = Mutex(State())
    private let ready = DispatchSemaphore(value: 0)
    private let limit: Int
    private let name: String

    init(_ name: String, limit: Int) {
        self.name = name
        self.limit = limit
    }

    /// Queues a call; calls start in order and run beside each other.
    func run(_ call: @escaping @Sendable () -> Void) {
        let needsThread = state.withLock { state in
            state.queue.append(call)
            if state.idle >= state.queue.count - state.head || state.threads >= limit {
                return false
            }
            state.threads += 1
            return true
        }
        if needsThread {
            let thread = Thread { [self] in serve() }
            thread.name = name
            // Who brings a result may have the core decide it on this thread.
            thread.stackSize = 8 << 20
            thread.start()
        }
        ready.signal()
    }

    private func serve() {
        while true {
            state.withLock { $0.idle += 1 }
            ready.wait()
            let call = state.withLock { state -> (@Sendable () -> Void)? in
                state.idle -= 1
                guard state.head < state.queue.count else { return nil }
                let call = state.queue[state.head]
                state.head += 1
                if state.head == state.queue.count {
                    state.queue.removeAll(keepingCapacity: true)
                    state.head = 0
                }
                return call
            }
            call?()
        }
    }
}
