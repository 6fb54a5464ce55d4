import Logging
import MasterCore
import Model
import Net
import Registry
import Wire

/// Does what the master decides: records into the registry, events and messages to their peers.
struct MasterShell: MachineShell {
    let registry: any RegistryStore
    let streams: EventStreams
    let events: SchedulerEvents
    let answers: Pending<Answer>
    let agents: RPCServer
    let subscribers: SubscriberStreams
    let logger: Logger

    func persist(_ actions: [Master.Action]) throws {
        var changes: [RegistryChange] = []
        var trail: [TrailEntry] = []
        for action in actions {
            guard case .store(let record) = action else { continue }
            if let entry = RegistryRows.trail(record) {
                trail.append(entry)
            } else {
                changes += RegistryRows.changes(record)
            }
        }
        guard !changes.isEmpty || !trail.isEmpty else { return }
        do throws(RegistryError) {
            try registry.commit(changes, trail: trail)
        } catch {
            guard case .noSpace(let reason) = error else { throw error }
            logger.error("no space for the registry", metadata: ["error": "\(reason)"])
            throw StorageFull(reason)
        }
    }

    func isSpaceLow() -> Bool { registry.isSpaceLow() }

    /// The machine answers before its records only where they follow from what is stored already.
    func mayPrecedeRecords(_ action: Master.Action) -> Bool {
        if case .answer = action { true } else { false }
    }

    func isRecord(_ action: Master.Action) -> Bool {
        if case .store = action { true } else { false }
    }

    func refuse(_ event: Master.Event, because reason: String) -> RefusedEvent {
        let refusal = Refusal(
            .unavailable, "the disk of the master's registry is full: nothing was changed")
        switch event {
        case .schedulerCalled(let request, _, _, _), .operatorCalled(let request, _, _):
            answers.answer(request.value, .refused(refusal))
            return .told
        case .frameworkSubscribed(let stream, _):
            perform(.refuseSubscription(stream, refusal.message))
            return .told
        case .agentConnected(let connection, _), .agentSaid(let connection, _):
            // It comes back, and tells again what has not been acknowledged.
            perform(.closeConnection(connection))
            return .told
        case .operatorSubscribed:
            // It is answered by what is read after it: the machine does not know it.
            return .told
        case .streamClosed, .agentDisconnected, .storageLow, .ticked, .operatorUnsubscribed:
            return .later
        case .started: return .fatal
        }
    }

    func perform(_ action: Master.Action) {
        switch action {
        case .store: break
        case .answer(let request, let answer): answers.answer(request.value, answer)
        case .refuseSubscription(let stream, let text):
            streams.send(stream.value) { events.message(.error(text), $0) }
            streams.close(stream.value)
        case .sendEvent(let stream, let event):
            streams.send(stream.value) { events.message(event, $0) }
        case .closeStream(let stream): streams.close(stream.value)
        case .send(let connection, let message):
            agents.send(
                [RPCFrame(kind: AgentFrames.kind, payload: message.encoded)],
                to: RPCConnectionID(number: connection.value), isUrgent: message.isUrgent)
        case .closeConnection(let connection):
            agents.close(RPCConnectionID(number: connection.value))
        case .publish(let event): subscribers.publish(event)
        case .closeSubscriber(let id): subscribers.close(id)
        case .drop(let reason, let text):
            logger.debug("dropped", metadata: ["reason": "\(reason.rawValue)", "text": "\(text)"])
        }
    }
}

extension MasterMessage {
    /// An agent that hears later that its result has arrived only keeps it for longer; the next
    /// ping comes soon.
    fileprivate var isUrgent: Bool {
        switch self {
        case .acknowledgeResult: false
        case .registered, .refused, .ping, .applyOperation, .launch, .kill, .acknowledge,
            .frameworkMessage, .shutdownExecutor, .shutdownFramework, .eraseVolume, .diskRules:
            true
        }
    }
}
