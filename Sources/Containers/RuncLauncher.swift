internal import Foundation
internal import Linux
internal import Volumes

/// Runs each container by runc, in a bundle of its own: own processes, mounts and limits.
package struct RuncLauncher: Launcher {
    package struct Options: Sendable {
        /// The agent's; made a shared mount.
        package var workDirectory: String
        /// Keeps the containers' state and the host's files as a root; no container sees it.
        package var runtimeDirectory: String
        /// Roots of other disks that hold volumes: no container sees more of them than its own.
        package var hiddenDirectories: [String] = []
        package var hostRoot = HostRootMode.readOnly
        package var hostPaths = HostPathRules()
        package var runtime = "runc"
        package var supervisor = SupervisedContainers.usualSupervisor

        package init(workDirectory: String, runtimeDirectory: String) {
            self.workDirectory = workDirectory
            self.runtimeDirectory = runtimeDirectory
        }
    }

    package let name = "runc"
    package let runsImages = true
    package let shortcomings: [String]
    let options: Options
    let containers: SupervisedContainers
    let hostRoot: HostRoot
    let cgroups: CgroupLayout
    let runtime: String
    /// Below every hierarchy's root; the same in all lives of one agent.
    package let cgroupParent: String
    /// Nil: what is done on it can't be limited.
    let sandboxDisk: DeviceNumber?
    /// runc's own state, a directory each container.
    var runtimeRoot: String { "\(options.runtimeDirectory)/runc" }

    /// Refuses, with the reason, where it can't work: without root, runc or cgroups.
    package init(_ options: Options) throws(ContainerError) {
        guard Privilege.isRoot else { throw ContainerError("runc containers need root") }
        guard let runtime = Command.find(options.runtime) else {
            throw ContainerError("\(options.runtime) is not installed (Debian package runc)")
        }
        let layout: CgroupLayout
        do throws(SystemError) {
            guard let found = try CgroupLayout.current() else {
                throw SystemError("mountinfo", "no cgroup hierarchy is mounted", errno: ENOENT)
            }
            layout = found
            try Files.makeDirectories(options.runtimeDirectory, mode: 0o700)
            try WorkDirectory.prepareMounts(options.workDirectory)
        } catch {
            throw ContainerError("the runc launcher can't work here: \(error)")
        }
        self.options = options
        self.runtime = runtime
        cgroups = layout
        sandboxDisk = DiskIsolator.disk(of: options.workDirectory, layout)
        cgroupParent = "/holdfast/" + Self.tag(of: options.runtimeDirectory)
        containers = try SupervisedContainers(
            directory: "\(options.runtimeDirectory)/containers", supervisor: options.supervisor)
        hostRoot = HostRoot(
            directory: "\(options.runtimeDirectory)/root", mode: options.hostRoot,
            hidden: Self.hidden(options))
        shortcomings = Self.shortcomings(layout, options)
    }

    private static func hidden(_ options: Options) -> [String] {
        [options.workDirectory, options.runtimeDirectory] + options.hiddenDirectories
    }

    private static func shortcomings(_ layout: CgroupLayout, _ options: Options) -> [String] {
        ["cpu", "memory", "pids"].filter { layout.controllers[$0] == nil }.map {
            "this machine has no cgroup controller '\($0)': that limit is not enforced"
        } + (layout.hasSwapLimit ? [] : ["swap is not limited"])
            + (options.hostRoot == .readOnly ? [] : ["tasks without an image can write host files"])
    }

    /// FNV-1a of 64 bits.
    private static func tag(of directory: String) -> String {
        let hash = directory.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return String(hash, radix: 16)
    }

    package func launch(_ spec: ContainerSpec) throws(ContainerError) {
        try spec.validate()
        guard spec.volumes.contains(where: { $0.source != .persistent }) else {
            return try launchPinned(spec)
        }
        let pins = try pins(of: spec)
        try launchPinned(pins.spec)
    }

    private func launchPinned(_ spec: ContainerSpec) throws(ContainerError) {
        guard spec.image == nil else { return try launch(spec, hostRoot: "") }
        try hostRoot.use { tree throws(ContainerError) in try launch(spec, hostRoot: tree) }
    }

    private func pins(of spec: ContainerSpec) throws(ContainerError) -> VolumePins {
        var rules = options.hostPaths
        rules.hidden += Self.hidden(options)
        return try VolumePins(spec, rules, in: hostRoot.scratch())
    }

    /// The isolators' plans as one; `tree` is the prepared copy of the host's files.
    private func plan(
        _ spec: ContainerSpec, hostRoot tree: String
    ) throws(ContainerError) -> LaunchPlan {
        let isolators: [any Isolator] = [
            NamespacesIsolator(),
            TemporaryIsolator(hostRoot: options.hostRoot),
            RootIsolator(
                workDirectory: options.workDirectory, tree: tree, hostRoot: options.hostRoot),
            LimitsIsolator(cgroups, parent: cgroupParent),
            DiskIsolator(disk: sandboxDisk),
            PrivilegesIsolator(),
            VolumesIsolator(hidden: Self.hidden(options)),
        ]
        var plans: [LaunchPlan] = []
        for isolator in isolators { plans.append(try isolator.prepare(spec)) }
        let merged = try LaunchPlan.merged(plans)
        do throws(SystemError) {
            return merged.keepingLockedFlags(try MountTable.current())
        } catch {
            throw ContainerError("the host's mounts can't be read: \(error)")
        }
    }

    private func launch(_ spec: ContainerSpec, hostRoot tree: String) throws(ContainerError) {
        let plan = try plan(spec, hostRoot: tree)
        let config = try OCIConfig(spec, plan, supervisor: options.supervisor)
        try prepareMountPoints(spec, hostRoot: tree)
        let state = containers.state(spec.id)
        try state.make(
            .init(
                sandbox: spec.sandbox,
                workingDirectory: spec.workingDirectory ?? spec.sandboxInside, uid: spec.user.uid,
                gid: spec.user.gid, groups: spec.user.groups, environment: spec.environmentTexts,
                places: try SandboxPlaces.launched(spec),
                diskCeiling: spec.limits.diskCeiling.isEmpty ? nil : spec.limits.diskCeiling))
        do throws(ContainerError) {
            try state.write("config.json", config)
            try containers.start(spec, start(spec, state))
        } catch {
            remove(spec.id)
            throw error
        }
    }

    private func start(
        _ spec: ContainerSpec, _ state: StateDirectory
    ) -> SupervisedContainers.Start {
        var options = [
            "--runtime", runtime, "--runtime-root", runtimeRoot, "--id", spec.id,
        ]
        if let oomFile = cgroup(spec.id).oomFile { options += ["--oom-file", oomFile] }
        let arguments = [
            "runc", "--root", runtimeRoot, "--log", state.file("runtime.log"), "run", "--detach",
            "--pid-file", state.file("runtime.pid"), "--bundle", state.path, "--preserve-fds", "1",
            spec.id,
        ]
        return .init(
            options: options, command: [runtime] + arguments,
            // runc ends within some 40 ms: collecting garbage would be a tenth of its work, and
            // more threads only stand in the way of other launches.
            environment: ["PATH=" + ContainerSpec.searchPath, "GOGC=off", "GOMAXPROCS=1"])
    }

    func cgroup(_ id: String) -> Cgroup { Cgroup(cgroups, "\(cgroupParent)/\(id)") }

    /// Mount points are made in the sandbox only; an absolute one must be there already, or lie in
    /// a file system of the container's own.
    private func prepareMountPoints(
        _ spec: ContainerSpec, hostRoot tree: String
    ) throws(ContainerError) {
        var inSandbox: [[String]] = []
        var files: [[String]] = []
        for volume in spec.volumes {
            switch try ContainerPath(volume.containerPath, sandbox: spec.sandboxInside) {
            case .inSandbox(let path) where volume.isFile: files.append(path)
            case .inSandbox(let path): inSandbox.append(path)
            case .absolute(let path):
                let isOwn = path.first == "tmp" && options.hostRoot == .readOnly
                guard spec.image == nil, !isOwn
                else { continue }
                let place = "\(tree)/\(path.joined(separator: "/"))"
                var isDirectory: ObjCBool = false
                let isThere = FileManager.default.fileExists(
                    atPath: place, isDirectory: &isDirectory)
                guard isThere, isDirectory.boolValue != volume.isFile else {
                    let kind = volume.isFile ? "file" : "directory"
                    throw ContainerError(
                        "the host has no \(kind) \(volume.containerPath) for a volume, and none "
                            + "is made there: use a path below the sandbox, or an image")
                }
            }
        }
        try Sandbox.makeMountPoints(
            inSandbox, files: files, in: spec.sandbox, uid: spec.user.uid, gid: spec.user.gid)
    }

    /// Takes away what is shared by all containers; those that run are not touched. The work
    /// directory stays a mount while volumes are mounted in it.
    package func release() throws(ContainerError) {
        do throws(SystemError) {
            try hostRoot.remove()
            let table = try MountTable.current()
            if table.below(options.workDirectory).isEmpty {
                try WorkDirectory.releaseMounts(options.workDirectory)
            }
        } catch {
            throw ContainerError("unmounting the host's files and the work directory: \(error)")
        }
        Cgroup(cgroups, cgroupParent).removeIfEmpty()
        Cgroup(cgroups, "/holdfast").removeIfEmpty()
    }
}
