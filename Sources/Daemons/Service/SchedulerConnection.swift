import Foundation
import Logging
import MesosAPI
import Model
import Net
import ServiceCore
import SwiftProtobuf
import Synchronization
import Wire

/// The service scheduler's connection to its master: an ordinary framework's, over the v1 API.
final class SchedulerConnection: Sendable {
    enum Call: Sendable {
        case accept(OfferID, [ServiceStep])
        case decline([OfferID], Int64)
        case revive([String])
        case suppress([String])
        case kill(TaskID, AgentID)
        case acknowledge(StatusUpdate)
        case acknowledgeOperation(Mesos_V1_OperationStatus)
        case reconcile([ServiceTask])
    }

    private struct Session {
        var framework = ""
        var stream: String?
    }

    private let url: String
    private let client: HTTPClient
    private let logger: Logger
    private let session = Mutex(Session())
    private let calls: AsyncStream<Call>
    private let feed: AsyncStream<Call>.Continuation

    /// `master` is HOST:PORT.
    init(master: String, client: HTTPClient, logger: Logger) {
        url = "http://\(master)/api/v1/scheduler"
        self.client = client
        self.logger = logger
        (calls, feed) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(10_000))
    }

    /// Queues a call; it leaves after those before it.
    func send(_ call: Call) { feed.yield(call) }

    /// Sends the queued calls one after another, until the task is cancelled. A call that fails is
    /// not repeated: the next subscription reconciles.
    func runCalls() async {
        for await call in calls {
            let (framework, stream) = session.withLock { ($0.framework, $0.stream) }
            guard let stream else { continue }
            let message = Self.message(call, framework: framework)
            do {
                let body: [UInt8] = try message.serializedBytes()
                let answer = try await client.post(
                    url, headers: Self.headers(stream: stream), body: body,
                    timeoutMilliseconds: 15_000)
                if answer.status >= 400 {
                    logger.warning(
                        "call refused",
                        metadata: [
                            "type": "\(message.type)", "status": "\(answer.status)",
                            "text": "\(String(decoding: answer.body, as: UTF8.self))",
                        ])
                }
            } catch {
                logger.warning("call failed", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Subscribes and hands each event over until the stream ends. Throws when it could not.
    func runEvents(
        _ framework: Mesos_V1_FrameworkInfo, suppressed: [String],
        _ handle: (Mesos_V1_Scheduler_Event) -> Void
    ) async throws {
        var call = Mesos_V1_Scheduler_Call()
        call.type = .subscribe
        call.subscribe.frameworkInfo = framework
        call.subscribe.suppressedRoles = suppressed
        if framework.hasID { call.frameworkID = framework.id }
        let body: [UInt8] = try call.serializedBytes()
        let answer = try await client.stream(url, headers: Self.headers(stream: nil), body: body)
        guard answer.status == 200 else {
            throw SchedulerConnectionError(text: "SUBSCRIBE was answered \(answer.status)")
        }
        let stream = answer.headers["mesos-stream-id"]
        defer { session.withLock { $0.stream = nil } }
        var decoder = RecordIO.Decoder()
        for try await chunk in answer.chunks {
            for record in try decoder.append(chunk) {
                let event = try Mesos_V1_Scheduler_Event(serializedBytes: record)
                if event.type == .subscribed {
                    session.withLock {
                        $0.framework = event.subscribed.frameworkID.value
                        $0.stream = stream
                    }
                }
                handle(event)
            }
        }
    }

    private static func headers(stream: String?) -> HTTPFields {
        var headers: HTTPFields = [
            "Content-Type": MediaType.protobuf.rawValue, "Accept": MediaType.protobuf.rawValue,
        ]
        if let stream { headers.append("Mesos-Stream-Id", stream) }
        return headers
    }

    private static func message(_ call: Call, framework: String) -> Mesos_V1_Scheduler_Call {
        var message = Mesos_V1_Scheduler_Call()
        message.frameworkID.value = framework
        switch call {
        case .accept(let offer, let steps):
            message.type = .accept
            message.accept.offerIds = [offerID(offer)]
            message.accept.operations = steps.map(ServiceTasks.operation)
            message.accept.filters.refuseSeconds = 0
        case .decline(let offers, let milliseconds):
            message.type = .decline
            message.decline.offerIds = offers.map(offerID)
            message.decline.filters.refuseSeconds = Double(milliseconds) / 1000
        case .revive(let roles):
            message.type = .revive
            message.revive.roles = roles
        case .suppress(let roles):
            message.type = .suppress
            message.suppress.roles = roles
        case .kill(let task, let agent):
            message.type = .kill
            message.kill.taskID.value = task.value
            message.kill.agentID.value = agent.value
        case .acknowledge(let update):
            message.type = .acknowledge
            message.acknowledge.agentID.value = update.agent?.value ?? ""
            message.acknowledge.taskID.value = update.task.value
            message.acknowledge.uuid = Data(uuidBytes(update.uuid?.value ?? ""))
        case .acknowledgeOperation(let status):
            message.type = .acknowledgeOperationStatus
            message.acknowledgeOperationStatus.agentID = status.agentID
            message.acknowledgeOperationStatus.uuid = status.uuid.value
            message.acknowledgeOperationStatus.operationID = status.operationID
        case .reconcile(let tasks):
            message.type = .reconcile
            message.reconcile.tasks = tasks.map { task in
                var entry = Mesos_V1_Scheduler_Call.Reconcile.Task()
                entry.taskID.value = task.task.value
                entry.agentID.value = task.agent.value
                return entry
            }
        }
        return message
    }

    private static func offerID(_ id: OfferID) -> Mesos_V1_OfferID {
        var message = Mesos_V1_OfferID()
        message.value = id.value
        return message
    }
}

struct SchedulerConnectionError: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
