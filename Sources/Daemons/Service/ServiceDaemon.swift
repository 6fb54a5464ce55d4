import Foundation
package import Logging
import MachineCore
import MesosAPI
import Model
import Net
import Registry
import ServiceCore
import SwiftProtobuf
import Wire

/// What the service scheduler's subcommand settles.
package struct ServiceOptions: Sendable {
    package var workDirectory: String
    /// HOST:PORT.
    package var master: String
    package var address = "127.0.0.1"
    /// 0: any free one.
    package var port = 0
    package var principal = "holdfast-services"

    package init(workDirectory: String, master: String) {
        self.workDirectory = workDirectory
        self.master = master
    }
}

/// The stateful-service scheduler as a process: its machine, its registry, its connection to the
/// master, and the HTTP API that `holdfast service` talks to.
package final class ServiceDaemon: Sendable {
    private let options: ServiceOptions
    private let host: MachineHost<ServiceScheduler>
    private let answers = Pending<ServiceAnswer>()
    private let loops = EventLoops()
    private let client: HTTPClient
    private let connection: SchedulerConnection
    private let grower: VolumeGrower
    private let registry: any RegistryStore
    private let logger: Logger

    package init(options: ServiceOptions, logger: Logger) throws {
        self.options = options
        self.logger = logger
        var stored = SQLiteRegistry.Options()
        stored.reserveBytes = 0
        registry = try SQLiteRegistry(
            path: options.workDirectory + "/services.sqlite", options: stored)
        client = HTTPClient(loops: loops)
        connection = SchedulerConnection(master: options.master, client: client, logger: logger)
        grower = VolumeGrower(master: options.master, client: client, logger: logger)
        host = MachineHost(clock: ProcessClock(), tick: .ticked) { error in
            logger.critical("cannot store", metadata: ["error": "\(error)"])
            exit(70)
        }
    }

    /// Serves until `untilEnded` returns.
    package func run(_ untilEnded: @escaping @Sendable () async -> Void) async throws {
        let (framework, rows) = try recovered()
        host.start(
            ServiceScheduler(principal: options.principal),
            shell: ServiceShell(
                registry: registry, answers: answers, calls: connection, grower: grower,
                host: host),
            name: "services")
        host.send(.started(entropy: freshEntropy(), framework: framework, rows: rows))
        let endpoint = ServiceEndpoint(host: host, answers: answers)
        let server = HTTPServer(loops: loops) { endpoint.handle($0, $1) }
        let port = try await server.start(host: options.address, port: options.port)
        let url = "http://\(options.address):\(port)"
        logger.info("serving", metadata: ["url": "\(url)", "master": "\(options.master)"])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await untilEnded() }
            group.addTask { [connection] in await connection.runCalls() }
            group.addTask { [grower, host] in
                await grower.run { host.send(.growthEnded($0, $1)) }
            }
            group.addTask { await self.subscribeForever(url) }
            await group.next()
            group.cancelAll()
        }
        await server.stop()
        await client.stop()
        host.stop()
    }

    private func recovered() throws -> (FrameworkID?, [ServiceRow]) {
        var framework: FrameworkID?
        var rows: [ServiceRow] = []
        for contents in try registry.load() {
            for entry in contents.entries {
                switch contents.bucket {
                case .services: rows.append(try ServiceRows.row(entry.value))
                case .meta where entry.key == ServiceShell.frameworkKey:
                    framework = FrameworkID(String(decoding: entry.value, as: UTF8.self))
                default: break
                }
            }
        }
        return (framework, rows)
    }

    private func subscribeForever(_ url: String) async {
        var backoff = Backoff(first: .milliseconds(100), longest: .milliseconds(5_000))
        var generator = SeededGenerator(entropy: freshEntropy())
        while !Task.isCancelled {
            let (id, roles) = await host.read { machine, _ in (machine.framework, machine.roles) }
            do {
                try await connection.runEvents(info(url, id, roles), suppressed: roles) { event in
                    backoff.reset()
                    take(event)
                }
                logger.warning("the master ended the stream")
            } catch {
                logger.warning("not subscribed", metadata: ["error": "\(error)"])
            }
            host.send(.disconnected)
            let wait = backoff.next(&generator)
            try? await Task.sleep(for: .nanoseconds(wait.nanoseconds))
        }
    }

    private func info(
        _ url: String, _ id: FrameworkID?, _ roles: [String]
    ) -> Mesos_V1_FrameworkInfo {
        var info = Mesos_V1_FrameworkInfo()
        info.user = NSUserName()
        info.name = "holdfast-services"
        if let id { info.id.value = id.value }
        info.failoverTimeout = 365 * 86_400
        info.checkpoint = true
        info.roles = roles
        info.principal = options.principal
        info.webuiURL = url
        info.hostname = ProcessInfo.processInfo.hostName
        let types: [Mesos_V1_FrameworkInfo.Capability.TypeEnum] = [
            .multiRole, .partitionAware, .reservationRefinement, .taskKillingState,
        ]
        info.capabilities = types.map { type in
            var capability = Mesos_V1_FrameworkInfo.Capability()
            capability.type = type
            return capability
        }
        return info
    }

    private func take(_ event: Mesos_V1_Scheduler_Event) {
        switch event.type {
        case .subscribed: host.send(.subscribed(FrameworkID(event.subscribed.frameworkID.value)))
        case .offers:
            host.send(.offersReceived(event.offers.offers.compactMap { offer($0) }))
        case .rescind: host.send(.offerRescinded(OfferID(event.rescind.offerID.value)))
        case .update:
            let status = event.update.status
            guard
                let update = try? StatusUpdate(
                    status, framework: FrameworkID(""), executor: nil,
                    agent: status.hasAgentID ? AgentID(status.agentID.value) : nil)
            else { return }
            host.send(.statusReceived(update))
        case .updateOperationStatus:
            let status = event.updateOperationStatus.status
            let state = OperationState(status.state)
            host.send(
                .operationEnded(
                    OperationID(status.operationID.value), state,
                    message: status.hasMessage ? status.message : nil))
            guard status.hasUuid else { return }
            // What is asked for after the event leaves when all that follows from it is stored.
            host.query { [connection] _, _ in
                { connection.send(.acknowledgeOperation(status)) }
            }
        case .error:
            logger.error("refused", metadata: ["text": "\(event.error.message)"])
        default: break
        }
    }

    private func offer(_ message: Mesos_V1_Offer) -> ServiceOffer? {
        var resources: [Resource] = []
        for resource in message.resources {
            guard let resource = try? Resource(resource) else { return nil }
            resources.append(resource)
        }
        return ServiceOffer(
            id: OfferID(message.id.value), agent: AgentID(message.agentID.value),
            hostname: message.hostname, role: message.allocationInfo.role, resources: resources)
    }
}
