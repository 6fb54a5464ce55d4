internal import CLinux
internal import Glibc

/// A program run to its end, with a time limit and its output caught.
///
/// It gets no input, a plain environment and a process group of its own, which is killed as a whole
/// when the time is over. Nothing else in the process may wait for "any child".
package struct Command: Sendable {
    package enum Ending: Hashable, Sendable {
        case exited(Int32)
        case killed(signal: Int32)
        case timedOut
    }

    package struct Outcome: Sendable {
        package let ending: Ending
        /// The first 64 KiB of each stream.
        package let output: String
        package let errors: String

        package var isSuccess: Bool { ending == .exited(0) }

        /// The end and the last words, for people.
        package var summary: String {
            let text = errors.isEmpty ? output : errors
            let words = text.split(whereSeparator: \.isNewline).suffix(3).joined(separator: "; ")
            switch ending {
            case .exited(let status): return "exit status \(status): \(words)"
            case .killed(let signal): return "killed by signal \(signal): \(words)"
            case .timedOut: return "stopped after its time limit: \(words)"
            }
        }
    }

    package static let outputLimit = 65_536
    private static let directories = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"]

    package let program: String
    package let arguments: [String]
    package let timeoutMilliseconds: Int64

    /// `program` is a path, or a name to be found in the system's usual directories.
    package init(_ program: String, _ arguments: [String], timeoutMilliseconds: Int64 = 60_000) {
        self.program = program
        self.arguments = arguments
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Where a program stands; nil if it is not installed.
    package static func find(_ program: String) -> String? {
        if program.contains("/") { return access(program, X_OK) == 0 ? program : nil }
        return directories.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    /// Runs it; throws only where it could not be started (ENOENT: not installed) or waited for.
    package func run() throws(SystemError) -> Outcome {
        guard let path = Self.find(program) else {
            throw SystemError("posix_spawn", program, errno: ENOENT)
        }
        let output = try Pipe()
        let errors = try Pipe()
        let child = try spawn(path, output: output.writer.number, errors: errors.writer.number)
        let ended = wait(for: child, CatchingPipes(output.closingWriter(), errors.closingWriter()))
        if !ended.isInTime { kill(-child, SIGKILL) }
        var status: Int32 = 0
        try SystemError.check("waitpid", path) { waitpid(child, &status, 0) }
        let ending: Ending =
            !ended.isInTime
            ? .timedOut
            : status & 0x7F == 0
                ? .exited((status >> 8) & 0xFF) : .killed(signal: status & 0x7F)
        return Outcome(
            ending: ending, output: String(decoding: ended.output, as: UTF8.self),
            errors: String(decoding: ended.errors, as: UTF8.self))
    }

    private func spawn(
        _ path: String, output: Int32, errors: Int32
    ) throws(SystemError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let words = [path] + arguments
        let environment = ["PATH=" + Self.directories.joined(separator: ":"), "LC_ALL=C"]
        var child: pid_t = 0
        let code = withCStrings(words) { argv in
            withCStrings(environment) { envp in
                posix_spawn(&child, path, &actions, &attributes, argv, envp)
            }
        }
        guard code == 0 else { throw SystemError("posix_spawn", path, errno: code) }
        return child
    }

    /// Catches output until the child has ended or the time is over.
    private func wait(
        for child: pid_t, _ pipes: consuming CatchingPipes
    ) -> (isInTime: Bool, output: [UInt8], errors: [UInt8]) {
        let watch = Descriptor(owning: clinux_pidfd_open(child))
        let limit = MonotonicTime.milliseconds() + timeoutMilliseconds
        var isInTime = false
        while true {
            let rest = limit - MonotonicTime.milliseconds()
            guard rest > 0 else { break }
            var polled = [
                pollfd(fd: pipes.outputNumber, events: Int16(POLLIN), revents: 0),
                pollfd(fd: pipes.errorsNumber, events: Int16(POLLIN), revents: 0),
                pollfd(fd: watch.number, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&polled, nfds_t(polled.count), Int32(clamping: rest))
            if count < 0, errno != EINTR { break }
            pipes.drain()
            if polled[2].revents != 0 {
                pipes.drain()
                isInTime = true
                break
            }
        }
        return (isInTime, pipes.output, pipes.errors)
    }
}

/// Time that neither stops nor jumps, for limits.
package enum MonotonicTime {
    package static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}

private struct Pipe: ~Copyable {
    let reader: Descriptor
    let writer: Descriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try SystemError.check("pipe2") { clinux_pipe(&ends) }
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
        // The reading end only: the flag would else be the child's too.
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    }

    consuming func closingWriter() -> Descriptor { reader }
}

/// The reading ends of a child's two streams and what came out of them.
private struct CatchingPipes: ~Copyable {
    private var outputEnd: Descriptor
    private var errorsEnd: Descriptor
    private(set) var output: [UInt8] = []
    private(set) var errors: [UInt8] = []
    private var isOutputOpen = true
    private var areErrorsOpen = true

    init(_ output: consuming Descriptor, _ errors: consuming Descriptor) {
        outputEnd = output
        errorsEnd = errors
    }

    /// -1, which poll ignores, once the stream has ended.
    var outputNumber: Int32 { isOutputOpen ? outputEnd.number : -1 }
    var errorsNumber: Int32 { areErrorsOpen ? errorsEnd.number : -1 }

    mutating func drain() {
        if isOutputOpen { isOutputOpen = Self.drain(outputEnd.number, into: &output) }
        if areErrorsOpen { areErrorsOpen = Self.drain(errorsEnd.number, into: &errors) }
    }

    /// Takes what is there now, keeps what fits the limit; false at the end of the stream.
    private static func drain(_ number: Int32, into bytes: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<256 {
            let count = read(number, &buffer, buffer.count)
            if count == 0 { return false }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            let room = Command.outputLimit - bytes.count
            bytes.append(contentsOf: buffer[..<min(count, max(room, 0))])
        }
        return true
    }
}

/// Calls `body` with a null-terminated array of C strings.
func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
        guard let start = buffer.baseAddress else { preconditionFailure("never empty") }
        return body(start)
    }
}
