internal import Foundation
internal import Linux

/// Runs a task as an ordinary process of the host: for machines without root or without runc.
package struct PlainLauncher: Launcher {
    package let name = "plain"
    private let containers: SupervisedContainers
    private let hostPaths: HostPathRules

    /// `runtimeDirectory` keeps the containers' state; `supervisor` is the path of
    /// `holdfast-supervisor`, by default beside this program.
    package init(
        runtimeDirectory: String, supervisor: String = SupervisedContainers.usualSupervisor,
        hostPaths: HostPathRules = HostPathRules()
    ) throws(ContainerError) {
        self.hostPaths = hostPaths
        containers = try SupervisedContainers(
            directory: "\(runtimeDirectory)/containers", supervisor: supervisor)
    }

    package var shortcomings: [String] {
        var list = [
            "cpu, memory, process and disk limits are not enforced",
            "tasks see the host's files, processes and one another",
            "volumes are symbolic links in the sandbox; read-only ones can be written",
            "images can't be run",
        ]
        if !Privilege.isRoot {
            list.append("every task runs as the agent's own user")
        }
        return list
    }

    package func launch(_ spec: ContainerSpec) throws(ContainerError) {
        try spec.validate()
        let plan = try LaunchPlan.merged([LinksIsolator().prepare(located(spec))])
        try Sandbox.makeLinks(
            plan.links, in: spec.sandbox, uid: spec.user.uid, gid: spec.user.gid)
        let environment = spec.environmentTexts
        let working = spec.workingDirectory ?? spec.sandbox
        let state = containers.state(spec.id)
        try state.make(
            .init(
                sandbox: spec.sandbox, workingDirectory: working, uid: spec.user.uid,
                gid: spec.user.gid, groups: spec.user.groups, environment: environment,
                places: plan.links.map(\.path)))
        do throws(ContainerError) {
            try containers.start(
                spec,
                .init(
                    options: ["--user", spec.user.text, "--working-directory", working],
                    command: [spec.command.program] + spec.command.arguments,
                    environment: environment))
        } catch {
            containers.remove(spec.id) {}
            throw error
        }
    }

    /// The spec with the places on the host that its volumes lead to: what a link shows is decided
    /// when it is followed, with the rights of the task's user.
    private func located(_ spec: ContainerSpec) throws(ContainerError) -> ContainerSpec {
        var spec = spec
        for index in spec.volumes.indices {
            switch spec.volumes[index].source {
            case .persistent: continue
            case .host:
                let pinned = try hostPaths.pin(spec.volumes[index], user: spec.user)
                spec.volumes[index].hostPath = pinned.location
            case .sandbox(let path):
                spec.volumes[index].hostPath =
                    try Sandbox.pin(
                        path, in: spec.sandbox, uid: spec.user.uid, gid: spec.user.gid
                    ).location
            }
        }
        return spec
    }

    package func watch(_ id: String, _ ended: @escaping @Sendable (ContainerExit) -> Void) {
        containers.watch(id, ended)
    }

    package func signal(_ id: String, _ signal: Int32) {
        guard let main = containers.main(id) else { return }
        // It leads a session: everything that has not left it gets the signal. The handle proves
        // that the number still is this process's.
        if Foundation.kill(-main.pid, signal) != 0 { main.send(signal) }
    }

    package func kill(_ id: String) {
        if let main = containers.main(id) { _ = Foundation.kill(-main.pid, SIGKILL) }
        containers.kill(id)
    }

    package func execute(
        _ id: String, _ command: ContainerSpec.Command, environment: [ContainerSpec.Variable],
        timeoutMilliseconds: Int64
    ) throws(ContainerError) -> Int32? {
        guard let record = containers.state(id).record(), containers.main(id) != nil else {
            throw ContainerError("container \(id) does not run")
        }
        return try Execution(
            program: containers.supervisor,
            arguments: [
                "run-as", UserIdentity.text(record.uid, record.gid, record.groups),
                record.workingDirectory, command.program,
            ] + command.arguments,
            environment: record.environment + environment.map { "\($0.name)=\($0.value)" },
            timeoutMilliseconds: timeoutMilliseconds
        ).run { _ in }
    }

    /// Links for the volumes; the limits are not enforced anyway. Which links it has made, a file
    /// of the state directory tells, so that no link of the task's own is ever removed.
    package func update(
        _ id: String, limits: ContainerSpec.Limits, volumes: [ContainerSpec.Volume]
    ) throws(ContainerError) {
        let state = containers.state(id)
        guard let record = state.record(), containers.main(id) != nil else {
            throw ContainerError("container \(id) does not run")
        }
        for case .sandbox(let path) in volumes.map(\.source) {
            _ = try Sandbox.pin(path, in: record.sandbox, uid: record.uid, gid: record.gid)
        }
        let places = try SandboxPlaces(volumes, taken: record.places ?? [], record.sandbox)
        let wanted = places.sorted.map {
            LaunchPlan.Link(path: $0.path, target: $0.volume.hostPath)
        }
        let made = state.links()
        // Noted before they are made: one that was noted in vain does no harm.
        try state.write(StateDirectory.linksFile, made + wanted.filter { !made.contains($0) })
        for link in made where !wanted.contains(link) {
            try Sandbox.removeLink(link, in: record.sandbox)
        }
        try Sandbox.makeLinks(wanted, in: record.sandbox, uid: record.uid, gid: record.gid)
        try state.write(StateDirectory.linksFile, wanted)
    }

    package func recover() throws(ContainerError) -> [FoundContainer] {
        try containers.recover()
    }

    package func remove(_ id: String) { containers.remove(id) {} }

    package func pid(_ id: String) -> Int32? { containers.main(id)?.pid }

    package func owner(_ id: String) -> ContainerOwner? { containers.owner(id) }

    package func usage(_ id: String) -> ContainerUsage? {
        guard containers.main(id) != nil, let supervisor = containers.supervisorProcess(id) else {
            return nil
        }
        return Processes.descendants(of: supervisor.pid).filter { !$0.isZombie }.reduce(
            into: ContainerUsage(processes: 0, cpuNanoseconds: 0, memoryBytes: 0)
        ) { sum, process in
            sum.processes += 1
            sum.cpuNanoseconds += process.cpuNanoseconds
            sum.memoryBytes += process.residentBytes
        }
    }
}
