import Foundation
import MasterCore
import MesosAPI
import Model
import SwiftProtobuf
import Wire

/// Reads the scheduler API's calls; that their fields are there is checked.
enum SchedulerCalls {
    /// Throws `invalid` for a framework that contradicts itself.
    static func subscription(
        _ call: Mesos_V1_Scheduler_Call, streamUUID: String
    ) throws(Refusal) -> Subscription {
        Subscription(
            framework: try FrameworkDescription(call.subscribe.frameworkInfo),
            suppressedRoles: call.subscribe.suppressedRoles, streamUUID: streamUUID)
    }

    static func read(_ call: Mesos_V1_Scheduler_Call) throws(Refusal) -> SchedulerCall {
        switch call.type {
        case .teardown: return .teardown
        case .accept:
            return .accept(
                offers: call.accept.offerIds.map { OfferID($0.value) },
                operations: call.accept.operations.map { OfferOperation($0) },
                refuseSeconds: call.accept.hasFilters ? call.accept.filters.refuseSeconds : nil)
        case .decline:
            return .decline(
                offers: call.decline.offerIds.map { OfferID($0.value) },
                refuseSeconds: call.decline.hasFilters ? call.decline.filters.refuseSeconds : nil)
        case .revive: return .revive(roles: call.revive.roles)
        case .suppress: return .suppress(roles: call.suppress.roles)
        case .kill:
            return .kill(
                TaskID(call.kill.taskID.value),
                agent: call.kill.hasAgentID ? AgentID(call.kill.agentID.value) : nil,
                graceMilliseconds: call.kill.hasKillPolicy && call.kill.killPolicy.hasGracePeriod
                    ? call.kill.killPolicy.gracePeriod.nanoseconds / 1_000_000 : nil)
        case .shutdown:
            return .shutdown(
                ExecutorID(call.shutdown.executorID.value),
                agent: AgentID(call.shutdown.agentID.value))
        case .acknowledge:
            return .acknowledge(
                agent: AgentID(call.acknowledge.agentID.value),
                task: TaskID(call.acknowledge.taskID.value),
                uuid: try updateUUID(call.acknowledge.uuid))
        case .reconcile:
            return .reconcile(
                call.reconcile.tasks.map { task in
                    TaskQuery(
                        task: TaskID(task.taskID.value),
                        agent: task.hasAgentID ? AgentID(task.agentID.value) : nil)
                })
        case .message:
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
            let acknowledged = call.acknowledgeOperationStatus
            return .acknowledgeOperationStatus(
                OperationID(acknowledged.operationID.value),
                agent: acknowledged.hasAgentID ? AgentID(acknowledged.agentID.value) : nil,
                uuid: try updateUUID(acknowledged.uuid).value)
        case .reconcileOperations:
            return .reconcileOperations(
                call.reconcileOperations.operations.map { operation in
                    OperationQuery(
                        operation: OperationID(operation.operationID.value),
                        agent: operation.hasAgentID ? AgentID(operation.agentID.value) : nil)
                })
        case .updateFramework:
            return .updateFramework(
                try updated(call.updateFramework.frameworkInfo),
                suppressedRoles: call.updateFramework.suppressedRoles)
        case .renewLease: return .renewLeases(LeaseRenewal(call.renewLease))
        case .transact:
            return .transact(
                offers: call.transact.offerIds.map { OfferID($0.value) },
                TransactionRequest(call.transact),
                refuseSeconds: call.transact.hasFilters
                    ? call.transact.filters.refuseSeconds : nil)
        case .request, .acceptInverseOffers, .declineInverseOffers: return .ignored
        default: throw Refusal(.invalid, "This type of call is not known")
        }
    }

    private static func updated(
        _ message: Mesos_V1_FrameworkInfo
    ) throws(Refusal) -> FrameworkDescription {
        do throws(Refusal) {
            return try FrameworkDescription(message)
        } catch {
            throw Refusal(error.kind, "Supplied FrameworkInfo is not valid: \(error.message)")
        }
    }

    private static func updateUUID(_ bytes: Data) throws(Refusal) -> UpdateUUID {
        UpdateUUID(try checkedUUID(bytes))
    }
}
