import AgentCore
import Foundation
import MesosAPI
import Model
import SwiftProtobuf
import Wire

/// Writes the executor API's events.
enum ExecutorEvents {
    static func message(_ event: ExecutorEvent) -> Mesos_V1_Executor_Event {
        var message = Mesos_V1_Executor_Event()
        switch event {
        case .subscribed(let subscription):
            message.type = .subscribed
            message.subscribed.executorInfo = Mesos_V1_ExecutorInfo(subscription.executor)
            if let id = subscription.framework.id {
                message.subscribed.executorInfo.frameworkID.value = id.value
            }
            message.subscribed.frameworkInfo = Mesos_V1_FrameworkInfo(subscription.framework)
            message.subscribed.agentInfo = Mesos_V1_AgentInfo(subscription.agent)
            message.subscribed.containerID.value = subscription.container.value
        case .launch(let task):
            message.type = .launch
            message.launch.task = Mesos_V1_TaskInfo(task)
        case .kill(let task, let grace):
            message.type = .kill
            message.kill.taskID.value = task.value
            if let grace { message.kill.killPolicy.gracePeriod.nanoseconds = grace * 1_000_000 }
        case .acknowledged(let task, let uuid):
            message.type = .acknowledged
            message.acknowledged.taskID.value = task.value
            message.acknowledged.uuid = Data(uuidBytes(uuid.value))
        case .message(let data):
            message.type = .message
            message.message.data = Data(data.bytes)
        case .shutdown: message.type = .shutdown
        case .error(let text):
            message.type = .error
            message.error.message = text
        case .heartbeat: message.type = .heartbeat
        }
        return message
    }
}
