import NIOCore
import NIOPosix
import Synchronization

/// The master's end of the connections to its agents.
package final class RPCServer: Sendable {
    /// Called on a socket thread, of each connection in order; it must not wait.
    package typealias Handler = @Sendable (RPCEvent) -> Void

    private struct State {
        var listener: (any Channel)?
        var connections: [RPCConnectionID: RPCConnection] = [:]
        /// Every accepted channel, greeted or not.
        var channels: [RPCConnectionID: any Channel] = [:]
        var isStopped = false
    }

    private let loops: EventLoops
    private let options: RPCOptions
    private let handler: Handler
    private let state = Mutex(State())

    package init(
        loops: EventLoops, options: RPCOptions = RPCOptions(), handler: @escaping Handler
    ) {
        self.loops = loops
        self.options = options
        self.handler = handler
    }

    /// Listens; port 0 takes a free one. Returns the port.
    package func start(host: String = "127.0.0.1", port: Int) async throws -> Int {
        let listener = try await ServerBootstrap(group: loops.group)
            .serverChannelOption(.backlog, value: 512)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelInitializer { [self] channel in admit(channel) }
            .bind(host: host, port: port).get()
        let isStopped = state.withLock { state in
            state.listener = listener
            return state.isStopped
        }
        if isStopped { try await listener.close() }
        return listener.localAddress?.port ?? port
    }

    /// Sends frames in one flush; false: the connection is gone, or is being closed because the
    /// agent does not read. What is not urgent goes with the next frames to that agent.
    @discardableResult
    package func send(
        _ frames: [RPCFrame], to id: RPCConnectionID, isUrgent: Bool = true
    ) -> Bool {
        state.withLock { $0.connections[id] }?.send(frames, isUrgent: isUrgent) ?? false
    }

    /// Ends a connection; `disconnected` follows.
    package func close(_ id: RPCConnectionID) {
        state.withLock { $0.connections[id] }?.close(.closedHere)
    }

    /// Stops listening and closes every connection.
    package func stop() async {
        let (connections, channels) = state.withLock { state in
            state.isStopped = true
            let channels = [state.listener].compactMap { $0 } + state.channels.values
            return (Array(state.connections.values), channels)
        }
        for connection in connections { connection.close(.closedHere) }
        for channel in channels { channel.close(promise: nil) }
        // A channel that fails to close is gone as well.
        for channel in channels { try? await channel.closeFuture.get() }
    }

    private func admit(_ channel: any Channel) -> EventLoopFuture<Void> {
        let connection = RPCConnection(channel: channel, options: options)
        let isAdmitted = state.withLock { state in
            if state.isStopped || state.channels.count >= options.connectionsLimit { return false }
            state.channels[connection.id] = channel
            return true
        }
        guard isAdmitted else { return channel.close() }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { $0.channels[connection.id] = nil }
        }
        return channel.eventLoop.makeCompletedFuture { [self] in
            try channel.pipeline.syncOperations.addHandler(
                RPCHandler(connection, options: options) { [self] in report($0, connection) })
        }
    }

    private func report(_ event: RPCEvent, _ connection: RPCConnection) {
        switch event {
        case .connected(let id, _):
            state.withLock { $0.connections[id] = connection }
            handler(event)
        case .received: handler(event)
        case .disconnected(let id, _):
            let wasConnected = state.withLock { $0.connections.removeValue(forKey: id) != nil }
            // Who never greeted was never there.
            if wasConnected { handler(event) }
        }
    }
}
