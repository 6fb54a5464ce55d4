package import MesosAPI
package import Model
import SwiftProtobuf

extension Mesos_V1_Transaction {
    /// The one result of a transaction.
    package init(_ transaction: Transaction) {
        self.init()
        if let uuid = transaction.uuid { self.uuid = uuid.value }
        if let key = transaction.key { self.key = key }
        if let agent = transaction.agent { agentID.value = agent.value }
        state = Mesos_V1_OperationState(transaction.state)
        if let message = transaction.message { self.message = message }
        steps = transaction.steps.map(Step.init)
        taskIds = transaction.tasks.map { task in
            var id = Mesos_V1_TaskID()
            id.value = task.value
            return id
        }
    }
}

extension Mesos_V1_Transaction.Step {
    fileprivate init(_ step: TransactionStep) {
        self.init()
        type = Mesos_V1_Offer.Operation.TypeEnum(step.type)
        if let id = step.id { operationID.value = id.value }
        operationUuid = step.uuid.value
        volumeUuids = step.volumes.map(\.value)
    }
}

/// What tells a repeated call from another one under the same key: FNV-1a of the steps in their
/// wire form, which is the same whatever form the call came in.
package enum StepsFingerprint {
    package static func text(agent: String?, _ steps: [Mesos_V1_Offer.Operation]) -> String {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var count = 0
        func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
                count += 1
            }
            // Ends one part: "ab", "c" is not "a", "bc".
            hash = (hash ^ 0x100) &* 0x100_0000_01B3
        }
        add((agent ?? "").utf8)
        for step in steps {
            let bytes: [UInt8]? = try? step.serializedBytes(partial: true, options: options)
            add(bytes ?? [])
        }
        return "\(count)-\(String(hash, radix: 16))"
    }
}
