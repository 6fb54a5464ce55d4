package import AgentCore
package import Containers
import Foundation
import Glibc
import Journal
package import Linux
package import Logging
import MachineCore
import MesosAPI
package import Model
import Net
import Registry
import Synchronization
package import Volumes
import Wire

/// What the agent's subcommand settles.
package struct AgentSettings: Sendable {
    package var workDirectory: String
    /// HOST:PORT.
    package var master: String
    package var address = "127.0.0.1"
    /// 0: any free one.
    package var port = 5051
    package var hostname = "localhost"
    package var version: String
    /// From `--resources`.
    package var resources: Resources
    /// From `--attributes`: the AgentInfo without id and resources.
    package var info = Payload()
    package var reconfigurationPolicy = ReconfigurationPolicy.compatible
    package var volumeBackend = BackendPreference.auto
    /// Where volumes are thin volumes: their pool.
    package var thinPool: ThinPool?
    /// Directories below which an operator's call may name one to be adopted.
    package var adoptablePlaces: [String] = []
    package var switchesUser = true
    /// For shared volumes; nil: these belong to the user of the last task that came.
    package var volumeGroups: VolumeGroups?
    /// The rest between two counts of what is used of disks.
    package var watchIntervalMilliseconds: Int64 = 15_000
    /// Whether a container over its disk limit is ended, where the kernel does not hold the limit.
    package var enforcesDiskLimits = false
    /// How long the sandboxes of ended containers are kept.
    package var sandboxPolicy = SandboxCollector.Policy()
    /// The rest between two looks at how full the work directory's disk is.
    package var collectionIntervalMilliseconds: Int64 = 60_000
    package var checksInvariants = false
    /// Where events of usage are sent; nil: nowhere.
    package var usageWebhook: String?
    /// When somebody is told that a volume fills, where its role's policy says nothing of it.
    package var alarms = AlarmRule.usual
    /// From `--docker-registry`.
    package var imageRegistry = ImageRegistry.usual

    package init(workDirectory: String, master: String, version: String, resources: Resources) {
        self.workDirectory = workDirectory
        self.master = master
        self.version = version
        self.resources = resources
    }
}

/// The agent as a process: its machine, its journal, its volumes and containers, the HTTP API and
/// the connection to the master.
package final class AgentDaemon: Sendable {
    private let settings: AgentSettings
    private let host: MachineHost<Agent>
    private let launcher: any Launcher
    private let logger: Logger
    private let loops = EventLoops()
    private let ended = AsyncStream<Void>.makeStream()
    private let lock: DirectoryLock
    private let isExiting = Atomic<Bool>(false)

    /// Whether the machine has ended the agent, its tasks with it.
    package var hasShutDown: Bool { isExiting.load(ordering: .relaxed) }

    package init(
        settings: AgentSettings, launcher: any Launcher, logger: Logger
    ) throws {
        self.settings = settings
        self.launcher = launcher
        self.logger = logger
        lock = try DirectoryLock(directory: settings.workDirectory)
        var check: (@Sendable (Agent) -> [String])?
        if settings.checksInvariants { check = { $0.violations() } }
        host = MachineHost(
            clock: ProcessClock(), tick: .ticked, spaceChanged: { .storageLow($0) },
            checkInvariants: check
        ) { error in
            logger.critical("the agent ends", metadata: ["error": "\(error)"])
            exit(70)
        }
    }

    /// Kills all tasks with grace and ends the agent: what `SIGUSR1` asks for.
    package func shutDown() {
        host.send(.masterSaid(.refused("the agent was asked to shut down", isFinal: true)))
    }

    /// Serves until `untilEnded` returns, or the machine ends the agent. Tasks run on, unless
    /// `shutDown` has ended them: then volumes are released, too.
    package func run(_ untilEnded: @escaping @Sendable () async -> Void) async throws {
        let (journal, recovery) = try openJournal()
        let volumes = try AgentVolumes(
            workDirectory: settings.workDirectory, resources: settings.resources,
            preference: settings.volumeBackend, thinPool: settings.thinPool,
            throttles: .current(containers: (launcher as? RuncLauncher)?.cgroupParent),
            groups: settings.volumeGroups, logger: logger
        ) { [host] in host.send(.volumeReported($0)) }
        let route = LateRoute()
        let server = HTTPServer(loops: loops) { route.handle($0, $1) }
        let port = try await server.start(host: settings.address, port: settings.port)
        let containers = AgentContainers(
            launcher: launcher, images: try imageStore(), registry: settings.imageRegistry,
            volumes: volumes, agentAddress: "\(settings.address):\(port)",
            switchesUser: settings.switchesUser
        ) { [host] in host.send($0) }
        let streams = EventStreams()
        let answers = Pending<Refusal?>()
        let link = MasterLink()
        let shell = AgentShell(
            journal: AgentJournal(journal, logger: logger),
            workDirectory: settings.workDirectory, volumes: volumes, containers: containers,
            checks: AgentChecks(containers: containers) { [host] in host.send($0) },
            streams: streams, answers: answers, master: link, logger: logger,
            send: { [host] in host.handle($0) },
            exit: { [self] reason in
                logger.error("ends", metadata: ["reason": "\(reason)"])
                isExiting.store(true, ordering: .relaxed)
                ended.continuation.finish()
            })
        let report = try startReport(recovery.records, volumes, containers)
        let webhook = settings.usageWebhook.map {
            UsageWebhook(url: $0, agent: "\(settings.address):\(port)", logger: logger)
        }
        let recorder = UsageRecorder(
            workDirectory: settings.workDirectory, logger: logger, alarms: settings.alarms,
            listeners: (webhook.map { [$0.send] } ?? []) + [
                { [host] event in host.send(.usageAlarmed(event.alarm)) }
            ])
        let monitor = UsageMonitor(volumes: volumes, recorder: recorder)
        let watch = DiskWatch(
            host: host, volumes: volumes, monitor: monitor,
            isEnforced: settings.enforcesDiskLimits)
        let storage = try AgentStorage(
            host: host, volumes: volumes, workDirectory: settings.workDirectory,
            adoptablePlaces: settings.adoptablePlaces, logger: logger)
        let usage = UsageEndpoint(host: host, containers: containers, monitor: monitor)
        route.set(makeRoute(containers, volumes, usage, storage, streams, answers))
        host.start(Agent(options: options(port: port)), shell: shell, name: "agent")
        host.send(.started(entropy: freshEntropy(), report))
        containers.watchRecovered()
        link.start(loops: loops) { [host] in host.handle($0) }
        logger.info(
            "serving",
            metadata: [
                "address": "\(settings.address):\(port)", "launcher": "\(launcher.name)",
                "tasks": "\(report.containers.count)", "volumes": "\(report.volumes.count)",
            ])
        let sandboxes = SandboxHousekeeping(
            host: host, containers: containers, workDirectory: settings.workDirectory,
            policy: settings.sandboxPolicy, logger: logger)
        await serve(link, watch, monitor, webhook, sandboxes, untilEnded)
        await server.stop()
        await link.stop()
        host.stop()
        if hasShutDown {
            containers.release()
            volumes.release()
        }
    }

    /// Fetches and unpacks on threads of its own; few, as each may keep the disk busy.
    private func imageStore() throws -> ImageStore? {
        guard launcher.runsImages else { return nil }
        let threads = BlockingThreads("images", limit: 8)
        var options = ImageStore.Options(directory: settings.workDirectory + "/images")
        options.log = { [logger] in logger.info("\($0)") }
        return try ImageStore(options) { threads.run($0) }
    }

    private func openJournal() throws -> (journal: Journal, recovery: JournalRecovery) {
        var options = Journal.Options()
        // Room for some hundred ends of tasks on a full disk.
        options.aheadBytes = 1 << 20
        options.spaceChanged = { [host] isLow in if isLow { host.noteSpace(isLow: true) } }
        return try Journal.open(directory: settings.workDirectory + "/journal", options: options)
    }

    private func serve(
        _ link: MasterLink, _ watch: DiskWatch, _ monitor: UsageMonitor,
        _ webhook: UsageWebhook?, _ sandboxes: SandboxHousekeeping,
        _ untilEnded: @escaping @Sendable () async -> Void
    ) async {
        let client = HTTPClient(loops: loops, connectTimeoutMilliseconds: 1_000)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [ended] in for await _ in ended.stream {} }
            group.addTask { await untilEnded() }
            group.addTask { [settings] in
                while !Task.isCancelled {
                    if link.target == nil, !link.isConnected {
                        link.target = await Self.lookUp(settings.master, client)
                    }
                    try? await Task.sleep(for: .milliseconds(link.isConnected ? 1_000 : 100))
                }
            }
            group.addTask { [settings] in
                await sandboxes.run(
                    intervalMilliseconds: settings.collectionIntervalMilliseconds)
            }
            group.addTask { [settings] in
                await watch.run(intervalMilliseconds: settings.watchIntervalMilliseconds)
            }
            group.addTask { [self] in
                await monitor.run(intervalMilliseconds: settings.watchIntervalMilliseconds) {
                    await self.diskRules
                }
            }
            if let webhook { group.addTask { await webhook.run(client) } }
            await group.next()
            group.cancelAll()
        }
        await client.stop()
    }

    /// What the roles' policies say of limits; nil: no master has said it yet.
    private var diskRules: [RoleDiskRule]? {
        get async {
            await host.read { agent, _ in agent.hasBeenRegistered ? agent.diskRules : nil }
        }
    }

    /// Where the master takes its agents; nil: it does not answer.
    private static func lookUp(_ master: String, _ client: HTTPClient) async -> RPCTarget? {
        let url = "http://\(master)/holdfast/agents-port"
        guard let answer = try? await client.send("GET", url, timeoutMilliseconds: 2_000),
            answer.status == 200, let port = Int(String(decoding: answer.body, as: UTF8.self)),
            let host = master.split(separator: ":").first
        else { return nil }
        return RPCTarget(host: String(host), port: port)
    }

    private func startReport(
        _ records: [[UInt8]], _ volumes: AgentVolumes, _ containers: AgentContainers
    ) throws -> StartReport {
        var decoded: [AgentRecord] = []
        for record in records { decoded.append(try AgentRecord(decoding: record)) }
        var state = AgentState()
        // A journal that does not fit together is refused by the machine, which says why.
        for record in decoded { try? state.apply(record) }
        let unprepared = state.unprepared.sorted().compactMap { state.volumes[$0] }
        return StartReport(
            bootID: Processes.bootID(), uptimeNanoseconds: DispatchTime.now().uptimeNanoseconds,
            resources: settings.resources, records: decoded,
            containers: try containers.recover(), volumes: volumes.recover(unprepared))
    }

    private func options(port: Int) -> AgentOptions {
        var options = AgentOptions(
            hostname: settings.hostname, address: settings.address, port: port,
            version: settings.version, payload: settings.info,
            workDirectory: settings.workDirectory)
        options.reconfigurationPolicy = settings.reconfigurationPolicy
        return options
    }

    private func makeRoute(
        _ containers: AgentContainers, _ volumes: AgentVolumes, _ usage: UsageEndpoint,
        _ storage: AgentStorage, _ streams: EventStreams,
        _ answers: Pending<Refusal?>
    ) -> HTTPServer.Route {
        var version = Mesos_V1_VersionInfo()
        version.version = settings.version
        let operators = AgentEndpoint(
            host: host, containers: containers, files: SandboxFiles(volumes: volumes),
            usage: usage, storage: storage, version: version)
        let executors = ExecutorEndpoint(host: host, answers: answers, streams: streams)
        let legacy = LegacyEndpoint(version: version, agentsPort: 0)
        return { [host, version] request, responder in
            switch request.path {
            case "/api/v1/executor", "/slave(1)/api/v1/executor":
                executors.handle(request, responder)
            case "/api/v1", "/slave(1)/api/v1": operators.handle(request, responder)
            case "/state", "/slave(1)/state":
                host.query { agent, _ in
                    let answer = LegacyAgentState.answer(agent, version)
                    return { responder.answer(HTTPAnswer(answer)) }
                }
            default:
                if !usage.handle(request, responder) { legacy.handle(request, responder) }
            }
        }
    }
}
