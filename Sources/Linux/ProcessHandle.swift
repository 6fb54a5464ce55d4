internal import CLinux
internal import Glibc

/// A pidfd: one process for good, whatever its number is given to later.
package final class ProcessHandle: Sendable {
    package let pid: Int32
    package let descriptor: Int32

    /// Nil if no process has the number.
    package init?(pid: Int32) {
        let number = clinux_pidfd_open(pid)
        guard number >= 0 else { return nil }
        self.pid = pid
        descriptor = number
    }

    deinit { close(descriptor) }

    /// False if the process has ended.
    @discardableResult
    package func send(_ signal: Int32) -> Bool { clinux_pidfd_signal(descriptor, signal) == 0 }

    package var hasEnded: Bool { Readiness.isReady(descriptor, withinMilliseconds: 0) }

    /// Waits for the end; false when the time is over.
    package func waitForEnd(withinMilliseconds limit: Int64) -> Bool {
        Readiness.isReady(descriptor, withinMilliseconds: limit)
    }

    /// Reaps the process, if it is a child that has ended; its wait status.
    @discardableResult
    package func reap() -> Int32? {
        var status: Int32 = 0
        return clinux_pidfd_reap(descriptor, &status) == 1 ? status : nil
    }
}

/// Waiting for one descriptor.
package enum Readiness {
    /// Whether it can be read, or its other end is closed, before the time is over.
    package static func isReady(_ descriptor: Int32, withinMilliseconds limit: Int64) -> Bool {
        wait(descriptor, POLLIN, limit)
    }

    /// Whether it can be written, or has failed, before the time is over.
    package static func isWritable(_ descriptor: Int32, withinMilliseconds limit: Int64) -> Bool {
        wait(descriptor, POLLOUT, limit)
    }

    private static func wait(_ descriptor: Int32, _ events: Int32, _ limit: Int64) -> Bool {
        let end = MonotonicTime.milliseconds() + limit
        var polled = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while true {
            let rest = max(0, end - MonotonicTime.milliseconds())
            let count = poll(&polled, 1, Int32(clamping: rest))
            if count > 0 { return true }
            if count == 0 || errno != EINTR { return false }
        }
    }
}
