import NIOCore

/// One deadline that moves often: the loop's timer is set again only when it fires too early.
///
/// Belongs to its event loop.
final class ConnectionTimer {
    private let loop: NIOIsolatedEventLoop
    private let expired: () -> Void
    private var deadline: NIODeadline?
    private var scheduled: (at: NIODeadline, timer: Scheduled<Void>)?

    init(loop: NIOIsolatedEventLoop, expired: @escaping () -> Void) {
        self.loop = loop
        self.expired = expired
    }

    func set(milliseconds: Int) {
        let deadline = NIODeadline.now() + .milliseconds(Int64(milliseconds))
        self.deadline = deadline
        if let scheduled, scheduled.at > deadline {
            scheduled.timer.cancel()
            self.scheduled = nil
        }
        if scheduled == nil { schedule(deadline) }
    }

    func clear() { deadline = nil }

    /// Ends it: nothing fires any more.
    func cancel() {
        deadline = nil
        scheduled?.timer.cancel()
        scheduled = nil
    }

    private func schedule(_ at: NIODeadline) {
        scheduled = (at, loop.scheduleTask(deadline: at) { self.fire() })
    }

    private func fire() {
        scheduled = nil
        guard let deadline else { return }
        if NIODeadline.now() < deadline {
            schedule(deadline)
        } else {
            self.deadline = nil
            expired()
        }
    }
}
