import MasterCore
import MesosAPI
import Model
import Net
import Wire

// TRANSACT: what a call asks for, and its result. A step without meaning is kept as a refusal,
// which the master answers with the step's number.

extension TransactionRequest {
    init(_ call: Mesos_V1_Master_Call.Transact) {
        self.init(
            key: call.hasKey ? call.key : nil,
            fingerprint: StepsFingerprint.text(agent: call.agentID.value, call.steps),
            steps: call.steps.map { OfferOperation(step: $0) })
    }

    /// A repeated call has other offers than the first one: they do not count.
    init(_ call: Mesos_V1_Scheduler_Call.Transact) {
        self.init(
            key: call.hasKey ? call.key : nil,
            fingerprint: StepsFingerprint.text(agent: nil, call.steps),
            steps: call.steps.map { OfferOperation(step: $0) })
    }
}

extension HTTPAnswer {
    /// The answer to an operator's call that changes something.
    init(_ answer: Answer, _ accept: MediaType) {
        guard case .transacted(let result) = answer else {
            self.init(answer)
            return
        }
        var response = Mesos_V1_Master_Response()
        response.type = .transact
        response.transact = Mesos_V1_Transaction(result)
        self.init(
            status: 200, headers: ["Content-Type": accept.rawValue],
            body: accept.encode(response))
    }
}

extension TransactionKey {
    /// A row's key: the owner's length comes first, so that no two owners' keys are alike.
    var rowKey: String {
        let owner = framework.map { "framework:\($0)" } ?? "operator:\(principal ?? "")"
        return "\(owner.utf8.count):\(owner)/\(key)"
    }
}
