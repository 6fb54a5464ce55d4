internal import Glibc
internal import Linux

/// The supervisors of all containers of an agent: one small C process beside each container, which
/// outlives the agent, keeps stdout and stderr, and stores the wait status.
///
/// Command line:
///
///     holdfast-supervisor --state DIR --sandbox DIR --log-bytes N --log-files N
///         [--uid U --gid G [--groups A,B]] [--env-file FILE] [--pid-file FILE] -- ARGV...
///
/// Descriptor 3 is the write end of a pipe: "ok PID\n" or "error TEXT\n" comes once. Descriptor 4
/// is
/// the FIFO `alive`, held open until the supervisor ends. It detaches itself at once (setsid,
/// fork).
///
/// Without `--pid-file` (plain): ARGV runs in a session of its own, in the sandbox, as the user,
/// with
/// exactly the environment of the file (NAME=VALUE, each ended by a zero byte).
/// With `--pid-file` (OCI runtime): ARGV is `runc run --detach --pid-file FILE ...`; it keeps the
/// supervisor's user and directory, `--uid` and `--gid` own the logs only. When it has ended with
/// 0,
/// the pid in the file is supervised; otherwise what it wrote to stderr becomes the error's text.
/// With `--execute` (a check) it only becomes the user and ARGV, in the sandbox; it needs no state.
/// Once the first process has ended, every descendant is killed.
///
/// State directory `<runtime directory>/<container id>/`, mode 0700:
///
///     alive       FIFO; a writer holds it: the supervisor lives
///     supervisor  "PID START-TIME BOOT-ID\n"
///     pid         the same of the first process, stored before it executes
///     exit        "WAIT-STATUS UNIX-SECONDS\n", durable; then the supervisor ends
///     identity    the sandbox and the user, for a restarted agent
///     env         for --env-file
///
/// Other files in it (a bundle, a log) belong to the launcher that made them; `remove` takes all.
package struct Supervision: Sendable {
    /// What one container's supervisor is to do.
    package struct Order: Sendable {
        package var id: String
        package var sandbox: String
        package var user: UserIdentity
        package var logBytes: Int64
        package var logFiles: Int
        package var arguments: [String]
        /// The whole environment of a plain command; nil: the supervisor's own (PATH only).
        package var environment: [ContainerSpec.Variable]?
        /// Where an OCI runtime leaves the first process's pid; nil: a plain command.
        package var pidFile: String?

        package init(
            _ spec: ContainerSpec, arguments: [String],
            environment: [ContainerSpec.Variable]? = nil, pidFile: String? = nil
        ) {
            id = spec.id
            sandbox = spec.sandbox
            user = spec.user
            logBytes = spec.logBytes
            logFiles = spec.logFiles
            self.arguments = arguments
            self.environment = environment
            self.pidFile = pidFile
        }
    }

    private static let startMilliseconds: Int64 = 60_000
    static let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Holds the state directories.
    package let directory: String
    /// Path of the supervisor's executable.
    package let program: String

    /// `program`: by default `holdfast-supervisor` beside the running executable.
    package init(directory: String, program: String? = nil) {
        self.directory = directory
        let running = Files.linkTarget("/proc/self/exe") ?? ""
        self.program = program ?? Files.parent(of: running) + "/holdfast-supervisor"
    }

    /// The container's state directory.
    package func state(_ id: String) -> String { "\(directory)/\(id)" }

    /// Makes the state directory; refuses an id that is in use or is no file name.
    @discardableResult
    package func prepare(_ id: String) throws(ContainerError) -> String {
        let isAllowed = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isAllowed, !id.isEmpty, id.utf8.count <= 200, id != ".", id != ".." else {
            throw ContainerError("'\(id)' can't be a container's id")
        }
        let state = state(id)
        do throws(SystemError) {
            try Files.makeDirectories(directory, mode: 0o700)
            guard try Files.makeDirectory(state, mode: 0o700) else {
                throw SystemError("mkdir", state, errno: EEXIST)
            }
            try Files.syncDirectory(directory)
            try Fifo.make("\(state)/alive")
        } catch {
            throw ContainerError("container \(id): \(error)")
        }
        return state
    }

    /// Starts the supervisor and waits for the first process to run; its pid. The state directory
    /// is there already (`prepare`), and the caller removes it after an error.
    package func start(_ order: Order) throws(ContainerError) -> Int32 {
        let reader: Descriptor
        do throws(SystemError) {
            try ContainerIdentity(sandbox: order.sandbox, user: order.user)
                .write(to: "\(state(order.id))/identity")
            if let environment = order.environment {
                try DurableFile.write(
                    Self.bytes(environment), to: "\(state(order.id))/env")
            }
            let pipe = try PipeEnds()
            let alive = try Fifo.openWriter("\(state(order.id))/alive")
            let child = try Spawn.start(
                commandLine(order), environment: [Self.path],
                handing: [pipe.writer.number, alive.number])
            // Only the process that forks the supervisor; it ends at once.
            _ = try Spawn.reap(child)
            reader = pipe.closingWriter()
        } catch {
            throw ContainerError("container \(order.id): \(error)")
        }
        return try answer(order, reader)
    }

    /// NAME=VALUE, each ended by a zero byte.
    static func bytes(_ environment: [ContainerSpec.Variable]) -> [UInt8] {
        environment.flatMap { Array("\($0.name)=\($0.value)".utf8.filter { $0 != 0 }) + [0] }
    }

    private func commandLine(_ order: Order) -> [String] {
        let state = state(order.id)
        var words = [program, "--state", state, "--sandbox", order.sandbox]
        words += ["--log-bytes", "\(max(1, order.logBytes))"]
        words += ["--log-files", "\(min(1000, max(0, order.logFiles)))"]
        words += order.user.arguments
        if order.environment != nil { words += ["--env-file", "\(state)/env"] }
        if let file = order.pidFile { words += ["--pid-file", file] }
        return words + ["--"] + order.arguments
    }

    private func answer(
        _ order: Order, _ reader: consuming Descriptor
    ) throws(ContainerError) -> Int32 {
        var said = reader.readToEnd(limit: 4096, timeoutMilliseconds: Self.startMilliseconds)
        if said == nil {
            killStarting(order.id)
            said = reader.readToEnd(limit: 4096, timeoutMilliseconds: 5_000)
        }
        let text = String(decoding: said ?? [], as: UTF8.self)
        let line = text.split(separator: "\n").first ?? ""
        if line.hasPrefix("ok "), let pid = Int32(line.dropFirst(3)) { return pid }
        guard line.hasPrefix("error ") else {
            throw ContainerError("container \(order.id): its supervisor ended while starting it")
        }
        throw ContainerError("container \(order.id): \(line.dropFirst(6))")
    }

    /// Ends a command that does not come to an end by itself; its supervisor then tells so.
    private func killStarting(_ id: String) {
        guard let supervisor = RecordedProcess(file: "\(state(id))/supervisor")?.pid else { return }
        for child in Processes.all() where child.parent == supervisor {
            Processes.killSession(child.session)
        }
    }
}
