import AgentCore
import ArgumentParser
import Containers
import Daemons
import Foundation
import Linux
import Logging
import MesosAPI
import Model
import Volumes
import Wire

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Run an agent.")
    @OptionGroup var common: DaemonOptions
    @OptionGroup var options: AgentFlags
    @Option(help: "The master, as HOST:PORT.")
    var master: String
    @Option(help: "The port of the HTTP API.")
    var port = 5051
    @Option(help: "Where journal, volumes and sandboxes are kept.")
    var workDir: String

    func validate() throws {
        try checkPort(port, "--port")
    }

    func run() async throws {
        let directory = try madeDirectory(workDir)
        let logger = common.logger("agent")
        var settings = AgentSettings(
            workDirectory: directory, master: master, version: HoldfastVersion.mesos,
            resources: try options.agentResources(workDirectory: directory))
        settings.address = common.ip
        settings.port = port
        settings.hostname = common.hostname
        settings.checksInvariants = common.checkInvariants
        settings.volumeBackend = try options.preference()
        settings.thinPool = try options.pool()
        settings.reconfigurationPolicy = try options.policy()
        settings.adoptablePlaces = options.adoptFrom
        settings.switchesUser = options.switchUser && geteuid() == 0
        settings.watchIntervalMilliseconds = max(
            1_000, options.containerDiskWatchInterval.milliseconds)
        settings.enforcesDiskLimits = options.enforceContainerDiskQuota
        settings.sandboxPolicy = try options.sandboxPolicy()
        settings.volumeGroups = try options.paths.groups(switchesUser: settings.switchesUser)
        settings.collectionIntervalMilliseconds = max(
            1_000, options.diskWatchInterval.milliseconds)
        settings.usageWebhook = try options.webhook()
        if let rule = try options.alarms.rule { settings.alarms = rule }
        settings.info = try options.info()
        settings.imageRegistry = try options.imageRegistry()
        logger.notice("no authentication: listening on the loopback only")
        do {
            let launcher = try options.launcher(
                workDirectory: directory, resources: settings.resources)
            for text in launcher.shortcomings {
                logger.warning("the \(launcher.name) launcher: \(text)")
            }
            let daemon = try AgentDaemon(settings: settings, launcher: launcher, logger: logger)
            try await daemon.run {
                guard await firstSignal([SIGTERM, SIGINT, SIGUSR1]) == SIGUSR1 else { return }
                daemon.shutDown()
                _ = await firstSignal([SIGTERM, SIGINT])
            }
            if daemon.hasShutDown { (launcher as? RuncLauncher).map { try? $0.release() } }
        } catch {
            throw CommandFailure("agent: \(error)", status: 70)
        }
    }
}

/// The agent's own options; `dev` takes them, too.
struct AgentFlags: ParsableArguments {
    @Option(
        help: """
            Like 'cpus:4;mem:4096;disk(db):10240;ports:[31000-32000]', a JSON array of Resource \
            messages, or file://PATH of either; found when left out.
            """)
    var resources: String?
    @Option(help: "The role of resources that name none.")
    var defaultRole = "*"
    @Option(
        help: "How resources may change between two starts: equal, additive or compatible.")
    var reconfigurationPolicy = "compatible"
    @Option(help: "Like 'rack:r1;disks:4;vlans:[10-20]'.")
    var attributes = ""
    @Option(
        help: """
            auto, project-quota, btrfs, loop, loop-ext4, loop-xfs, lvm-thin, lvm-thin-ext4, \
            lvm-thin-xfs or directory.
            """)
    var volumeBackend = "auto"
    @Option(help: "GROUP/POOL: LVM's thin pool for new volumes, for lvm-thin.")
    var thinPool: String?
    @Option(
        help: "A directory below which directories may be adopted as volumes; may be repeated.")
    var adoptFrom: [String] = []
    @Flag(help: "Allow more disk in --resources than there is.")
    var overcommit = false
    @Option(help: "auto, runc or plain.")
    var launcher = "auto"
    @Option(help: "ro: tasks without an image see the host's files read-only; rw: as in Mesos.")
    var hostRoot = "ro"
    @OptionGroup var paths: PathFlags
    @Option(
        help: "Where images come from: an http or https URL, or a directory of saved NAME:TAG.tar.")
    var dockerRegistry = "https://registry-1.docker.io"
    @Option(help: "The time between two counts of what is used of disks; one second at least.")
    var containerDiskWatchInterval = DurationOption(milliseconds: 15_000)
    @Flag(
        inversion: .prefixedNo,
        help: "End tasks that are over their disk limit, where the kernel does not hold it.")
    var enforceContainerDiskQuota = false
    @Option(help: "How long the sandbox of an ended container is kept while the disk is empty.")
    var gcDelay = DurationOption(milliseconds: 604_800_000)
    @Option(
        help: """
            The share of the disk, 0 to 1, that is to stay free: the fuller the disk, the shorter \
            sandboxes are kept, and with less than this free not at all.
            """)
    var gcDiskHeadroom = 0.1
    @Option(help: "The time between two looks at how full the disk is; one second at least.")
    var diskWatchInterval = DurationOption(milliseconds: 60_000)
    @Option(help: "An http or https URL that events of disk usage are posted to.")
    var usageWebhook: String?
    @OptionGroup var alarms: AlarmOptions
    @Flag(inversion: .prefixedNo, help: "Run tasks as their user.")
    var switchUser = true

    func preference() throws -> BackendPreference {
        guard let preference = BackendPreference(rawValue: volumeBackend) else {
            let known = BackendPreference.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure("--volume-backend \(volumeBackend): use one of \(known)")
        }
        return preference
    }

    func pool() throws -> ThinPool? {
        let isThin = volumeBackend.hasPrefix(BackendPreference.lvmThin.rawValue)
        guard let thinPool else {
            guard !isThin else {
                throw CommandFailure(
                    "--volume-backend \(volumeBackend): give --thin-pool GROUP/POOL")
            }
            return nil
        }
        guard isThin || volumeBackend == BackendPreference.auto.rawValue else {
            throw CommandFailure("--thin-pool goes with --volume-backend lvm-thin or auto")
        }
        guard let pool = ThinPool(thinPool) else {
            throw CommandFailure("--thin-pool \(thinPool): write it as GROUP/POOL")
        }
        return pool
    }

    func sandboxPolicy() throws -> SandboxCollector.Policy {
        guard (0...1).contains(gcDiskHeadroom) else {
            throw CommandFailure("--gc-disk-headroom \(gcDiskHeadroom): use 0 to 1, like 0.1")
        }
        return SandboxCollector.Policy(
            delaySeconds: Double(gcDelay.milliseconds) / 1000, headroom: gcDiskHeadroom)
    }

    func webhook() throws -> String? {
        guard let usageWebhook else { return nil }
        let url = URL(string: usageWebhook)
        guard let url, ["http", "https"].contains(url.scheme), url.host()?.isEmpty == false else {
            throw CommandFailure(
                "--usage-webhook \(usageWebhook): use http://HOST[:PORT]/PATH or https://...")
        }
        return usageWebhook
    }

    func policy() throws -> ReconfigurationPolicy {
        guard let policy = ReconfigurationPolicy(rawValue: reconfigurationPolicy) else {
            throw CommandFailure(
                "--reconfiguration-policy \(reconfigurationPolicy): use equal, additive or"
                    + " compatible")
        }
        return policy
    }

    func imageRegistry() throws -> ImageRegistry {
        guard let registry = ImageRegistry(option: dockerRegistry) else {
            throw CommandFailure(
                "--docker-registry \(dockerRegistry): use https://HOST[:PORT], "
                    + "http://HOST[:PORT] or the absolute path of a directory")
        }
        return registry
    }

    /// `resources` name the disks of which tasks see their own volumes only.
    func launcher(workDirectory: String, resources: Resources) throws -> any Launcher {
        guard let kind = Launchers.Kind(rawValue: launcher) else {
            throw CommandFailure("--launcher \(launcher): use auto, runc or plain")
        }
        guard let mode = HostRootMode(rawValue: hostRoot) else {
            throw CommandFailure("--host-root \(hostRoot): use ro or rw")
        }
        let runtime = try madeDirectory(workDirectory + "/runtime")
        return try Launchers.make(
            kind: kind, runtimeDirectory: runtime, workDirectory: workDirectory, hostRoot: mode,
            hostPaths: try paths.rules(hostRoot: mode),
            hiding: resources.compactMap { $0.disk?.source?.root }.map {
                $0.hasPrefix("/") ? $0 : "\(workDirectory)/\($0)"
            })
    }

    /// `--resources`, or what this machine has; refused when its disks are not there, or smaller.
    func agentResources(workDirectory: String) throws -> Resources {
        let space: DiskSpace
        let parsed: Resources
        do {
            space = try DiskSpace.of(workDirectory)
            parsed =
                try resources.map {
                    try Resources.ofAgent(try contents(of: $0), defaultRole: defaultRole)
                } ?? Resources()
        } catch let refusal as Refusal {
            throw CommandFailure("--resources: \(refusal.message)")
        }
        var result = parsed
        let isNamed = { (name: String) in parsed.total(of: name) > .zero }
        let role = defaultRole == Role.unreserved ? [] : [Reservation(.fixed, role: defaultRole)]
        let add = { (result: inout Resources, name: String, value: Double) in
            guard !isNamed(name), let amount = Amount(value.rounded(.down)) else { return }
            result.add(Resource(name, .scalar(amount), reservations: role))
        }
        add(&result, "cpus", Double(ProcessInfo.processInfo.activeProcessorCount))
        let memory = Double(ProcessInfo.processInfo.physicalMemory) / 1_048_576
        add(&result, "mem", memory > 2048 ? memory - 1024 : memory / 2)
        if let pool = try pool() {
            let state = try pool.state()
            add(&result, "disk", Double(state?.bytes ?? 0) / 1_048_576)
        } else {
            let free = Double(space.availableBytes) / 1_048_576
            add(&result, "disk", free > 10_240 ? free - 5_120 : free / 2)
        }
        if !isNamed("ports") {
            result.add(Resource("ports", .ranges(Ranges(31_000...32_000)), reservations: role))
        }
        try AgentDisks(
            resources: result, workDirectory: workDirectory, thinPool: try pool(),
            allowsOvercommit: overcommit
        ).check()
        return result
    }

    /// What stands in the file of a `file://PATH`; any other text is itself.
    private func contents(of option: String) throws -> String {
        guard option.hasPrefix("file://") else { return option }
        let path = String(option.dropFirst("file://".count))
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CommandFailure("--resources: cannot read \(path): \(error.localizedDescription)")
        }
    }

    /// The attributes as Mesos reads them: numbers, ranges and texts.
    func info() throws -> Payload {
        var info = Mesos_V1_AgentInfo()
        info.hostname = ""
        do throws(Refusal) {
            let parsed = try Attributes(parsing: attributes)
            info.attributes = parsed.list.map { Mesos_V1_Attribute($0) }
        } catch {
            throw CommandFailure("--attributes: \(error.message)")
        }
        return info.payload
    }

    /// As arguments of an `agent` process.
    var arguments: [String] {
        var arguments = [
            "--default-role=\(defaultRole)",
            "--reconfiguration-policy=\(reconfigurationPolicy)",
            "--volume-backend=\(volumeBackend)", "--launcher=\(launcher)",
            "--host-root=\(hostRoot)", "--docker-registry=\(dockerRegistry)",
            "--gc-delay=\(gcDelay.milliseconds)ms", "--gc-disk-headroom=\(gcDiskHeadroom)",
            "--disk-watch-interval=\(diskWatchInterval.milliseconds)ms",
            "--container-disk-watch-interval=\(containerDiskWatchInterval.milliseconds)ms",
            enforceContainerDiskQuota
                ? "--enforce-container-disk-quota" : "--no-enforce-container-disk-quota",
            switchUser ? "--switch-user" : "--no-switch-user",
        ]
        arguments += adoptFrom.map { "--adopt-from=\($0)" } + paths.arguments
        if !attributes.isEmpty { arguments.append("--attributes=\(attributes)") }
        if let resources { arguments.append("--resources=\(resources)") }
        if let thinPool { arguments.append("--thin-pool=\(thinPool)") }
        if let usageWebhook { arguments.append("--usage-webhook=\(usageWebhook)") }
        arguments += alarms.arguments
        if overcommit { arguments.append("--overcommit") }
        return arguments
    }
}
