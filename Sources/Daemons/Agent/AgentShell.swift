import AgentCore
import Journal
import Logging
import MesosAPI
import Model
import Net
import Synchronization
import Wire

/// Does what the agent decides: records into its journal, work on volumes and containers, messages.
struct AgentShell: MachineShell {
    let journal: any JournalStore
    let volumes: AgentVolumes
    let containers: AgentContainers
    let checks: AgentChecks
    let streams: EventStreams
    let answers: Pending<Refusal?>
    let master: MasterLink
    let logger: Logger
    let send: @Sendable (Agent.Event) -> Void
    let exit: @Sendable (String) -> Void

    func persist(_ actions: [Agent.Action]) throws {
        var records: [[UInt8]] = []
        for action in actions {
            switch action {
            case .store(let record): records.append(record.encoded)
            case .compactJournal(let snapshot):
                if !records.isEmpty { try journal.append(records) }
                records.removeAll()
                try journal.compact(snapshot.map(\.encoded))
            default: break
            }
        }
        if !records.isEmpty { try journal.append(records) }
    }

    func perform(_ action: Agent.Action) {
        switch action {
        case .store, .compactJournal: break
        case .send(let message): master.send(message)
        case .reconnect(let reason):
            logger.warning("connecting anew", metadata: ["reason": "\(reason)"])
            master.reconnect()
        case .changeVolumes(let uuid, let changes):
            volumes.change(changes) { [send] failure in
                send(.volumesChanged(uuid, failure: failure))
            }
        case .launchContainer(let launch): containers.launch(launch)
        case .updateContainer(let id, let resources, let mounts):
            containers.update(id, resources: resources, volumes: mounts) { [send, logger] failure in
                if let failure {
                    logger.warning(
                        "a container is not updated",
                        metadata: ["container": "\(id)", "error": "\(failure)"])
                }
                send(.containerUpdated(id, failure: failure))
            }
        case .signalContainer(let id, let signal): containers.signal(id, signal)
        case .removeContainer(let id): containers.remove(id)
        case .startChecks(let task, let container, let payload):
            checks.start(task, container, payload)
        case .stopChecks(let task): checks.stop(task)
        case .sendExecutorEvent(let stream, let event):
            streams.send(stream.number) { _ in ExecutorEvents.message(event) }
        case .refuseExecutorStream(let stream, let refusal):
            streams.send(stream.number) { _ in ExecutorEvents.message(.error(refusal.message)) }
            streams.close(stream.number)
        case .closeExecutorStream(let stream): streams.close(stream.number)
        case .answer(let request, let refusal): answers.answer(request.number, refusal)
        case .drop(let reason, let text):
            logger.debug("dropped", metadata: ["reason": "\(reason.rawValue)", "text": "\(text)"])
        case .exit(let reason): exit(reason)
        }
    }
}

/// The agent's connection to its master: finds the master's port over HTTP, then stays connected.
final class MasterLink: Sendable {
    private let state = Mutex<(target: RPCTarget?, connection: RPCConnectionID?)>((nil, nil))
    private let client = Mutex<RPCClient?>(nil)

    /// Where to connect next; nil: to be looked up.
    var target: RPCTarget? {
        get { state.withLock { $0.target } }
        set { state.withLock { $0.target = newValue } }
    }

    var isConnected: Bool { state.withLock { $0.connection != nil } }

    func start(loops: EventLoops, send: @escaping @Sendable (Agent.Event) -> Void) {
        var options = RPCOptions()
        options.longestRetryMilliseconds = 500
        let made = RPCClient(
            loops: loops, options: options, target: { [self] in target },
            attemptFailed: { [self] _ in target = nil },
            handler: { [self] in take($0, send) })
        client.withLock { $0 = made }
        made.start()
    }

    func send(_ message: AgentMessage) {
        guard let connection = state.withLock({ $0.connection }) else { return }
        let frame = RPCFrame(kind: AgentFrames.kind, payload: message.encoded)
        client.withLock { $0 }?.send([frame], to: connection)
    }

    func reconnect() {
        guard let connection = state.withLock({ $0.connection }) else { return }
        client.withLock { $0 }?.close(connection)
    }

    func stop() async { await client.withLock { $0 }?.stop() }

    private func take(_ event: RPCEvent, _ send: @Sendable (Agent.Event) -> Void) {
        switch event {
        case .connected(let id, _):
            state.withLock { $0.connection = id }
            send(.masterConnected)
        case .received(let id, let frames):
            for frame in frames {
                guard frame.kind == AgentFrames.kind,
                    let message = try? MasterMessage(decoding: frame.payload)
                else {
                    client.withLock { $0 }?.close(id)
                    return
                }
                send(.masterSaid(message))
            }
        case .disconnected:
            state.withLock { $0 = (nil, nil) }
            send(.masterDisconnected)
        }
    }
}
