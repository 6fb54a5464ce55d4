import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

/// A machine with an agent: its disks and containers live on when the agent dies.
struct AgentHost {
    enum ContainerState: Equatable { case starting, running, ended(Int32) }

    struct SimulatedContainer {
        let launch: ContainerLaunch
        var state = ContainerState.starting
        /// The agent knows of its end.
        var isTold = false
        /// Of a custom executor's container that runs.
        var executor: SimulatedExecutor?
    }

    struct EndedOperation {
        let operation: AgentOperation
        let result: OperationResult
    }

    var agent: Agent
    var isUp = false
    /// Counts the agent's processes.
    var life = 0
    /// Counts the machine's boots, over all machines that were ever in this place.
    var boot = 1
    var link: ConnectionID?
    var partitionEnd: Instant?

    // What survives a crash.
    var journal: [AgentRecord] = []
    var disk: OrderedDictionary<VolumeUUID, Amount> = [:]
    var containers: OrderedDictionary<ContainerID, SimulatedContainer> = [:]
    /// Every operation that ever ended here, by its first record.
    var ended: OrderedDictionary<OperationUUID, EndedOperation> = [:]
    /// Volumes whose data is erased before their DESTROY.
    var wiped: Set<VolumeUUID> = []
    // What does not.
    var work: OrderedDictionary<OperationUUID, [VolumeChange]> = [:]
    /// What running containers are to hold, not answered yet.
    var updates: OrderedDictionary<ContainerID, [VolumeMount]> = [:]

    let base: Resources

    init(number: Int) {
        base = Resources([
            .amount("cpus", 8), .amount("mem", 8_192), .amount("disk", 4_096),
        ])
        agent = Agent(options: AgentHost.options(number))
    }

    static func options(_ number: Int) -> AgentOptions {
        var options = AgentOptions(
            hostname: "host\(number)", address: "10.0.0.\(number + 1)", port: 5051, version: "1",
            workDirectory: "/work")
        options.updateRetryFirst = .seconds(1)
        options.updateRetryLongest = .seconds(10)
        options.registrationRetryLongest = .seconds(4)
        options.compactionThreshold = 150
        options.executorReregistrationTimeout = .seconds(6)
        options.executorRegistrationTimeout = .seconds(8)
        return options
    }

    /// Changes the disks as a backend would: all or nothing, idempotent by UUID.
    mutating func change(_ changes: [VolumeChange]) {
        for change in changes {
            switch change {
            case .create(let volume): disk[volume.uuid] = volume.resource.amount
            case .destroy(let uuid):
                disk[uuid] = nil
                wiped.remove(uuid)
            case .resize(let uuid, let amount): disk[uuid] = amount
            }
        }
    }

    /// Whether an earlier process has done it already, so that it can't fail any more.
    func isDone(_ changes: [VolumeChange]) -> Bool {
        changes.contains { change in
            switch change {
            case .create(let volume): disk[volume.uuid] != nil
            case .destroy(let uuid): disk[uuid] == nil
            case .resize(let uuid, let amount): disk[uuid] == amount
            }
        }
    }

    func startReport(at now: Instant) -> StartReport {
        StartReport(
            bootID: "boot\(boot)", uptimeNanoseconds: UInt64(now.nanoseconds), resources: base,
            records: journal,
            containers: containers.map { id, container in
                switch container.state {
                case .starting, .running: .init(id, .running(status: Payload()))
                case .ended(let status): .init(id, .ended(ContainerEnd(waitStatus: status)))
                }
            },
            volumes: disk.keys.map { .init($0) })
    }
}

extension Resource {
    static func amount(_ name: String, _ units: Int64) -> Resource {
        Resource(name, .scalar(Amount(thousandths: units * 1_000)))
    }
}
