internal import Foundation
internal import Linux

extension RuncLauncher {
    package func watch(_ id: String, _ ended: @escaping @Sendable (ContainerExit) -> Void) {
        containers.watch(id, ended)
    }

    /// To process 1 inside, which hands it to the command's process group.
    package func signal(_ id: String, _ signal: Int32) { containers.main(id)?.send(signal) }

    /// With process 1 its whole pid namespace dies.
    package func kill(_ id: String) { containers.kill(id) }

    package func execute(
        _ id: String, _ command: ContainerSpec.Command, environment: [ContainerSpec.Variable],
        timeoutMilliseconds: Int64
    ) throws(ContainerError) -> Int32? {
        let state = containers.state(id)
        guard let record = state.record(), containers.main(id) != nil else {
            throw ContainerError("container \(id) does not run")
        }
        let pidFile = state.file("check.\(UUID().uuidString).pid")
        defer { _ = try? Files.remove(pidFile) }
        var arguments = ["--root", runtimeRoot, "exec", "--pid-file", pidFile]
        arguments += ["--user", "\(record.uid):\(record.gid)", "--cwd", record.workingDirectory]
        for group in record.groups { arguments += ["--additional-gids", "\(group)"] }
        for variable in environment {
            arguments += ["--env", "\(variable.name)=\(variable.value)"]
        }
        arguments += [id, command.program] + command.arguments.dropFirst()
        return try Execution(
            program: runtime, arguments: arguments,
            environment: ["PATH=" + ContainerSpec.searchPath],
            timeoutMilliseconds: timeoutMilliseconds
        ).run { _ in Self.killSession(pidFile) }
    }

    /// runc's death would leave the command inside alive; it leads a session of its own.
    private static func killSession(_ pidFile: String) {
        guard let line = KernelText.line(pidFile), let pid = Int32(line), pid > 1 else { return }
        if Foundation.kill(-pid, SIGKILL) != 0 { _ = Foundation.kill(pid, SIGKILL) }
    }

    package func recover() throws(ContainerError) -> [FoundContainer] {
        // What a former life had mounted for a container that it was starting would hold the
        // host's disks.
        _ = try hostRoot.scratch()
        return try containers.recover()
    }

    package func remove(_ id: String) {
        let sandbox = containers.state(id).record()?.sandbox
        containers.remove(id) {
            // Left only where the supervisor was killed, or the machine was.
            if FileStatus.exists("\(runtimeRoot)/\(id)") {
                _ = try? Command(
                    runtime, ["--root", runtimeRoot, "delete", "--force", id],
                    timeoutMilliseconds: 10_000
                ).run()
            }
            cgroup(id).remove()
            // What `update` has mounted; were it left, removing the sandbox would remove data.
            guard let sandbox = sandbox.flatMap({ try? Files.realPath($0) }),
                let table = try? MountTable.current()
            else { return }
            for entry in table.below(sandbox) {
                _ = try? Mount.detach(entry.mountPoint, isLazy: true)
            }
        }
    }

    package func pid(_ id: String) -> Int32? { containers.main(id)?.pid }

    package func owner(_ id: String) -> ContainerOwner? { containers.owner(id) }

    package func usage(_ id: String) -> ContainerUsage? {
        let group = cgroup(id)
        guard containers.main(id) != nil, let time = group.cpuNanoseconds(),
            let memory = group.memoryBytes(), let processes = group.processes()
        else { return nil }
        return ContainerUsage(
            processes: processes, cpuNanoseconds: time, memoryBytes: memory,
            disks: group.diskTraffic()?.map { ContainerTraffic($0.device, $0.traffic) },
            diskPressure: group.diskPressure())
    }
}
