import Foundation
package import Logging
import MachineCore
package import MasterCore
import MesosAPI
import Model
import Net
import Registry
import Wire

/// What the master's subcommand settles.
package struct MasterSettings: Sendable {
    package var workDirectory: String
    package var address = "127.0.0.1"
    /// 0: any free one.
    package var port = 5050
    package var hostname = "localhost"
    package var version: String
    package var options = MasterOptions()
    package var checksInvariants = false
    /// What the archive of the audit trail may take.
    package var auditArchivesBytes = 1 << 30

    package init(workDirectory: String, version: String) {
        self.workDirectory = workDirectory
        self.version = version
    }
}

/// The master as a process: its machine, its registry, the HTTP API, and the agents' connections.
package final class MasterDaemon: Sendable {
    private let settings: MasterSettings
    private let host: MachineHost<Master>
    private let answers = Pending<Answer>()
    private let streams = EventStreams()
    private let registry: SQLiteRegistry
    private let logger: Logger
    private let loops = EventLoops()

    package init(settings: MasterSettings, logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        var options = SQLiteRegistry.Options()
        options.archive = TrailArchive(
            directory: settings.workDirectory + "/audit", bytesLimit: settings.auditArchivesBytes)
        options.noteTrouble = {
            logger.error("the audit trail can't be archived", metadata: ["error": "\($0)"])
        }
        registry = try SQLiteRegistry(
            path: Self.registryPath(in: settings.workDirectory), options: options)
        var check: (@Sendable (Master) -> [String])?
        if settings.checksInvariants { check = { $0.touchedViolations() } }
        host = MachineHost(
            clock: ProcessClock(), tick: .ticked, spaceChanged: { .storageLow($0) },
            checkInvariants: check
        ) { error in
            logger.critical("the master ends", metadata: ["error": "\(error)"])
            exit(70)
        }
    }

    private static func registryPath(in workDirectory: String) -> String {
        workDirectory + "/registry.sqlite"
    }

    /// Puts a backup in the place of the registry of a master that does not run.
    ///
    /// - Returns: where the old registry is now; nil: there was none.
    package static func restoreRegistry(
        _ backup: String, workDirectory: String
    ) throws -> RestoredRegistry {
        var restored = RestoredRegistry()
        restored.kept = try SQLiteRegistry.restore(
            backup, to: registryPath(in: workDirectory)
        ) { try restored.hold($0) }
        return restored
    }

    /// Serves until `untilEnded` returns.
    package func run(_ untilEnded: () async -> Void) async throws {
        let records = try RegistryRows.records(registry.load())
        let agents = RPCServer(loops: loops) { [host] in MasterDaemon.take($0, host) }
        let agentsPort = try await agents.start(host: settings.address, port: 0)
        // A port of 0 is known only when the socket is bound, so the route is filled in then.
        let route = LateRoute()
        let server = HTTPServer(loops: loops) { route.handle($0, $1) }
        let port = try await server.start(host: settings.address, port: settings.port)
        let events = SchedulerEvents(masterInfo: masterInfo(port: port, records: records))
        let views = makeViews(events.masterInfo)
        let subscribers = SubscriberStreams(views: views)
        route.set(makeRoute(views, subscribers, agentsPort: agentsPort))
        host.start(
            Master(options: settings.options),
            shell: MasterShell(
                registry: registry, streams: streams, events: events, answers: answers,
                agents: agents, subscribers: subscribers, logger: logger),
            name: "master")
        host.send(.started(entropy: freshEntropy(), records: records))
        logger.info(
            "serving",
            metadata: ["address": "\(settings.address):\(port)", "agents": "\(agentsPort)"])
        await untilEnded()
        await server.stop()
        await agents.stop()
        host.stop()
    }

    private func makeViews(_ info: Mesos_V1_MasterInfo) -> MasterViews {
        var version = Mesos_V1_VersionInfo()
        version.version = settings.version
        return MasterViews(
            masterInfo: info, version: version, startedSeconds: ProcessClock().now.seconds)
    }

    private func makeRoute(
        _ views: MasterViews, _ subscribers: SubscriberStreams, agentsPort: Int
    ) -> HTTPServer.Route {
        let scheduler = SchedulerEndpoint(host: host, answers: answers, streams: streams)
        let operators = OperatorEndpoint(
            host: host, answers: answers, readers: MasterReaders(host: host, views: views),
            audit: AuditQueries(registry: registry),
            backups: RegistryBackups(
                registry: registry, directory: settings.workDirectory + "/backups"),
            subscribers: subscribers)
        let forms = LegacyCallEndpoint(host: host, answers: answers)
        let legacy = LegacyEndpoint(version: views.version, agentsPort: agentsPort)
        return { [host] request, responder in
            switch request.path {
            case "/api/v1/scheduler", "/master/api/v1/scheduler":
                scheduler.handle(request, responder)
            case "/api/v1", "/master/api/v1": operators.handle(request, responder)
            case "/slaves", "/master/slaves":
                host.query { master, _ in
                    let answer = LegacyAgents.answer(master, only: request.query["slave_id"])
                    return { responder.answer(HTTPAnswer(answer)) }
                }
            default:
                if let call = LegacyCall(path: request.path) {
                    forms.handle(call, request, responder)
                } else {
                    legacy.handle(request, responder)
                }
            }
        }
    }

    private func masterInfo(port: Int, records: [MasterRecord]) -> Mesos_V1_MasterInfo {
        var id = ""
        for record in records {
            if case .clusterCreated(let cluster) = record { id = cluster }
        }
        var info = Mesos_V1_MasterInfo(
            id: id, hostname: settings.hostname, address: settings.address,
            port: UInt16(clamping: port), version: settings.version)
        info.capabilities = [Mesos_V1_MasterInfo.Capability.TypeEnum.agentUpdate, .agentDraining]
            .map { type in
                var capability = Mesos_V1_MasterInfo.Capability()
                capability.type = type
                return capability
            }
        return info
    }

    private static func take(_ event: RPCEvent, _ host: MachineHost<Master>) {
        switch event {
        case .connected(let id, let peer):
            host.send(.agentConnected(ConnectionID(id.number), address: peer))
        case .received(let id, let frames):
            var events: [Master.Event] = []
            for frame in frames {
                // Nonsense ends the connection: its agent registers anew and is told what to do.
                guard frame.kind == AgentFrames.kind,
                    let message = try? AgentMessage(decoding: frame.payload)
                else {
                    events.append(.agentDisconnected(ConnectionID(id.number)))
                    break
                }
                events.append(.agentSaid(ConnectionID(id.number), message))
            }
            host.handle(events)
        case .disconnected(let id, _):
            host.send(.agentDisconnected(ConnectionID(id.number)))
        }
    }
}

/// The kinds of frame between agents and master.
enum AgentFrames {
    static let kind: UInt8 = 1
}
