import AgentCore
import MachineCore
import Model

extension Resource {
    static func scalar(_ name: String, _ units: Int64) -> Resource {
        Resource(name, .scalar(Amount(thousandths: units * 1000)))
    }

    static func cpus(_ units: Int64) -> Resource { scalar("cpus", units) }
    static func mem(_ units: Int64) -> Resource { scalar("mem", units) }
    static func disk(_ units: Int64) -> Resource { scalar("disk", units) }

    static func volume(_ id: String, _ units: Int64, isShared: Bool = false) -> Resource {
        disk(units).reserved.with(
            disk: Disk(persistence: .init(id: id), volume: .init(containerPath: "data"))
        ).with(isShared: isShared)
    }

    var reserved: Resource { with(reservations: [Reservation(role: "db")]) }
    var allocated: Resource { with(allocationRole: "db") }
}

extension Resources {
    static let example = Resources([
        .cpus(4), .mem(4096), .disk(10_000),
        Resource("ports", .ranges(Ranges(31000...32000))),
    ])
}

extension ResourceConversion {
    init(_ consumed: Resource..., to converted: [Resource]) {
        self.init(consumed: Resources(consumed), converted: Resources(converted))
    }

    init(_ consumed: Resource, _ converted: Resource) {
        self.init(consumed, to: [converted])
    }
}

extension VolumeDescription {
    static func example(_ name: String, _ resource: Resource) -> VolumeDescription {
        VolumeDescription(
            uuid: VolumeUUID(name), resource: resource, createdNanoseconds: 0)
    }
}

extension AgentOptions {
    static let example = AgentOptions(
        hostname: "host", address: "127.0.0.1", port: 5051, version: "1", workDirectory: "/w")
}

extension FrameworkDescription {
    static func example(
        _ capabilities: Capabilities = [.partitionAware], id: FrameworkID = Harness.framework
    ) -> FrameworkDescription {
        FrameworkDescription(
            id: id, name: "framework", user: "root", roles: ["db"], capabilities: capabilities)
    }
}

extension TaskDescription {
    static func example(
        _ id: String = "t", _ resources: [Resource] = [.cpus(1), .mem(128)],
        executor: ExecutorDescription? = nil
    ) -> TaskDescription {
        TaskDescription(
            id: TaskID(id), name: id, agent: Harness.agentID,
            resources: resources.map(\.allocated), executor: executor,
            hasCommand: executor == nil, payload: Payload([7]))
    }
}

extension ExecutorDescription {
    static func example(_ id: String = "e") -> ExecutorDescription {
        ExecutorDescription(
            id: ExecutorID(id), kind: .custom, framework: Harness.framework,
            resources: [Resource.cpus(1).allocated], payload: Payload([9]))
    }
}
