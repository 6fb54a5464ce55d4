internal import Glibc
internal import Linux

/// How a container's end is told.
enum RuncExit {
    static func conclude(
        _ state: String, _ waitStatus: Int32?, _ cgroups: Cgroups, group: String
    ) -> ContainerExit {
        // Without its supervisor it was not killed by its end.
        if waitStatus == nil { cgroups.kill(group) }
        let isOutOfMemory = waitStatus != 0 && cgroups.outOfMemoryKills(group) > 0
        let status = waitStatus == SIGKILL ? RuncSignal.recorded(state) ?? SIGKILL : waitStatus
        return ContainerExit(waitStatus: status, isOutOfMemory: isOutOfMemory)
    }
}

/// Signals to a container's first process.
///
/// The kernel keeps from the first process of a pid namespace every signal it does not handle. One
/// that would end any other process therefore ends the container here: the command needs no init.
enum RuncSignal {
    private static let fatal: Set<Int32> = [
        SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM,
    ]

    static func send(_ signal: Int32, to id: String, _ supervision: Supervision) {
        guard fatal.contains(signal), let pid = supervision.pid(id), !isHandled(signal, by: pid)
        else { return supervision.signal(id, signal) }
        try? SmallFile.write(Array("\(signal)".utf8), to: "\(supervision.state(id))/signal")
        supervision.signal(id, SIGKILL)
    }

    /// The signal that a container was ended by on its behalf.
    static func recorded(_ state: String) -> Int32? {
        guard let bytes = try? DurableFile.read("\(state)/signal", limit: 16) else { return nil }
        return Int32(String(decoding: bytes, as: UTF8.self))
    }

    /// Whether the process catches or ignores a signal.
    private static func isHandled(_ signal: Int32, by pid: Int32) -> Bool {
        guard let text = try? KernelText.read("/proc/\(pid)/status") else { return true }
        return text.split(separator: "\n").contains { line in
            guard line.hasPrefix("SigCgt:") || line.hasPrefix("SigIgn:"),
                let mask = line.split(separator: "\t").last.flatMap({ UInt64($0, radix: 16) })
            else { return false }
            return mask & (1 << UInt64(signal - 1)) != 0
        }
    }
}

/// Small files that need not survive a crash of the host: it ends the container as well.
enum SmallFile {
    static func write(_ bytes: [UInt8], to path: String) throws(ContainerError) {
        do throws(SystemError) {
            let file = try Descriptor.open(path, .create)
            try file.writeAll(bytes)
        } catch {
            throw ContainerError("\(error)")
        }
    }
}
