/// What tells a process from a later one that was given the same number.
package struct ProcessRecord: Hashable, Sendable {
    package let pid: Int32
    /// Clock ticks between boot and the start of the process.
    package let startTime: UInt64
    /// Of the boot in which it ran.
    package let bootID: String

    package init(pid: Int32, startTime: UInt64, bootID: String) {
        self.pid = pid
        self.startTime = startTime
        self.bootID = bootID
    }

    /// Reads "PID START-TIME BOOT-ID"; nil for anything else.
    package init?(text: String) {
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 3, let pid = Int32(fields[0]), pid > 0,
            let start = UInt64(fields[1])
        else { return nil }
        self.init(pid: pid, startTime: start, bootID: String(fields[2]))
    }

    /// The start time of the process that has the number now; nil if none has.
    package static func startTime(of pid: Int32) -> UInt64? {
        Processes.status(pid)?.startTime
    }

    /// Whether the process (perhaps ended, not yet reaped) still is the one recorded.
    package var isPresent: Bool {
        bootID == Processes.bootID() && Self.startTime(of: pid) == startTime
    }

    /// A handle of exactly this process; nil if it is gone.
    package func open() -> ProcessHandle? {
        guard let handle = ProcessHandle(pid: pid), isPresent else { return nil }
        return handle
    }
}
