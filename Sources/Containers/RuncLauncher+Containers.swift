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
        try containers.recover()
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
            guard let sandbox, let table = try? MountTable.current() else { return }
            for entry in table.below(sandbox) {
                _ = try? Mount.detach(entry.mountPoint, isLazy: true)
            }
        }
    }

    package func pid(_ id: String) -> Int32? { containers.main(id)?.pid }

    package func usage(_ id: String) -> ContainerUsage? {
        let group = cgroup(id)
        guard containers.main(id) != nil, let time = group.cpuNanoseconds(),
            let memory = group.memoryBytes(), let processes = group.processes()
        else { return nil }
        return ContainerUsage(processes: processes, cpuNanoseconds: time, memoryBytes: memory)
    }

    /// Volumes are mounted in the sandbox on the host, from where they reach the container.
    package func update(
        _ id: String, limits: ContainerSpec.Limits, adding volumes: [ContainerSpec.Volume]
    ) throws(ContainerError) {
        guard let record = containers.state(id).record() else {
            throw ContainerError("container \(id) is not known")
        }
        for volume in volumes {
            guard
                case .inSandbox(let path) = try ContainerPath(
                    volume.containerPath, sandbox: record.sandbox)
            else {
                throw ContainerError(
                    "a running container can be given volumes below its sandbox only, not "
                        + volume.containerPath)
            }
            do throws(SystemError) {
                try mount(volume, at: path, record)
            } catch {
                throw ContainerError("the volume at \(volume.containerPath): \(error)")
            }
        }
        try updateLimits(id, limits)
    }

    private func mount(
        _ volume: ContainerSpec.Volume, at path: [String], _ record: StateDirectory.Record
    ) throws(SystemError) {
        let place = "\(record.sandbox)/\(path.joined(separator: "/"))"
        // Asked again after a restart of the agent.
        if try MountTable.current().top(at: place) != nil { return }
        let directory = try InsideDirectory(record.sandbox).makeDirectories(
            path, uid: record.uid, gid: record.gid)
        let tree = try MountTree.clone(volume.hostPath)
        var attributes: MountTree.Attributes = [.noSetID, .noDevices]
        if volume.isReadOnly { attributes.insert(.readOnly) }
        try tree.set(attributes)
        try tree.attach(to: directory, place)
    }

    private func updateLimits(
        _ id: String, _ limits: ContainerSpec.Limits
    ) throws(ContainerError) {
        let wanted = LimitsIsolator.limits(limits, hasSwapLimit: cgroups.hasSwapLimit)
        var arguments = ["--root", runtimeRoot, "update", "--cpu-share", "\(wanted.cpuShares)"]
        if let quota = wanted.cpuQuotaMicroseconds {
            arguments += ["--cpu-quota", "\(quota)", "--cpu-period", "100000"]
        }
        if let memory = wanted.memoryBytes {
            arguments += ["--memory", "\(memory)"]
            if wanted.hasSwapLimit { arguments += ["--memory-swap", "\(memory)"] }
        }
        if let processes = wanted.processes { arguments += ["--pids-limit", "\(processes)"] }
        do throws(SystemError) {
            let outcome = try Command(
                runtime, arguments + [id], timeoutMilliseconds: 10_000
            ).run()
            if !outcome.isSuccess {
                throw SystemError("runc update", outcome.summary, errno: EINVAL)
            }
        } catch {
            throw ContainerError("container \(id) keeps its limits: \(error)")
        }
    }
}
