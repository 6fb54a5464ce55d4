import Foundation
package import MesosAPI
package import Model

/// protobuf's `bytes` are Foundation's Data in generated code.
enum Bytes {
    static func data(_ bytes: [UInt8]) -> Data { Data(bytes) }
}

extension StatusUpdate {
    /// What an executor says of a task. Throws `invalid` in Mesos's words for a UUID that is none
    /// and for times that are no number.
    package init(
        _ message: Mesos_V1_TaskStatus, framework: FrameworkID, executor: ExecutorID?,
        agent: AgentID?
    ) throws(Refusal) {
        guard message.timestamp.isFinite, abs(message.timestamp) < 9e9 else {
            throw Refusal(.invalid, "'timestamp' is not a time")
        }
        let updateUUID = message.hasUuid ? UpdateUUID(try checkedUUID(message.uuid)) : nil
        var rest = message
        rest.clearTaskID()
        rest.clearState()
        rest.clearMessage()
        rest.clearSource()
        rest.clearReason()
        rest.clearAgentID()
        rest.clearExecutorID()
        rest.clearTimestamp()
        rest.clearUuid()
        rest.clearHealthy()
        self.init(
            uuid: updateUUID, framework: framework, task: TaskID(message.taskID.value),
            executor: executor, agent: agent, state: TaskState(message.state),
            source: StatusSource(message.source),
            reason: message.hasReason ? StatusReason(message.reason.rawValue) : nil,
            message: message.hasMessage ? message.message : nil,
            isHealthy: message.hasHealthy ? message.healthy : nil,
            timestampNanoseconds: Int64((message.timestamp * 1e6).rounded()) * 1000,
            payload: Payload(rest))
    }
}

extension Mesos_V1_TaskStatus {
    /// The whole status; `unreachableNanoseconds`: since when the agent is away, where it is.
    package init(_ update: StatusUpdate, unreachableNanoseconds: Int64? = nil) {
        self = update.payload.message()
        taskID.value = update.task.value
        state = Mesos_V1_TaskState(update.state)
        source = Source(update.source)
        // A number of a later version is left out.
        if let number = update.reason?.number, let reason = Reason(rawValue: number) {
            self.reason = reason
        }
        if let message = update.message { self.message = message }
        if let agent = update.agent { agentID.value = agent.value }
        if let executor = update.executor { executorID.value = executor.value }
        if let isHealthy = update.isHealthy { healthy = isHealthy }
        // Microseconds are what a double of this size still holds.
        timestamp = Double(update.timestampNanoseconds / 1000) / 1e6
        if let uuid = update.uuid { self.uuid = Bytes.data(uuidBytes(uuid.value)) }
        if let unreachableNanoseconds { unreachableTime.nanoseconds = unreachableNanoseconds }
    }
}

extension TaskState {
    package init(_ message: Mesos_V1_TaskState) {
        switch message {
        case .taskStaging: self = .staging
        case .taskStarting: self = .starting
        case .taskRunning: self = .running
        case .taskKilling: self = .killing
        case .taskFinished: self = .finished
        case .taskFailed: self = .failed
        case .taskKilled: self = .killed
        case .taskError: self = .error
        case .taskLost: self = .lost
        case .taskDropped: self = .dropped
        case .taskUnreachable: self = .unreachable
        case .taskGone: self = .gone
        case .taskGoneByOperator: self = .goneByOperator
        case .taskUnknown: self = .unknown
        }
    }
}

extension Mesos_V1_TaskState {
    package init(_ state: TaskState) {
        switch state {
        case .staging: self = .taskStaging
        case .starting: self = .taskStarting
        case .running: self = .taskRunning
        case .killing: self = .taskKilling
        case .finished: self = .taskFinished
        case .failed: self = .taskFailed
        case .killed: self = .taskKilled
        case .error: self = .taskError
        case .lost: self = .taskLost
        case .dropped: self = .taskDropped
        case .unreachable: self = .taskUnreachable
        case .gone: self = .taskGone
        case .goneByOperator: self = .taskGoneByOperator
        case .unknown: self = .taskUnknown
        }
    }
}

extension StatusSource {
    init(_ message: Mesos_V1_TaskStatus.Source) {
        switch message {
        case .master: self = .master
        case .agent: self = .agent
        case .executor: self = .executor
        }
    }
}

extension Mesos_V1_TaskStatus.Source {
    init(_ source: StatusSource) {
        switch source {
        case .master: self = .master
        case .agent: self = .agent
        case .executor: self = .executor
        }
    }
}
