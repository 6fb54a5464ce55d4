/// A step of a transaction on an agent's books. Each has a UUID of its own, by which the audit
/// trail and a framework's feedback know it.
package struct TransactionStep: Equatable, Sendable {
    package let uuid: OperationUUID
    package var type: OperationType
    /// Set by frameworks that want feedback.
    package var id: OperationID?
    /// Without allocation; empty in a result that is kept.
    package var conversion: ResourceConversion
    /// Those that it makes, grows or destroys.
    package var volumes: [VolumeUUID]

    package init(
        uuid: OperationUUID, type: OperationType, id: OperationID? = nil,
        conversion: ResourceConversion = ResourceConversion(
            consumed: Resources(), converted: Resources()), volumes: [VolumeUUID] = []
    ) {
        self.uuid = uuid
        self.type = type
        self.id = id
        self.conversion = conversion
        self.volumes = volumes
    }

    /// Without its resources: what a result needs.
    package var summary: TransactionStep {
        TransactionStep(uuid: uuid, type: type, id: id, volumes: volumes)
    }
}

/// The one result of a transaction: all of its steps are done, or none.
package struct Transaction: Equatable, Sendable {
    /// Nil: it was refused before anything was sent.
    package var uuid: OperationUUID?
    package var key: String?
    package var agent: AgentID?
    /// `pending`; `finished`: all is done; `failed`, `error`: nothing is.
    package var state: OperationState
    /// Why nothing is done.
    package var message: String?
    /// Those on the agent's books, as summaries.
    package var steps: [TransactionStep]
    /// Launched if all is done.
    package var tasks: [TaskID]

    package init(
        uuid: OperationUUID? = nil, key: String? = nil, agent: AgentID? = nil,
        state: OperationState, message: String? = nil, steps: [TransactionStep] = [],
        tasks: [TaskID] = []
    ) {
        self.uuid = uuid
        self.key = key
        self.agent = agent
        self.state = state
        self.message = message
        self.steps = steps
        self.tasks = tasks
    }
}

/// Whose a key is: a framework's, or an operator's by the principal. The keys of two callers never
/// meet.
package struct TransactionKey: Hashable, Comparable, Sendable {
    /// Nil: an operator's.
    package let framework: FrameworkID?
    package let principal: String?
    package let key: String

    package init(framework: FrameworkID?, principal: String?, key: String) {
        self.framework = framework
        self.principal = framework == nil ? principal : nil
        self.key = key
    }

    package static func < (left: TransactionKey, right: TransactionKey) -> Bool {
        (left.framework?.value ?? "", left.principal ?? "", left.key)
            < (right.framework?.value ?? "", right.principal ?? "", right.key)
    }
}

/// A transaction with a key, in the registry from its beginning, so that the same call gets the
/// same result, whichever master answers it.
package struct TransactionRow: Equatable, Sendable {
    package let owner: TransactionKey
    /// Of agent and steps: tells a repeated call from another one under the same key.
    package let fingerprint: String
    package var startedNanoseconds: Int64
    package var result: Transaction

    package init(
        owner: TransactionKey, fingerprint: String, startedNanoseconds: Int64, result: Transaction
    ) {
        self.owner = owner
        self.fingerprint = fingerprint
        self.startedNanoseconds = startedNanoseconds
        self.result = result
    }
}

extension AgentOperation {
    package var isTransaction: Bool { type == .transact }

    /// Its own, if it is a transaction.
    package var transactionUUID: OperationUUID? { isTransaction ? uuid : nil }

    /// What a framework follows of it: itself, or the steps of a transaction that have an id.
    package var followed: [(uuid: OperationUUID, id: OperationID)] {
        guard isTransaction else { return id.map { [(uuid, $0)] } ?? [] }
        return steps.compactMap { step in step.id.map { (step.uuid, $0) } }
    }

    /// What is done on the disk before it is certain that it takes effect. A transaction destroys
    /// afterwards: that can't be taken back.
    package var changesBeforeEnd: [VolumeChange] {
        guard isTransaction else { return volumeChanges }
        return volumeChanges.filter { $0.destroyed == nil }
    }

    /// The volumes that a transaction gives up once it has taken effect.
    package var volumesGivenUp: [VolumeUUID] {
        isTransaction ? volumeChanges.compactMap(\.destroyed) : []
    }
}

extension VolumeChange {
    package var destroyed: VolumeUUID? {
        switch self {
        case .destroy(let uuid): uuid
        case .create, .resize: nil
        }
    }
}

extension ResourceConversion {
    package static let nothing = ResourceConversion(consumed: Resources(), converted: Resources())

    /// Both, one after the other, as one. What the second takes of what the first has made is in
    /// neither side of it.
    package func followed(by next: ResourceConversion) -> ResourceConversion {
        var consumed = consumed
        var converted = converted
        for entry in next.consumed.entries {
            if let missing = converted.take(entry) {
                consumed.add(missing, copies: entry.copies)
            }
        }
        converted.add(next.converted)
        return ResourceConversion(consumed: consumed, converted: converted)
    }
}

extension Resources {
    /// Takes as much of a piece as is there; what is not.
    fileprivate mutating func take(_ wanted: Entry) -> Resource? {
        if subtract(wanted.resource, copies: wanted.copies) { return nil }
        guard wanted.resource.isDivisible,
            let there = entry(ResourceKey(wanted.resource))?.resource
        else { return wanted.resource }
        let rest = wanted.resource.value.subtracting(there.value)
        subtract(wanted.resource.with(wanted.resource.value.subtracting(rest)))
        return wanted.resource.with(rest)
    }
}
