internal import CLinux
internal import Glibc
internal import Synchronization

/// One thread that watches any number of descriptors and calls back once for each.
///
/// It sleeps in epoll until something happens; a call back runs on the thread and must not block.
package final class ReadinessThread: Sendable {
    private struct State {
        var lastKey: UInt64 = 0
        var watched: [UInt64: Watched] = [:]
    }

    private struct Watched {
        let descriptor: Int32
        let callback: @Sendable () -> Void
    }

    private let poll: Int32
    private let state = Mutex(State())

    /// Starts the thread, which lives as long as the process.
    package init(name: String) throws(SystemError) {
        poll = try SystemError.check("epoll_create1") { clinux_poll_create() }
        let body = Unmanaged.passRetained(ThreadBody(name: name) { [self] in run() })
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runThreadBody, body.toOpaque())
        if code != 0 {
            body.release()
            throw SystemError("pthread_create", name, errno: code)
        }
        pthread_detach(thread)
    }

    /// Calls back once, when the descriptor can be read or its other end is closed. The descriptor
    /// must stay open until then.
    package func watch(
        _ descriptor: Int32, _ callback: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let key = state.withLock { state in
            state.lastKey += 1
            state.watched[state.lastKey] = Watched(descriptor: descriptor, callback: callback)
            return state.lastKey
        }
        do {
            let poll = poll
            try SystemError.check("epoll_ctl") { clinux_poll_add(poll, descriptor, key) }
        } catch {
            _ = state.withLock { $0.watched.removeValue(forKey: key) }
            throw error
        }
    }

    private func run() {
        var ready = [clinux_ready](repeating: clinux_ready(), count: 64)
        while true {
            let count = clinux_poll_wait(poll, &ready, Int32(ready.count), -1)
            for event in ready.prefix(Int(max(0, count))) {
                guard let one = state.withLock({ $0.watched.removeValue(forKey: event.key) })
                else { continue }
                _ = clinux_poll_remove(poll, one.descriptor)
                one.callback()
            }
        }
    }
}
