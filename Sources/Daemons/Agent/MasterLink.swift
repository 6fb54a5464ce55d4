import AgentCore
import Model
import Net
import Synchronization
import Wire

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

    func start(loops: EventLoops, send: @escaping @Sendable ([Agent.Event]) -> Void) {
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

    private func take(_ event: RPCEvent, _ send: @Sendable ([Agent.Event]) -> Void) {
        switch event {
        case .connected(let id, _):
            state.withLock { $0.connection = id }
            send([.masterConnected])
        case .received(let id, let frames):
            var events: [Agent.Event] = []
            for frame in frames {
                guard frame.kind == AgentFrames.kind,
                    let message = try? MasterMessage(decoding: frame.payload)
                else {
                    client.withLock { $0 }?.close(id)
                    break
                }
                events.append(.masterSaid(message))
            }
            send(events)
        case .disconnected:
            state.withLock { $0 = (nil, nil) }
            send([.masterDisconnected])
        }
    }
}
