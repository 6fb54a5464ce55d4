internal import Glibc
internal import Synchronization

/// Tells when this process's mounts change: the kernel says so by poll(2), nobody asks by time.
package final class MountWatch: Sendable {
    private let table: Descriptor

    /// Starts a thread that calls back after each change, and lives as long as the process.
    package init(
        name: String, _ changed: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        table = try Descriptor.open("/proc/self/mountinfo")
        let body = Unmanaged.passRetained(ThreadBody(name: name) { [self] in run(changed) })
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runThreadBody, body.toOpaque())
        if code != 0 {
            body.release()
            throw SystemError("pthread_create", name, errno: code)
        }
        pthread_detach(thread)
    }

    private func run(_ changed: @Sendable () -> Void) {
        while true {
            var wanted = pollfd(fd: table.number, events: Int16(POLLPRI), revents: 0)
            let count = poll(&wanted, 1, -1)
            if count > 0 { changed() } else if errno != EINTR { return }
        }
    }
}
