internal import CLinux
internal import Glibc

/// Starting a program with chosen descriptors and environment, in a session of its own.
package enum SpawnedProcess {
    /// Starts a program by its path; `descriptors[i]` becomes the child's descriptor i (nil:
    /// /dev/null), nothing else is inherited. The caller reaps it.
    package static func start(
        _ path: String, _ arguments: [String], environment: [String], descriptors: [Int32?]
    ) throws(SystemError) -> ProcessHandle {
        let numbers = descriptors.map { $0 ?? -1 }
        var pid: Int32 = 0
        let result = withCStrings([path] + arguments) { argv in
            withCStrings(environment) { envp in
                clinux_spawn(path, argv, envp, numbers, Int32(numbers.count), &pid)
            }
        }
        guard result == 0 else { throw .last("posix_spawn", path) }
        // A child stays there until it is reaped, so its number is still its own.
        guard let handle = ProcessHandle(pid: pid) else { throw .last("pidfd_open", path) }
        return handle
    }
}

/// A pipe; both ends are closed on exec.
package struct PipeEnds: ~Copyable {
    package let reader: Descriptor
    package let writer: Descriptor

    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try SystemError.check("pipe2") { clinux_pipe(&ends) }
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
    }

    /// Keeps the reading end only, so that the end of the other process's output is seen.
    package consuming func closingWriter() -> Descriptor { reader }
}

extension Descriptor {
    /// Reads until the other end is closed or the time is over; at most `limit` bytes.
    package borrowing func readToEnd(
        limit: Int, withinMilliseconds milliseconds: Int64
    ) -> (bytes: [UInt8], isWhole: Bool) {
        let end = MonotonicTime.milliseconds() + milliseconds
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let rest = max(0, end - MonotonicTime.milliseconds())
            guard Readiness.isReady(number, withinMilliseconds: rest) else {
                return (bytes, false)
            }
            let count = Glibc.read(number, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            if count <= 0 { return (bytes, count == 0) }
            bytes.append(contentsOf: buffer[..<min(count, max(0, limit - bytes.count))])
        }
    }
}
