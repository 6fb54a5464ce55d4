package import MesosAPI
package import Model
package import SwiftProtobuf

/// A call of the API: after its form, its fields are checked for fitting its type.
package protocol APICall: Message {
    /// The field that the type needs and that is absent; nil: it is there or none is needed.
    var absentField: String? { get }
    /// What stands before a refusal's text.
    static var label: String { get }
    /// Rules beyond the type's own field.
    func checkFields() throws(Refusal)
}

extension APICall {
    package func checkFields() throws(Refusal) {}

    /// Throws `invalid` in Mesos's words.
    package func validate() throws(Refusal) {
        do throws(Refusal) {
            if let absentField {
                throw Refusal(.invalid, "Expecting '\(absentField)' to be present")
            }
            try checkFields()
        } catch {
            throw Refusal(
                error.kind, "Failed to validate \(Self.label): \(error.message)")
        }
    }
}

extension MediaType {
    /// Reads a call and checks that its fields fit its type; `invalid` with Mesos's words.
    package func decodeCall<Call: APICall>(
        _ type: Call.Type, from bytes: [UInt8]
    ) throws(Refusal) -> Call {
        let call = try decode(type, from: bytes)
        try call.validate()
        return call
    }
}

extension Mesos_V1_Scheduler_Call: APICall {
    package static let label = "scheduler::Call"

    package var absentField: String? {
        guard hasType else { return "type" }
        if type != .subscribe, !hasFrameworkID { return "framework_id" }
        switch type {
        case .subscribe: return hasSubscribe ? nil : "subscribe"
        case .accept: return hasAccept ? nil : "accept"
        case .decline: return hasDecline ? nil : "decline"
        case .acceptInverseOffers: return hasAcceptInverseOffers ? nil : "accept_inverse_offers"
        case .declineInverseOffers: return hasDeclineInverseOffers ? nil : "decline_inverse_offers"
        case .kill: return hasKill ? nil : "kill"
        case .shutdown: return hasShutdown ? nil : "shutdown"
        case .acknowledge: return hasAcknowledge ? nil : "acknowledge"
        case .acknowledgeOperationStatus:
            guard hasAcknowledgeOperationStatus else { return "acknowledge_operation_status" }
            return acknowledgeOperationStatus.hasAgentID ? nil : "agent_id"
        case .reconcile: return hasReconcile ? nil : "reconcile"
        case .reconcileOperations: return hasReconcileOperations ? nil : "reconcile_operations"
        case .message: return hasMessage ? nil : "message"
        case .request: return hasRequest ? nil : "request"
        case .updateFramework: return hasUpdateFramework ? nil : "update_framework"
        case .renewLease: return hasRenewLease ? nil : "renew_lease"
        case .transact: return hasTransact ? nil : "transact"
        case .unknown, .teardown, .revive, .suppress: return nil
        }
    }

    package func checkFields() throws(Refusal) {
        switch type {
        case .subscribe:
            guard subscribe.frameworkInfo.id.value == frameworkID.value else {
                throw Refusal(
                    .invalid, "'framework_id' differs from 'subscribe.framework_info.id'")
            }
        case .updateFramework:
            guard updateFramework.frameworkInfo.id.value == frameworkID.value else {
                throw Refusal(
                    .invalid, "'framework_id' differs from 'update_framework.framework_info.id'")
            }
        case .acknowledge: _ = try checkedUUID(acknowledge.uuid)
        case .acknowledgeOperationStatus:
            _ = try checkedUUID(acknowledgeOperationStatus.uuid)
        default: return
        }
    }
}

extension Mesos_V1_Executor_Call: APICall {
    package static let label = "Executor::Call"

    package var absentField: String? {
        guard hasType else { return "type" }
        switch type {
        case .subscribe: return hasSubscribe ? nil : "subscribe"
        case .update:
            guard hasUpdate else { return "update" }
            return update.status.hasUuid ? nil : "uuid"
        case .message: return hasMessage ? nil : "message"
        case .heartbeat, .unknown: return nil
        }
    }

    package func checkFields() throws(Refusal) {
        guard type == .update else { return }
        let sender = "executor \(executorID.value) of framework \(frameworkID.value)"
        _ = try checkedUUID(update.status.uuid)
        guard update.status.source == .executor else {
            throw Refusal(
                .invalid,
                "Received Call from \(sender) with invalid source, expecting 'SOURCE_EXECUTOR'")
        }
        guard update.status.state != .taskStaging else {
            throw Refusal(
                .invalid, "Received TASK_STAGING from \(sender) which is not allowed")
        }
    }
}
