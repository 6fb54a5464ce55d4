import Foundation
import MasterCore
import MesosAPI
import Model
import SwiftProtobuf
import Wire

/// Writes the scheduler API's events.
struct SchedulerEvents: Sendable {
    let masterInfo: Mesos_V1_MasterInfo

    func message(_ event: SchedulerEvent) -> Mesos_V1_Scheduler_Event {
        var message = Mesos_V1_Scheduler_Event()
        switch event {
        case .subscribed(let framework, let heartbeatMilliseconds):
            message.type = .subscribed
            message.subscribed.frameworkID.value = framework.value
            message.subscribed.heartbeatIntervalSeconds = Double(heartbeatMilliseconds) / 1000
            message.subscribed.masterInfo = masterInfo
        case .offers(let offers):
            message.type = .offers
            message.offers.offers = offers.map(offer)
        case .rescind(let offer):
            message.type = .rescind
            message.rescind.offerID.value = offer.value
        case .update(let update, let unreachable):
            message.type = .update
            message.update.status = Mesos_V1_TaskStatus(update)
            if let unreachable {
                message.update.status.unreachableTime.nanoseconds = unreachable
            }
        case .updateOperationStatus(let status):
            message.type = .updateOperationStatus
            message.updateOperationStatus.status = operationStatus(status)
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

    private func offer(_ given: OfferMessage) -> Mesos_V1_Offer {
        var offer = Mesos_V1_Offer()
        offer.id.value = given.offer.id.value
        offer.frameworkID.value = given.offer.framework.value
        offer.agentID.value = given.offer.agent.value
        offer.hostname = given.agent.hostname
        offer.url.scheme = "http"
        offer.url.address.hostname = given.agent.hostname
        offer.url.address.ip = given.agent.address
        offer.url.address.port = Int32(given.agent.port)
        offer.url.path = "/slave(1)"
        offer.resources = given.offer.resources.map { Mesos_V1_Resource($0, form: .postRefinement) }
        if let info = try? Mesos_V1_AgentInfo(serializedBytes: given.agent.payload.bytes) {
            offer.attributes = info.attributes
            if info.hasDomain { offer.domain = info.domain }
        }
        offer.executorIds = given.executors.map { id in
            var message = Mesos_V1_ExecutorID()
            message.value = id.value
            return message
        }
        offer.allocationInfo.role = given.offer.role
        return offer
    }

    private func operationStatus(_ given: OperationStatus) -> Mesos_V1_OperationStatus {
        var status = Mesos_V1_OperationStatus()
        status.operationID.value = given.operation.value
        status.state = Mesos_V1_OperationState(given.state)
        if let text = given.message { status.message = text }
        if let uuid = given.uuid { status.uuid.value = Data(uuidBytes(uuid)) }
        if let agent = given.agent { status.agentID.value = agent.value }
        return status
    }
}
