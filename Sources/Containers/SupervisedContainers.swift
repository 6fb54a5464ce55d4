internal import Foundation
package import Linux
internal import Synchronization

/// The containers of one launcher with their supervisors: what both launchers have in common.
///
///     start -> supervised --first process has ended--> exit stored --(alive closes)--> ended
///                    |                                                                   ^
///                    +--supervisor killed--> first process watched --it ends (status unknown)
///
/// A restarted agent comes to the same by the state directories alone. One thread waits for all.
package final class SupervisedContainers: Sendable {
    package typealias Ended = @Sendable (ContainerExit) -> Void

    /// How a supervisor is started.
    package struct Start: Sendable {
        /// Options of `holdfast-supervisor supervise` besides the common ones.
        package var options: [String]
        /// The program, then its argument vector.
        package var command: [String]
        package var environment: [String]

        package init(options: [String], command: [String], environment: [String]) {
            self.options = options
            self.command = command
            self.environment = environment
        }
    }

    /// Open handles of a container, kept so that numbers given anew can't be mistaken.
    private struct Handles {
        var supervisor: ProcessHandle?
        var main: ProcessHandle?
    }

    static let startMilliseconds: Int64 = 60_000

    /// Holds the state directories.
    package let directory: String
    /// Path of `holdfast-supervisor`.
    package let supervisor: String
    private let thread: ReadinessThread
    private let handles = Mutex<[String: Handles]>([:])

    package init(directory: String, supervisor: String) throws(ContainerError) {
        guard Command.find(supervisor) != nil else {
            throw ContainerError("\(supervisor) is missing: without it no container can be started")
        }
        self.directory = directory
        self.supervisor = supervisor
        do throws(SystemError) {
            thread = try ReadinessThread(name: "containers")
        } catch {
            throw ContainerError("the thread that watches containers: \(error)")
        }
    }

    /// Where `swift build` and an installation put it: beside the running program.
    package static var usualSupervisor: String {
        let program = Files.linkTarget("/proc/self/exe") ?? "/usr/bin/holdfast"
        return "\(Files.parent(of: program))/holdfast-supervisor"
    }

    package func state(_ id: String) -> StateDirectory {
        StateDirectory(parent: directory, id: id)
    }

    // MARK: - Starting

    /// Starts the supervisor on a state directory that is made already and waits until the first
    /// process runs; what the supervisor says on failure is thrown.
    package func start(_ spec: ContainerSpec, _ start: Start) throws(ContainerError) {
        let state = state(spec.id)
        let answer: (bytes: [UInt8], isWhole: Bool)
        do throws(SystemError) {
            guard let lock = try state.lock() else {
                throw SystemError("flock", state.path, errno: EWOULDBLOCK)
            }
            let log = try OpenFile(
                path: state.file("supervisor.log"), flags: O_WRONLY | O_CREAT | O_APPEND)
            let pipe = try PipeEnds()
            let handle = try SpawnedProcess.start(
                supervisor, Self.arguments(spec, start, state),
                environment: start.environment,
                descriptors: [nil, nil, log.descriptor, pipe.writer.number, lock.descriptor])
            handles.withLock { $0[spec.id, default: Handles()].supervisor = handle }
            answer = pipe.closingWriter().readToEnd(
                limit: 4096, withinMilliseconds: Self.startMilliseconds)
        } catch {
            throw ContainerError("container \(spec.id) can't be started: \(error)")
        }
        if !answer.isWhole { kill(spec.id) }
        try understand(String(decoding: answer.bytes, as: UTF8.self), spec)
    }

    private static func arguments(
        _ spec: ContainerSpec, _ start: Start, _ state: StateDirectory
    ) -> [String] {
        let user = spec.user
        return [
            "supervise", "--state", state.path, "--sandbox", spec.sandbox,
            "--log-bytes", "\(spec.logBytes)", "--log-files", "\(spec.logFiles)",
            "--log-owner", "\(user.uid):\(user.gid)",
        ] + start.options + ["--"] + start.command
    }

    /// `started PID` or `failed STAGE CODE`.
    private func understand(_ answer: String, _ spec: ContainerSpec) throws(ContainerError) {
        let words = answer.split(whereSeparator: \.isWhitespace)
        if words.first == "started", words.count == 2, let pid = Int32(words[1]) {
            // A command that was quick may be gone already.
            let main = state(spec.id).process("pid").flatMap { $0.pid == pid ? $0.open() : nil }
            return handles.withLock { $0[spec.id, default: Handles()].main = main }
        }
        guard words.first == "failed", words.count == 3, let code = Int32(words[2]) else {
            throw ContainerError("container \(spec.id): its supervisor did not start it")
        }
        let reason = String(cString: strerror(code))
        switch words[1] {
        case "runtime":
            throw ContainerError("container \(spec.id): runc: \(runtimeError(spec.id))")
        case "user":
            throw ContainerError(
                "container \(spec.id) can't run as user \(spec.user.name): \(reason)")
        case "execute":
            throw ContainerError(
                "container \(spec.id) can't execute \(spec.command.program): \(reason)")
        case "directory":
            throw ContainerError("container \(spec.id): its working directory: \(reason)")
        default:
            throw ContainerError("container \(spec.id): \(words[1]): \(reason)")
        }
    }

    /// The last error in runc's log, without the log's decoration.
    private func runtimeError(_ id: String) -> String {
        let text = (try? KernelText.read(state(id).file("runtime.log"), limit: 1 << 20)) ?? ""
        guard let line = text.split(separator: "\n").last(where: { $0.contains("level=error") }),
            let start = line.firstRange(of: "msg=\"")
        else { return "it gave no reason" }
        return String(line[start.upperBound...].dropLast()).replacing("\\\"", with: "\"")
    }

    // MARK: - Watching

    /// Calls back once, when the container has ended; at once if it has.
    package func watch(_ id: String, _ ended: @escaping Ended) {
        let state = state(id)
        // Opened before looking: if the exit is not stored by then, the closing will be seen.
        let alive = try? OpenFile(path: state.file("alive"), flags: O_RDONLY | O_NONBLOCK)
        if let exit = state.exit() { return ended(exit) }
        guard let alive, state.isSupervised else { return watchOrphan(state, ended) }
        do throws(SystemError) {
            try thread.watch(alive.descriptor) { [self] in
                withExtendedLifetime(alive) {}
                supervisor(of: state)?.reap()
                if let exit = state.exit() { return ended(exit) }
                watchOrphan(state, ended)
            }
        } catch {
            // Out of descriptors or memory for one more: the end can't be awaited.
            ended(ContainerExit(waitStatus: nil))
        }
    }

    /// Waits for a first process whose supervisor is gone: nobody can learn its status.
    private func watchOrphan(_ state: StateDirectory, _ ended: @escaping Ended) {
        let exit = state.exit() ?? ContainerExit(waitStatus: nil)
        guard exit.waitStatus == nil, let main = main(of: state) else { return ended(exit) }
        do throws(SystemError) {
            try thread.watch(main.descriptor) {
                withExtendedLifetime(main) {}
                ended(exit)
            }
        } catch {
            ended(exit)
        }
    }

    /// The containers that have a state directory.
    package func recover() throws(ContainerError) -> [FoundContainer] {
        do throws(SystemError) {
            guard FileStatus.exists(directory) else { return [] }
            return try Files.list(directory).map { id in
                let state = state(id)
                if let exit = state.exit() { return FoundContainer(id: id, exit: exit) }
                let isRunning = state.isSupervised || main(of: state) != nil
                // The supervisor may have stored the exit between the two looks.
                let exit = state.exit() ?? ContainerExit(waitStatus: nil)
                return FoundContainer(
                    id: id, exit: isRunning && exit.waitStatus == nil ? nil : exit)
            }
        } catch {
            throw ContainerError("containers of before can't be listed: \(error)")
        }
    }

    // MARK: - Processes

    package func owner(_ id: String) -> ContainerOwner? {
        state(id).record().map {
            ContainerOwner(uid: $0.uid, gid: $0.gid, groups: $0.groups, sandbox: $0.sandbox)
        }
    }

    /// The first process, if it runs.
    package func main(_ id: String) -> ProcessHandle? {
        main(of: state(id)).flatMap { $0.hasEnded ? nil : $0 }
    }

    private func main(of state: StateDirectory) -> ProcessHandle? {
        if let known = handles.withLock({ $0[state.id]?.main }) { return known }
        guard let found = state.process("pid")?.open() else { return nil }
        handles.withLock { $0[state.id, default: Handles()].main = found }
        return found
    }

    private func supervisor(of state: StateDirectory) -> ProcessHandle? {
        if let known = handles.withLock({ $0[state.id]?.supervisor }) { return known }
        guard let found = state.process("supervisor")?.open() else { return nil }
        handles.withLock { $0[state.id, default: Handles()].supervisor = found }
        return found
    }

    /// The process below which all of a plain container's processes are; nil if it is gone.
    package func supervisorProcess(_ id: String) -> ProcessHandle? {
        supervisor(of: state(id)).flatMap { $0.hasEnded ? nil : $0 }
    }

    /// Ends everything: by the supervisor, which reaches every descendant, and, should it be gone
    /// or stopped, the first process itself.
    package func kill(_ id: String) {
        let state = state(id)
        supervisor(of: state)?.send(SIGUSR1)
        main(of: state)?.send(SIGKILL)
    }

    /// Waits for the supervisor to have tidied up, then forgets the container.
    package func remove(_ id: String, tidy: () -> Void) {
        let state = state(id)
        if let supervisor = supervisor(of: state) {
            if !supervisor.waitForEnd(withinMilliseconds: 10_000) { supervisor.send(SIGKILL) }
            supervisor.reap()
        }
        tidy()
        _ = handles.withLock { $0.removeValue(forKey: id) }
        state.remove()
    }
}
