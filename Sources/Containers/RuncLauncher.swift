internal import Glibc
internal import Linux

/// Containers run by the OCI runtime runc, on the host's files: in namespaces of their own, within
/// limits that the kernel holds.
///
/// Runtime directory: `containers/<id>` (the supervisor's state, `config.json`, `runc.log`), `runc`
/// (runc's state), `root` (the host's files, see HostRoot).
package final class RuncLauncher: Launcher {
    package let name = "runc"
    package let shortcomings: [String] = []

    let supervision: Supervision
    let cgroups: Cgroups
    private let root: HostRoot
    private let runtime: String
    private let runtimeState: String
    private let limitsSwap: Bool
    private let watcher: ContainerWatch
    private let groups: String

    /// Prepares the host's root; `runtime` is runc's path.
    package init(
        supervision: Supervision, root: HostRoot, runtime: String, runtimeDirectory: String
    ) throws(ContainerError) {
        do throws(SystemError) {
            let cgroups = try Cgroups.current()
            self.cgroups = cgroups
            limitsSwap = cgroups.limitsSwap
            try Files.makeDirectories(supervision.directory, mode: 0o700)
        } catch {
            throw ContainerError("\(error)")
        }
        self.supervision = supervision
        self.root = root
        self.runtime = runtime
        runtimeState = "\(runtimeDirectory)/runc"
        let groups = "/holdfast/" + Self.tag(of: runtimeDirectory)
        self.groups = groups
        let cgroups = cgroups
        watcher = try ContainerWatch(supervision) { id, status in
            RuncExit.conclude(supervision.state(id), status, cgroups, group: "\(groups)/\(id)")
        }
        try root.prepare()
    }

    package func launch(_ spec: ContainerSpec) throws(ContainerError) {
        let state = try supervision.prepare(spec.id)
        do throws(ContainerError) {
            let bundle = try RuncBundle(
                spec, root: root, group: group(spec.id), limitsSwap: limitsSwap)
            try SmallFile.write(bundle.runtimeForm(), to: "\(state)/config.json")
            let file = "\(state)/runc.pid"
            let arguments = [
                runtime, "--root", runtimeState, "--log", "\(state)/runc.log", "run", "--detach",
                "--pid-file", file, "--bundle", state, spec.id,
            ]
            _ = try supervision.start(
                Supervision.Order(spec, arguments: arguments, pidFile: file))
        } catch {
            remove(spec.id)
            throw error
        }
    }

    package func watch(_ id: String, _ ended: @escaping @Sendable (ContainerExit) -> Void) {
        watcher.watch(id, ended)
    }

    package func signal(_ id: String, _ signal: Int32) {
        RuncSignal.send(signal, to: id, supervision)
    }

    package func kill(_ id: String) {
        cgroups.kill(group(id))
        // The first process takes its whole pid namespace with it.
        supervision.signal(id, SIGKILL)
    }

    package func execute(
        _ id: String, _ command: ContainerSpec.Command, environment: [ContainerSpec.Variable],
        timeoutMilliseconds: Int64
    ) throws(ContainerError) -> Int32? {
        guard supervision.pid(id) != nil, let place = supervision.sandboxAndUser(id) else {
            throw ContainerError("container \(id) does not run")
        }
        let process = PrivilegeIsolator.process(
            command, environment, user: place.user, directory: place.sandbox)
        let execution = RuncExecution(
            runtime: [runtime, "--root", runtimeState], id: id, state: supervision.state(id))
        return try execution.run(process, timeoutMilliseconds: timeoutMilliseconds)
    }

    package func recover() throws(ContainerError) -> [FoundContainer] {
        try supervision.containers().map { id in
            guard supervision.hasEnded(id) else { return FoundContainer(id: id, exit: nil) }
            let exit = RuncExit.conclude(
                supervision.state(id), supervision.waitStatus(id), cgroups, group: group(id))
            return FoundContainer(id: id, exit: exit)
        }
    }

    package func remove(_ id: String) {
        if supervision.pid(id) != nil { kill(id) }
        cgroups.kill(group(id))
        cgroups.remove(group(id))
        while (try? DirectoryRemoval.advance("\(runtimeState)/\(id)", entries: 1000)) == false {}
        supervision.remove(id)
    }

    package func pid(_ id: String) -> Int32? { supervision.pid(id) }

    package func usage(_ id: String) -> ContainerUsage? {
        let group = group(id)
        guard let memory = cgroups.memoryBytes(group), let cpu = cgroups.cpuNanoseconds(group)
        else { return nil }
        return ContainerUsage(
            processes: cgroups.processes(group) ?? 0, cpuNanoseconds: cpu, memoryBytes: memory)
    }

    /// Takes away what the launcher made beside containers, when all of them have been removed.
    package func release() throws(ContainerError) {
        try root.release()
        cgroups.remove(groups)
    }

    private func group(_ id: String) -> String { "\(groups)/\(id)" }

    /// The same for one runtime directory in all lives of its agent (FNV-1a, 64 bits).
    private static func tag(of directory: String) -> String {
        let hash = directory.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return String(hash, radix: 16)
    }
}
