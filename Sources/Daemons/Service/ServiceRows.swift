import HoldfastAPI
import MesosAPI
import Model
import SwiftProtobuf
import Wire

/// The durable form of a service.
enum ServiceRows {
    static func bytes(_ row: ServiceRow) -> [UInt8] {
        var message = Holdfast_ServiceRow()
        message.spec = spec(row.spec)
        message.goal = row.goal.rawValue
        message.launches = Int64(row.launches)
        if let placement = row.placement {
            message.placement.agentID = placement.agent.value
            message.placement.hostname = placement.hostname
            message.placement.resources = placement.resources.map {
                Mesos_V1_Resource(made: $0)
            }
            if let task = placement.task { message.placement.taskID = task.value }
            message.placement.isEstablished = placement.isEstablished
        }
        return (try? message.serializedBytes()) ?? []
    }

    static func row(_ bytes: [UInt8]) throws -> ServiceRow {
        let message = try Holdfast_ServiceRow(serializedBytes: bytes)
        var row = ServiceRow(
            spec: try spec(message.spec), goal: ServiceRow.Goal(rawValue: message.goal) ?? .running,
            launches: Int(message.launches))
        guard message.hasPlacement else { return row }
        let placement = message.placement
        var resources: [Resource] = []
        for resource in placement.resources { resources.append(try Resource(resource)) }
        row.placement = ServicePlacement(
            agent: AgentID(placement.agentID), hostname: placement.hostname, resources: resources,
            task: placement.hasTaskID ? TaskID(placement.taskID) : nil,
            isEstablished: placement.isEstablished)
        return row
    }

    private static func spec(_ spec: ServiceSpec) -> Holdfast_ServiceSpec {
        var message = Holdfast_ServiceSpec()
        message.name = spec.name
        message.role = spec.role
        message.command = spec.command
        if let image = spec.image { message.image = image }
        if let user = spec.user { message.user = user }
        message.environment = spec.environment.map { variable in
            var entry = Holdfast_ServiceSpec.Variable()
            entry.name = variable.name
            entry.value = variable.value
            return entry
        }
        message.cpusThousandths = spec.cpus.thousandths
        message.memoryThousandths = spec.memory.thousandths
        message.volumes = spec.volumes.map { volume in
            var entry = Holdfast_ServiceSpec.Volume()
            entry.name = volume.name
            entry.path = volume.path
            entry.sizeThousandths = volume.size.thousandths
            if let limits = volume.limits { entry.limits = limits.form }
            return entry
        }
        message.ports = spec.ports.map { port in
            var entry = Holdfast_ServiceSpec.Port()
            entry.name = port.name
            if let number = port.number { entry.number = number }
            return entry
        }
        if let health = spec.health { message.health = self.health(health) }
        message.killGraceMilliseconds = spec.killGraceMilliseconds
        return message
    }

    private static func health(_ health: ServiceSpec.Health) -> Holdfast_ServiceSpec.Health {
        var message = Holdfast_ServiceSpec.Health()
        switch health.probe {
        case .command(let command): message.command = command
        case .tcp(let port): message.tcpPort = port
        case .http(let port, let path):
            message.httpPort = port
            message.httpPath = path
        }
        message.intervalMilliseconds = health.intervalMilliseconds
        message.timeoutMilliseconds = health.timeoutMilliseconds
        message.graceMilliseconds = health.graceMilliseconds
        message.failures = Int64(health.failures)
        return message
    }

    private static func spec(_ message: Holdfast_ServiceSpec) throws(Refusal) -> ServiceSpec {
        ServiceSpec(
            name: message.name, role: message.role, command: message.command,
            image: message.hasImage ? message.image : nil,
            user: message.hasUser ? message.user : nil,
            environment: message.environment.map { .init(name: $0.name, value: $0.value) },
            cpus: Amount(thousandths: message.cpusThousandths),
            memory: Amount(thousandths: message.memoryThousandths),
            volumes: message.volumes.map {
                .init(
                    name: $0.name, path: $0.path, size: Amount(thousandths: $0.sizeThousandths),
                    limits: $0.hasLimits ? VolumeLimits($0.limits) : nil)
            },
            ports: message.ports.map {
                .init(name: $0.name, number: $0.hasNumber ? $0.number : nil)
            },
            health: message.hasHealth ? health(message.health) : nil,
            killGraceMilliseconds: message.killGraceMilliseconds)
    }

    private static func health(_ message: Holdfast_ServiceSpec.Health) -> ServiceSpec.Health {
        let probe: ServiceSpec.Health.Probe =
            if message.hasCommand {
                .command(message.command)
            } else if message.hasTcpPort {
                .tcp(port: message.tcpPort)
            } else {
                .http(port: message.httpPort, path: message.httpPath)
            }
        return ServiceSpec.Health(
            probe: probe, intervalMilliseconds: message.intervalMilliseconds,
            timeoutMilliseconds: message.timeoutMilliseconds,
            graceMilliseconds: message.graceMilliseconds, failures: Int(message.failures))
    }
}
