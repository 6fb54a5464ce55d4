import Foundation
import MasterCore
import MesosAPI
import Model
import SwiftProtobuf
import Wire

/// Reads the scheduler API's calls; what is missing or wrong is refused with Mesos's words.
enum SchedulerCalls {
    static func subscription(
        _ call: Mesos_V1_Scheduler_Call, streamUUID: String
    ) throws(Refusal) -> Subscription {
        guard call.hasSubscribe else {
            throw invalid("Expecting 'subscribe' to be present")
        }
        var framework = try FrameworkDescription(call.subscribe.frameworkInfo)
        let inner = framework.id
        let outer = call.hasFrameworkID ? FrameworkID(call.frameworkID.value) : nil
        guard outer == inner else {
            throw invalid("'framework_id' differs from 'subscribe.framework_info.id'")
        }
        framework.id = outer
        return Subscription(
            framework: framework, suppressedRoles: call.subscribe.suppressedRoles,
            streamUUID: streamUUID)
    }

    static func read(_ call: Mesos_V1_Scheduler_Call) throws(Refusal) -> SchedulerCall {
        switch call.type {
        case .teardown: return .teardown
        case .accept:
            try need(call.hasAccept, "accept")
            var operations: [OfferOperation] = []
            for operation in call.accept.operations {
                operations.append(try OfferOperation(operation))
            }
            return .accept(
                offers: call.accept.offerIds.map { OfferID($0.value) }, operations: operations,
                refuseSeconds: call.accept.hasFilters ? call.accept.filters.refuseSeconds : nil)
        case .decline:
            try need(call.hasDecline, "decline")
            return .decline(
                offers: call.decline.offerIds.map { OfferID($0.value) },
                refuseSeconds: call.decline.hasFilters ? call.decline.filters.refuseSeconds : nil)
        case .revive: return .revive(roles: call.revive.roles)
        case .suppress: return .suppress(roles: call.suppress.roles)
        case .kill:
            try need(call.hasKill, "kill")
            return .kill(
                TaskID(call.kill.taskID.value),
                agent: call.kill.hasAgentID ? AgentID(call.kill.agentID.value) : nil,
                graceMilliseconds: call.kill.hasKillPolicy && call.kill.killPolicy.hasGracePeriod
                    ? call.kill.killPolicy.gracePeriod.nanoseconds / 1_000_000 : nil)
        case .shutdown:
            try need(call.hasShutdown, "shutdown")
            return .shutdown(
                ExecutorID(call.shutdown.executorID.value),
                agent: AgentID(call.shutdown.agentID.value))
        case .acknowledge:
            try need(call.hasAcknowledge, "acknowledge")
            return .acknowledge(
                agent: AgentID(call.acknowledge.agentID.value),
                task: TaskID(call.acknowledge.taskID.value),
                uuid: try updateUUID(call.acknowledge.uuid))
        case .reconcile:
            try need(call.hasReconcile, "reconcile")
            return .reconcile(
                call.reconcile.tasks.map { task in
                    TaskQuery(
                        task: TaskID(task.taskID.value),
                        agent: task.hasAgentID ? AgentID(task.agentID.value) : nil)
                })
        case .message:
            try need(call.hasMessage, "message")
            return .message(
                agent: AgentID(call.message.agentID.value),
                executor: ExecutorID(call.message.executorID.value),
                data: Payload(Array(call.message.data)))
        default: return try readLess(call)
        }
    }

    /// The calls about operations, and those without effect.
    private static func readLess(
        _ call: Mesos_V1_Scheduler_Call
    ) throws(Refusal) -> SchedulerCall {
        switch call.type {
        case .acknowledgeOperationStatus:
            try need(call.hasAcknowledgeOperationStatus, "acknowledge_operation_status")
            let acknowledged = call.acknowledgeOperationStatus
            return .acknowledgeOperationStatus(
                OperationID(acknowledged.operationID.value),
                agent: acknowledged.hasAgentID ? AgentID(acknowledged.agentID.value) : nil,
                uuid: try updateUUID(acknowledged.uuid).value)
        case .reconcileOperations:
            try need(call.hasReconcileOperations, "reconcile_operations")
            return .reconcileOperations(
                call.reconcileOperations.operations.map { operation in
                    OperationQuery(
                        operation: OperationID(operation.operationID.value),
                        agent: operation.hasAgentID ? AgentID(operation.agentID.value) : nil)
                })
        case .updateFramework:
            try need(call.hasUpdateFramework, "update_framework")
            return .updateFramework(
                try FrameworkDescription(call.updateFramework.frameworkInfo),
                suppressedRoles: call.updateFramework.suppressedRoles)
        case .request, .acceptInverseOffers, .declineInverseOffers: return .ignored
        default: throw invalid("Expecting 'type' to be present")
        }
    }

    private static func need(_ isPresent: Bool, _ field: String) throws(Refusal) {
        guard isPresent else { throw invalid("Expecting '\(field)' to be present") }
    }

    static func invalid(_ text: String) -> Refusal {
        Refusal(.invalid, "Failed to validate scheduler::Call: \(text)")
    }

    private static func updateUUID(_ bytes: Data) throws(Refusal) -> UpdateUUID {
        guard let text = uuidText(bytes) else { throw invalid("Not a valid UUID") }
        return UpdateUUID(text)
    }
}
