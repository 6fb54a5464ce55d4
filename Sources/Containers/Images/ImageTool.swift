internal import Glibc
internal import Linux
internal import Synchronization

/// What bounds the programs that fetch and unpack images: a registry may answer anything, at any
/// pace and without end.
package struct ImageLimits: Sendable {
    /// Of one step: fetching, unpacking, copying.
    package var timeoutMilliseconds: Int64 = 1_800_000
    /// Of one file that a step writes.
    package var fileBytes: Int64 = 64 << 30
    /// A step ends when less than this is left on the disk.
    package var spareBytes: Int64 = 1 << 30

    package init() {}
}

/// Set once, from any thread: nobody waits for the result any more.
final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}

/// Runs one program of the image store: within the limits, until it is cancelled, and never longer
/// than the agent lives.
struct ImageTool: Sendable {
    static let lineLimit = 2_000
    private static let pollMilliseconds: Int32 = 200
    private static let pollsPerLook = 5

    /// Watched for free space.
    let directory: String
    let limits: ImageLimits
    let cancellation: Cancellation
    /// Each line that a program says, at most so many of one run.
    var progress: @Sendable (String) -> Void = { _ in }
    private let progressLines = 100

    init(
        directory: String, limits: ImageLimits, cancellation: Cancellation,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.directory = directory
        self.limits = limits
        self.cancellation = cancellation
        self.progress = progress
    }

    /// Whom a program runs as: the agent's user, or a task's by way of the supervisor.
    struct User {
        let supervisor: String
        let user: UserIdentity
    }

    /// Runs it in a directory to its end; `output` takes its stdout in place of `progress`. Throws
    /// its last line.
    func run(
        _ words: [String], in place: String = "/", as user: User? = nil, output: OpenFile? = nil
    ) throws(ContainerError) {
        let name = words.first ?? ""
        guard Command.find(name) != nil else {
            throw ContainerError("\(name) is not installed (Debian package \(name))")
        }
        let lines: ToolLines
        let handle: ProcessHandle
        do throws(SystemError) {
            let pipe = try PipeEnds()
            let number = pipe.writer.number
            let command = bounded(words, place, user)
            guard let program = Command.find(command[0]) else {
                throw SystemError("posix_spawn", command[0], errno: ENOENT)
            }
            handle = try SpawnedProcess.start(
                program, Array(command.dropFirst()), environment: Self.environment,
                descriptors: [nil, output?.descriptor ?? number, number])
            lines = ToolLines(pipe.closingWriter())
        } catch {
            throw ContainerError("\(name): \(error)")
        }
        let failure = wait(for: handle, lines)
        let status = handle.reap() ?? 0
        if let failure { throw ContainerError("\(name): \(failure)") }
        guard status != 0 else { return }
        throw ContainerError("\(name): \(lines.last.isEmpty ? Self.end(status) : lines.last)")
    }

    private static let environment = [
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root",
    ]

    /// Dies with the agent, and writes no file above the limit. A change of user would undo the
    /// first, so it comes before.
    private func bounded(_ words: [String], _ place: String, _ user: User?) -> [String] {
        let bounds = [
            "setpriv", "--pdeathsig", "KILL", "prlimit", "--fsize=\(limits.fileBytes)", "--",
            "env", "-C", place,
        ]
        guard let user else { return bounds + words }
        return [user.supervisor, "run-as", user.user.text, "/", "setpriv"] + bounds + words
    }

    private static func end(_ status: Int32) -> String {
        let signal = status & 0x7F
        return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "ended by signal \(signal)"
    }

    /// Takes lines until the program has ended; why it was killed, if it was.
    private func wait(for handle: ProcessHandle, _ lines: ToolLines) -> String? {
        let limit = MonotonicTime.milliseconds() + limits.timeoutMilliseconds
        var polls = 0
        var said = 0
        while true {
            lines.wait(orEndOf: handle, milliseconds: Self.pollMilliseconds)
            let hasEnded = handle.hasEnded
            for line in lines.take() where said < progressLines {
                said += 1
                progress(line)
            }
            if hasEnded { return nil }
            polls += 1
            if let reason = reasonToStop(limit, looks: polls % Self.pollsPerLook == 1) {
                // It leads a session, and with it a process group, of its own.
                kill(-handle.pid, SIGKILL)
                handle.send(SIGKILL)
                _ = handle.waitForEnd(withinMilliseconds: 10_000)
                return reason
            }
        }
    }

    private func reasonToStop(_ limit: Int64, looks: Bool) -> String? {
        if cancellation.isSet { return "stopped: nobody waits for it" }
        if MonotonicTime.milliseconds() >= limit {
            return "stopped after its time limit of \(limits.timeoutMilliseconds / 1000) s"
        }
        if looks, let space = try? DiskSpace.of(directory),
            space.availableBytes < limits.spareBytes
        {
            return "stopped: less than \(limits.spareBytes >> 20) MiB are left on the disk of "
                + directory
        }
        return nil
    }
}

/// The lines that come out of a pipe; of each its beginning.
private final class ToolLines {
    private let reader: Descriptor
    private var partial: [UInt8] = []
    private var isOpen = true
    /// The last whole line, for people.
    private(set) var last = ""

    init(_ reader: consuming Descriptor) {
        _ = fcntl(reader.number, F_SETFL, O_NONBLOCK)
        self.reader = reader
    }

    func wait(orEndOf handle: ProcessHandle, milliseconds: Int32) {
        var polled = [
            pollfd(fd: isOpen ? reader.number : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: handle.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&polled, 2, milliseconds)
    }

    /// The lines that are there now; a program that never pauses is looked at again later.
    func take() -> [String] {
        var lines: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<64 where isOpen {
            let count = read(reader.number, &buffer, buffer.count)
            if count == 0 { isOpen = false }
            guard count > 0 else { break }
            for byte in buffer[..<count] {
                if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                    end(&lines)
                } else if partial.count < ImageTool.lineLimit {
                    partial.append(byte)
                }
            }
        }
        if !isOpen { end(&lines) }
        return lines
    }

    private func end(_ lines: inout [String]) {
        let text = Self.plain(String(decoding: partial, as: UTF8.self))
        partial.removeAll(keepingCapacity: true)
        guard !text.isEmpty else { return }
        last = text
        lines.append(text)
    }

    /// Without the decoration of a log line (`time="..." level=fatal msg="..."`), control
    /// characters and spaces around.
    static func plain(_ line: String) -> String {
        var text = Substring(line)
        if text.hasPrefix("time="), let message = text.firstRange(of: "msg=\"") {
            text = text[message.upperBound...]
            if text.hasSuffix("\"") { text = text.dropLast() }
            text = Substring(text.replacing("\\\"", with: "\""))
        }
        let shown = text.unicodeScalars.filter { $0.properties.generalCategory != .control }
        return String(String.UnicodeScalarView(shown).drop { $0 == " " || $0 == "•" })
    }
}
