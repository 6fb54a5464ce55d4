package import Model

/// What a TRANSACT asks for, whoever asks.
package struct TransactionRequest: Equatable, Sendable {
    /// Chosen by the caller: the same call under the same key is done once. Nil: each call counts.
    package var key: String?
    /// Of agent and steps, made by the shell: equal for equal content.
    package var fingerprint: String
    /// In this order.
    package var steps: [OfferOperation]

    package init(key: String? = nil, fingerprint: String = "", steps: [OfferOperation]) {
        self.key = key
        self.fingerprint = fingerprint
        self.steps = steps
    }

    /// What its LAUNCH steps launch.
    var tasks: [TaskDescription] { steps.flatMap(\.tasks) }
}

extension Transaction {
    /// What became of an operation that was given to an agent.
    init(_ row: OperationRow, key: String? = nil, state: OperationState, message: String? = nil) {
        self.init(
            uuid: row.operation.uuid, key: key, agent: row.agent, state: state, message: message,
            steps: row.operation.steps.map(\.summary),
            tasks: row.launches.flatMap { $0.tasks.map(\.id) })
    }
}
