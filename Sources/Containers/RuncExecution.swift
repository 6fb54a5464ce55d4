internal import Glibc
internal import Linux
internal import Synchronization

/// One command in a container that runs already, by `runc exec`.
struct RuncExecution {
    private static let last = Mutex(0)

    /// runc and its global options.
    let runtime: [String]
    let id: String
    /// The container's state directory.
    let state: String

    /// The command's wait status; nil: it took too long and was killed with all that it started.
    func run(
        _ process: RuncBundle.Process, timeoutMilliseconds: Int64
    ) throws(ContainerError) -> Int32? {
        let number = Self.last.withLock { last in
            last += 1
            return last
        }
        let file = "\(state)/exec-\(getpid())-\(number)"
        defer { unlink(file) }
        let form = try process.runtimeForm()
        do throws(SystemError) {
            // In memory: its environment may hold secrets.
            let description = try Descriptor.inMemory("process")
            try description.writeAll(form)
            let words = ["exec", "--process", "/proc/self/fd/3", "--pid-file", file, id]
            let child = try Spawn.start(
                runtime + words, environment: [Supervision.path],
                handing: [description.number])
            let isInTime =
                PidFD(child)?.waitForEnd(milliseconds: Int32(clamping: timeoutMilliseconds))
                ?? true
            if !isInTime { end(child, file) }
            let status = try Spawn.reap(child)
            return isInTime ? status : nil
        } catch {
            throw ContainerError("command in container \(id): \(error)")
        }
    }

    /// The command is not runc's child only: runc's own death would leave it running.
    private func end(_ runtime: Int32, _ file: String) {
        if let bytes = try? DurableFile.read(file, limit: 32),
            let pid = Int32(String(decoding: bytes, as: UTF8.self)), pid > 1
        {
            Processes.killSession(pid)
        } else {
            for child in Processes.all() where child.parent == runtime {
                PidFD(child.pid)?.signal(SIGKILL)
            }
        }
        kill(runtime, SIGKILL)
    }
}
