internal import Glibc
internal import Linux

/// Containers as plain processes: for hosts without root or runc, and for tests.
///
/// Each is a session of its own. Volumes appear as symbolic links in the sandbox.
package final class PlainLauncher: Launcher {
    package let name = "plain"
    package let shortcomings = [
        "Limits of CPU, memory and processes are not enforced by the plain launcher.",
        "Tasks see the host's files and processes as far as their user may.",
        "Read-only volumes are writable where the task's user may write them.",
        "A container path that is absolute is taken as one below the sandbox.",
    ]

    private let supervision: Supervision
    private let watcher: ContainerWatch

    package init(_ supervision: Supervision) throws(ContainerError) {
        self.supervision = supervision
        watcher = try ContainerWatch(supervision) { id, status in
            // Its supervisor kills what is left; this is for one that was killed itself.
            if status == nil { Self.killSession(of: id, supervision) }
            return ContainerExit(waitStatus: status)
        }
    }

    package func launch(_ spec: ContainerSpec) throws(ContainerError) {
        try supervision.prepare(spec.id)
        do throws(ContainerError) {
            try Sandbox.link(spec.volumes, in: spec.sandbox, owner: spec.user)
            _ = try supervision.start(
                Supervision.Order(
                    spec, arguments: spec.command.arguments, environment: spec.environment))
        } catch {
            supervision.remove(spec.id)
            throw error
        }
    }

    package func watch(_ id: String, _ ended: @escaping @Sendable (ContainerExit) -> Void) {
        watcher.watch(id, ended)
    }

    package func signal(_ id: String, _ signal: Int32) {
        // Only while the first process is there does its number surely name this group.
        guard let first = supervision.firstProcess(id), first.isRunning else { return }
        Glibc.kill(-first.pid, signal)
    }

    package func kill(_ id: String) {
        Self.killSession(of: id, supervision)
    }

    private static func killSession(of id: String, _ supervision: Supervision) {
        guard let first = supervision.firstProcess(id), first.isOfThisBoot else { return }
        // A session's number is not given to another process while a member lives; members of a
        // later session with that number would have a leader that started later.
        if let leader = Processes.status(first.pid), !first.isRunning, !leader.isZombie { return }
        Processes.killSession(first.pid)
    }

    package func execute(
        _ id: String, _ command: ContainerSpec.Command, environment: [ContainerSpec.Variable],
        timeoutMilliseconds: Int64
    ) throws(ContainerError) -> Int32? {
        guard supervision.pid(id) != nil, let place = supervision.sandboxAndUser(id) else {
            throw ContainerError("container \(id) does not run")
        }
        do throws(SystemError) {
            let variables = try Descriptor.inMemory("environment")
            try variables.writeAll(Supervision.bytes(environment))
            var words = [supervision.program, "--execute", "--sandbox", place.sandbox]
            words += place.user.arguments + ["--env-file", "/proc/self/fd/3", "--"]
            let child = try Spawn.start(
                words + command.arguments, environment: [Supervision.path],
                handing: [variables.number])
            let isInTime =
                PidFD(child)?.waitForEnd(milliseconds: Int32(clamping: timeoutMilliseconds))
                ?? true
            if !isInTime {
                // Also before it has made its session.
                Glibc.kill(child, SIGKILL)
                Processes.killSession(child)
            }
            let status = try Spawn.reap(child)
            return isInTime ? status : nil
        } catch {
            throw ContainerError("command in container \(id): \(error)")
        }
    }

    package func recover() throws(ContainerError) -> [FoundContainer] {
        try supervision.containers().map { id in
            let exit =
                supervision.hasEnded(id)
                ? ContainerExit(waitStatus: supervision.waitStatus(id)) : nil
            return FoundContainer(id: id, exit: exit)
        }
    }

    package func remove(_ id: String) { supervision.remove(id) }

    package func pid(_ id: String) -> Int32? { supervision.pid(id) }

    package func usage(_ id: String) -> ContainerUsage? {
        guard let pid = supervision.pid(id) else { return nil }
        return Processes.ofSession(pid).reduce(
            into: ContainerUsage(processes: 0, cpuNanoseconds: 0, memoryBytes: 0)
        ) { sum, process in
            sum.processes += 1
            sum.cpuNanoseconds += process.cpuNanoseconds
            sum.memoryBytes += process.residentBytes
        }
    }
}

extension ContainerSpec.Command {
    /// The argument vector.
    package var arguments: [String] {
        switch self {
        case .shell(let text): ["/bin/sh", "-c", text]
        case .program(let path, let arguments): [path] + arguments.dropFirst()
        }
    }
}
