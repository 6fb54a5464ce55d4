internal import CLinux
internal import Glibc

/// A process held by descriptor: its pid can't be taken for that of a later process.
package struct PidFD: ~Copyable, Sendable {
    package let descriptor: Descriptor

    /// Nil: no such process.
    package init?(_ pid: Int32) {
        let number = clinux_pidfd_open(pid)
        guard number >= 0 else { return nil }
        descriptor = Descriptor(owning: number)
    }

    /// True once the process has ended, be it reaped or not.
    package var hasEnded: Bool { waitForEnd(milliseconds: 0) }

    /// Waits for the process's end at most so long; false: it still runs.
    package func waitForEnd(milliseconds: Int32) -> Bool {
        var polled = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        return retrying { poll(&polled, 1, milliseconds) } > 0
    }

    /// False: it has ended, or this process may not.
    @discardableResult
    package func signal(_ signal: Int32) -> Bool {
        clinux_pidfd_signal(descriptor.number, signal) == 0
    }
}
