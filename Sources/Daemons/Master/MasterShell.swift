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
    let logger: Logger

    func persist(_ actions: [Master.Action]) throws {
        var changes: [RegistryChange] = []
        for action in actions {
            if case .store(let record) = action { changes += RegistryRows.changes(record) }
        }
        if !changes.isEmpty { try registry.commit(changes) }
    }

    func perform(_ action: Master.Action) {
        switch action {
        case .store: break
        case .answer(let request, let answer): answers.answer(request.value, answer)
        case .refuseSubscription(let stream, let text):
            streams.send(stream.value, events.message(.error(text)))
            streams.close(stream.value)
        case .sendEvent(let stream, let event):
            streams.send(stream.value, events.message(event))
        case .closeStream(let stream): streams.close(stream.value)
        case .send(let connection, let message):
            agents.send(
                [RPCFrame(kind: AgentFrames.kind, payload: message.encoded)],
                to: RPCConnectionID(number: connection.value))
        case .closeConnection(let connection):
            agents.close(RPCConnectionID(number: connection.value))
        case .drop(let reason, let text):
            logger.debug("dropped", metadata: ["reason": "\(reason.rawValue)", "text": "\(text)"])
        }
    }
}
