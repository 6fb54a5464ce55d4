import Model
import Registry
import Wire

/// The master's records as rows of the registry, and back.
enum RegistryRows {
    private static let clusterKey = "cluster_id"

    static func changes(_ record: MasterRecord) -> [RegistryChange] {
        switch record {
        case .clusterCreated(let id):
            [RegistryChange(bucket: .meta, key: clusterKey, value: Array(id.utf8))]
        case .agentStored(let row):
            [RegistryChange(bucket: .agents, key: row.id.value, value: row.encoded)]
        case .agentRemoved(let id):
            [RegistryChange(bucket: .agents, key: id.value, value: nil)]
        case .piecesStored(let agent, let set, let removed):
            removed.map { RegistryChange(bucket: .resources, key: key(agent, $0), value: nil) }
                + set.map {
                    RegistryChange(
                        bucket: .resources, key: key(agent, $0),
                        value: MasterRecord.piecesStored(agent, set: [$0], removed: []).encoded)
                }
        case .volumeStored(let row):
            [RegistryChange(bucket: .volumes, key: row.volume.uuid.value, value: row.encoded)]
        case .volumeRemoved(let uuid):
            [RegistryChange(bucket: .volumes, key: uuid.value, value: nil)]
        case .operationStored(let row):
            [RegistryChange(bucket: .operations, key: row.operation.uuid.value, value: row.encoded)]
        case .operationRemoved(let uuid):
            [RegistryChange(bucket: .operations, key: uuid.value, value: nil)]
        case .frameworkStored(let row):
            [
                RegistryChange(
                    bucket: .frameworks, key: row.description.id?.value ?? "", value: row.encoded)
            ]
        case .frameworkRemoved(let id):
            [RegistryChange(bucket: .frameworks, key: id.value, value: nil)]
        case .reservationStored(let row):
            [RegistryChange(bucket: .reservations, key: row.uuid.value, value: row.encoded)]
        case .reservationRemoved(let uuid):
            [RegistryChange(bucket: .reservations, key: uuid.value, value: nil)]
        case .policyStored(let policy):
            [RegistryChange(bucket: .policies, key: policy.role, value: policy.encoded)]
        case .policyRemoved(let role):
            [RegistryChange(bucket: .policies, key: role, value: nil)]
        case .audited: []
        case .transactionStored(let row):
            [RegistryChange(bucket: .transactions, key: row.owner.rowKey, value: row.encoded)]
        case .transactionRemoved(let owner):
            [RegistryChange(bucket: .transactions, key: owner.rowKey, value: nil)]
        }
    }

    /// A line of the audit trail with what it can be found by.
    static func trail(_ record: MasterRecord) -> TrailEntry? {
        guard case .audited(let entry) = record else { return nil }
        var subjects = ["action:\(entry.action.rawValue)"]
        subjects += entry.volumes.map { "volume:\($0)" } + entry.roles.map { "role:\($0)" }
        if let principal = entry.principal { subjects.append("principal:\(principal)") }
        if let framework = entry.framework { subjects.append("framework:\(framework)") }
        if let agent = entry.agent { subjects.append("agent:\(agent)") }
        if let task = entry.task { subjects.append("task:\(task)") }
        if let transaction = entry.transaction { subjects.append("transaction:\(transaction)") }
        let operation = entry.operation.map { "operation:\($0)" }
        if let operation { subjects.append(operation) }
        return TrailEntry(
            nanoseconds: entry.nanoseconds, subjects: subjects, value: entry.encoded,
            unlessThere: entry.isRetold ? operation : nil)
    }

    /// The records that rebuild what the registry holds: the cluster first, agents before what is
    /// on them, operations by agent and number.
    static func records(_ contents: [RegistryBucketContents]) throws -> [MasterRecord] {
        var records: [MasterRecord] = []
        var operations: [OperationRow] = []
        for bucket in contents {
            for entry in bucket.entries {
                switch bucket.bucket {
                case .meta where entry.key == clusterKey:
                    records.append(
                        .clusterCreated(id: String(decoding: entry.value, as: UTF8.self)))
                case .agents: records.append(.agentStored(try AgentRow(decoding: entry.value)))
                case .frameworks:
                    records.append(.frameworkStored(try FrameworkRow(decoding: entry.value)))
                case .resources: records.append(try MasterRecord(decoding: entry.value))
                case .volumes: records.append(.volumeStored(try VolumeRow(decoding: entry.value)))
                case .reservations:
                    records.append(.reservationStored(try ReservationRow(decoding: entry.value)))
                case .operations: operations.append(try OperationRow(decoding: entry.value))
                case .transactions:
                    records.append(
                        .transactionStored(try TransactionRow(decoding: entry.value)))
                case .policies:
                    records.append(.policyStored(try LifecyclePolicy(decoding: entry.value)))
                case .meta, .roles, .maintenance, .services: break
                }
            }
        }
        operations.sort {
            ($0.agent, $0.operation.sequence) < ($1.agent, $1.operation.sequence)
        }
        return records + operations.map { .operationStored($0) }
    }

    /// What tells one piece of an agent's books from another: all of it but the amount.
    private static func key(_ agent: AgentID, _ resource: Resource) -> String {
        var bare = resource
        switch resource.value {
        case .scalar: bare.value = .scalar(.zero)
        case .ranges: bare.value = .ranges(Ranges())
        case .set: bare.value = .set([])
        }
        if let persistence = bare.disk?.persistence {
            bare.disk = Disk(persistence: .init(id: persistence.id), source: bare.disk?.source)
        }
        return agent.value + "/" + hexadecimal(bare.encoded)
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
