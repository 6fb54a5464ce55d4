import MesosAPI
import Model
import ServiceCore
import Wire

/// Writes what the service scheduler asks of the master as the scheduler API's messages.
enum ServiceTasks {
    static func operation(_ step: ServiceStep) -> Mesos_V1_Offer.Operation {
        var operation = Mesos_V1_Offer.Operation()
        switch step {
        case .reserve(let resources):
            operation.type = .reserve
            operation.reserve.resources = resources.map(message)
        case .unreserve(let resources, let id):
            operation.type = .unreserve
            operation.id.value = id.value
            operation.unreserve.resources = resources.map(message)
        case .create(let volumes):
            operation.type = .create
            operation.create.volumes = volumes.map { Mesos_V1_Resource(made: $0) }
        case .destroy(let volumes, let id):
            operation.type = .destroy
            operation.id.value = id.value
            operation.destroy.volumes = volumes.map(message)
        case .grow(let volume, let addition, let id):
            operation.type = .growVolume
            operation.id.value = id.value
            operation.growVolume.volume = message(volume)
            operation.growVolume.addition = message(addition)
        case .shrink(let volume, let subtract, let id):
            operation.type = .shrinkVolume
            operation.id.value = id.value
            operation.shrinkVolume.volume = message(volume)
            operation.shrinkVolume.subtract.value = subtract.value
        case .launch(let spec, let task, let agent, let resources):
            operation.type = .launch
            operation.launch.taskInfos = [info(spec, task, agent, resources)]
        }
        return operation
    }

    private static func message(_ resource: Resource) -> Mesos_V1_Resource {
        Mesos_V1_Resource(resource, form: .postRefinement)
    }

    private static func info(
        _ spec: ServiceSpec, _ task: TaskID, _ agent: AgentID, _ resources: [Resource]
    ) -> Mesos_V1_TaskInfo {
        var info = Mesos_V1_TaskInfo()
        info.name = spec.name
        info.taskID.value = task.value
        info.agentID.value = agent.value
        info.resources = resources.map(message)
        // Without a command the image's own is run.
        info.command.shell = !spec.command.isEmpty
        if !spec.command.isEmpty { info.command.value = spec.command }
        if let user = spec.user { info.command.user = user }
        let ports = numbers(spec, resources)
        info.command.environment.variables =
            spec.environment.map { variable($0.name, $0.value) }
            + ports.map { variable(environmentName($0.name), String($0.number)) }
        if let image = spec.image {
            info.container.type = .mesos
            info.container.mesos.image.type = .docker
            info.container.mesos.image.docker.name = image
        }
        info.killPolicy.gracePeriod.nanoseconds = spec.killGraceMilliseconds * 1_000_000
        if let health = spec.health { info.healthCheck = check(health, ports) }
        return info
    }

    /// The ports' numbers: fixed ones as they are named, the others in the order of the offer.
    private static func numbers(
        _ spec: ServiceSpec, _ resources: [Resource]
    ) -> [(name: String, number: UInt64)] {
        let fixed = Set(spec.ports.compactMap(\.number))
        var free = resources.filter { $0.name == "ports" }.flatMap { resource -> [UInt64] in
            guard case .ranges(let ranges) = resource.value else { return [] }
            return ranges.intervals.flatMap { Array($0) }
        }.filter { !fixed.contains($0) }
        return spec.ports.map { port in
            (port.name, port.number ?? (free.isEmpty ? 0 : free.removeFirst()))
        }
    }

    /// `PORT_SQL` for `sql`.
    private static func environmentName(_ port: String) -> String {
        "PORT_"
            + String(port.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }

    private static func variable(
        _ name: String, _ value: String
    ) -> Mesos_V1_Environment.Variable {
        var variable = Mesos_V1_Environment.Variable()
        variable.name = name
        variable.value = value
        return variable
    }

    private static func check(
        _ health: ServiceSpec.Health, _ ports: [(name: String, number: UInt64)]
    ) -> Mesos_V1_HealthCheck {
        var check = Mesos_V1_HealthCheck()
        let number = { (name: String) in
            UInt32(clamping: ports.first { $0.name == name }?.number ?? 0)
        }
        switch health.probe {
        case .command(let command):
            check.type = .command
            check.command.shell = true
            check.command.value = command
        case .tcp(let port):
            check.type = .tcp
            check.tcp.port = number(port)
        case .http(let port, let path):
            check.type = .http
            check.http.port = number(port)
            check.http.path = path
            check.http.scheme = "http"
        }
        check.delaySeconds = 0
        check.intervalSeconds = Double(health.intervalMilliseconds) / 1000
        check.timeoutSeconds = Double(health.timeoutMilliseconds) / 1000
        check.gracePeriodSeconds = Double(health.graceMilliseconds) / 1000
        check.consecutiveFailures = UInt32(clamping: health.failures)
        return check
    }
}
