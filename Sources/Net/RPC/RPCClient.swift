import NIOCore
import NIOPosix
import Synchronization

/// Where to connect.
package struct RPCTarget: Hashable, Sendable {
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// The agent's end: connects, and connects again whenever the connection ends, until stopped.
package final class RPCClient: Sendable {
    /// Called on a socket thread, in order; it must not wait.
    package typealias Handler = @Sendable (RPCEvent) -> Void

    private struct State {
        var connection: RPCConnection?
        var channel: (any Channel)?
        var attempts = 0
        var retry: Scheduled<Void>?
        var isStopped = false
    }

    private let loop: any EventLoop
    private let options: RPCOptions
    private let target: @Sendable () -> RPCTarget?
    private let attemptFailed: @Sendable (RPCDisconnection) -> Void
    private let handler: Handler
    private let state = Mutex(State())

    /// - Parameters:
    ///   - target: asked before each attempt; nil: try again later.
    ///   - attemptFailed: told of attempts that did not lead to `connected`.
    package init(
        loops: EventLoops, options: RPCOptions = RPCOptions(),
        target: @escaping @Sendable () -> RPCTarget?,
        attemptFailed: @escaping @Sendable (RPCDisconnection) -> Void = { _ in },
        handler: @escaping Handler
    ) {
        loop = loops.group.next()
        self.options = options
        self.target = target
        self.attemptFailed = attemptFailed
        self.handler = handler
    }

    package func start() { loop.execute { self.connect() } }

    /// Sends frames in one flush on that connection and no later one; false: it is gone.
    @discardableResult
    package func send(_ frames: [RPCFrame], to id: RPCConnectionID) -> Bool {
        let connection = state.withLock { $0.connection }
        guard let connection, connection.id == id else { return false }
        return connection.send(frames)
    }

    /// Ends the present connection, for instance because nothing has come on it; another follows.
    package func close(_ id: RPCConnectionID) {
        let connection = state.withLock { $0.connection }
        if let connection, connection.id == id { connection.close(.closedHere) }
    }

    /// Ends the connection and makes no other.
    package func stop() async {
        let (connection, channel) = state.withLock { state in
            state.isStopped = true
            state.retry?.cancel()
            return (state.connection, state.channel)
        }
        connection?.close(.closedHere)
        channel?.close(promise: nil)
        // A channel that fails to close is gone as well.
        try? await channel?.closeFuture.get()
    }

    private func connect() {
        if state.withLock(\.isStopped) { return }
        guard let target = target() else { return retry() }
        ClientBootstrap(group: loop)
            .connectTimeout(.milliseconds(Int64(options.connectTimeoutMilliseconds)))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { [self] in
                    let connection = RPCConnection(channel: channel, options: options)
                    try channel.pipeline.syncOperations.addHandler(
                        RPCHandler(connection, options: options) { [self] in
                            report($0, connection)
                        })
                }
            }
            .connect(host: target.host, port: target.port)
            .whenComplete { [self] result in
                switch result {
                case .success(let channel): adopt(channel)
                case .failure(let error):
                    attemptFailed(.failed(reason: "\(error)"))
                    retry()
                }
            }
    }

    /// Remembers an open channel, so that `stop` can close it.
    private func adopt(_ channel: any Channel) {
        let isStopped = state.withLock { state in
            state.channel = channel
            return state.isStopped
        }
        if isStopped { channel.close(promise: nil) }
    }

    private func report(_ event: RPCEvent, _ connection: RPCConnection) {
        switch event {
        case .connected:
            state.withLock { state in
                state.connection = connection
                state.attempts = 0
            }
            handler(event)
        case .received: handler(event)
        case .disconnected(_, let reason):
            let wasConnected = state.withLock { state in
                defer { state.connection = nil }
                return state.connection != nil
            }
            if wasConnected { handler(event) } else { attemptFailed(reason) }
            retry()
        }
    }

    private func retry() {
        let longest = options.longestRetryMilliseconds
        state.withLock { state in
            if state.isStopped { return }
            let doubled = options.firstRetryMilliseconds << min(state.attempts, 16)
            state.attempts += 1
            let wait = max(1, min(doubled, longest))
            let spread = Int.random(in: 0...wait / 4)
            state.retry = loop.scheduleTask(in: .milliseconds(Int64(wait - spread))) {
                self.connect()
            }
        }
    }
}
