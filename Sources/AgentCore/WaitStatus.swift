/// An exit status as `wait` returns it, in words.
struct WaitStatus: Hashable, Sendable {
    let raw: Int32

    var isSuccess: Bool { raw == 0 }

    /// `exited with status 1` or `terminated with signal Killed`, as Mesos words it.
    var text: String {
        let signal = Int(raw & 0x7F)
        guard signal != 0 else { return "exited with status \((raw >> 8) & 0xFF)" }
        let name = Self.names.indices.contains(signal) ? Self.names[signal] : "Unknown signal"
        return "terminated with signal \(name)" + (raw & 0x80 != 0 ? " (core dumped)" : "")
    }

    /// By number, in glibc's words.
    private static let names = [
        "", "Hangup", "Interrupt", "Quit", "Illegal instruction", "Trace/breakpoint trap",
        "Aborted", "Bus error", "Floating point exception", "Killed", "User defined signal 1",
        "Segmentation fault", "User defined signal 2", "Broken pipe", "Alarm clock", "Terminated",
        "Stack fault", "Child exited", "Continued", "Stopped (signal)", "Stopped",
        "Stopped (tty input)", "Stopped (tty output)", "Urgent I/O condition",
        "CPU time limit exceeded", "File size limit exceeded", "Virtual timer expired",
        "Profiling timer expired", "Window changed", "I/O possible", "Power failure",
        "Bad system call",
    ]
}
