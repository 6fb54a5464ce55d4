import Foundation
import MasterCore
import MesosAPI
import Model
import SwiftProtobuf
import Wire

/// Writes the scheduler API's events.
struct SchedulerEvents: Sendable {
    let masterInfo: Mesos_V1_MasterInfo

    /// `form`: how the framework reads reservations.
    func message(_ event: SchedulerEvent, _ form: ReservationForm) -> Mesos_V1_Scheduler_Event {
        var message = Mesos_V1_Scheduler_Event()
        switch event {
        case .subscribed(let framework, let heartbeatMilliseconds):
            message.type = .subscribed
            message.subscribed.frameworkID.value = framework.value
            message.subscribed.heartbeatIntervalSeconds = Double(heartbeatMilliseconds) / 1000
            message.subscribed.masterInfo = masterInfo
        case .offers(let offers):
            message.type = .offers
            message.offers.offers = offers.map { offer($0, form) }
        case .rescind(let offer):
            message.type = .rescind
            message.rescind.offerID.value = offer.value
        case .update(let update, let unreachable):
            message.type = .update
            message.update.status = Mesos_V1_TaskStatus(
                update, unreachableNanoseconds: unreachable)
        case .updateOperationStatus(let status):
            message.type = .updateOperationStatus
            message.updateOperationStatus.status = operationStatus(status)
        case .transaction(let result):
            message.type = .transaction
            message.transaction = Mesos_V1_Transaction(result)
        case .message(let agent, let executor, let data):
            message.type = .message
            message.message.agentID.value = agent.value
            message.message.executorID.value = executor.value
            message.message.data = Data(data.bytes)
        case .failure(let agent, let executor, let status):
            message.type = .failure
            message.failure.agentID.value = agent.value
            if let executor { message.failure.executorID.value = executor.value }
            if let status { message.failure.status = status }
        case .error(let text):
            message.type = .error
            message.error.message = text
        case .heartbeat:
            message.type = .heartbeat
        }
        return message
    }

    private func offer(_ given: OfferMessage, _ form: ReservationForm) -> Mesos_V1_Offer {
        Mesos_V1_Offer(
            id: given.offer.id, framework: given.offer.framework, role: given.offer.role,
            agent: given.agent, agentID: given.offer.agent, resources: given.offer.resources,
            executors: given.executors, form: form)
    }

    private func operationStatus(_ given: OperationStatus) -> Mesos_V1_OperationStatus {
        Mesos_V1_OperationStatus(
            operation: given.operation, state: given.state, message: given.message,
            uuid: given.uuid, agent: given.agent)
    }
}
