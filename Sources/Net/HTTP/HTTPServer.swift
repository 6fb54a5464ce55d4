import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Bounds of an HTTP server; times in milliseconds.
package struct HTTPServerOptions: Sendable {
    package var bodyBytesLimit = 8 << 20
    /// Of all requests that are being received.
    package var allBodiesBytesLimit = 256 << 20
    package var headerBytesLimit = 128 << 10
    package var connectionsLimit = 10_000
    /// What a slow reader of a streamed answer may have waiting before it is closed.
    package var streamBytesLimit = 16 << 20
    /// From a request's first byte to the end of its header.
    package var headerTimeoutMilliseconds = 10_000
    /// Each such time must bring a KiB of the body, or its end.
    package var bodyTimeoutMilliseconds = 30_000
    /// Between two requests of a connection.
    package var idleTimeoutMilliseconds = 120_000
    /// How long input is still read and dropped after an answer that closes the connection, so that
    /// the client gets to read it.
    package var lingerMilliseconds = 5_000

    package init() {}
}

/// An HTTP/1.1 server that hands every whole request to one function.
package final class HTTPServer: Sendable {
    /// Called on a socket thread, so it must not wait; answers come from any thread at any time.
    package typealias Route = @Sendable (HTTPRequest, HTTPResponder) -> Void

    private struct State {
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isStopped = false
    }

    private let loops: EventLoops
    private let shared: HTTPShared
    private let state = Mutex(State())

    package init(
        loops: EventLoops, options: HTTPServerOptions = HTTPServerOptions(),
        route: @escaping Route
    ) {
        self.loops = loops
        shared = HTTPShared(options: options, route: route)
    }

    /// Listens; port 0 takes a free one. Returns the port.
    package func start(host: String = "127.0.0.1", port: Int) async throws -> Int {
        let listener = try await ServerBootstrap(group: loops.group)
            .serverChannelOption(.backlog, value: 512)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // A client that has sent its request may close its half and still read the answer.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [self] channel in admit(channel) }
            .bind(host: host, port: port).get()
        let isStopped = state.withLock { state in
            state.listener = listener
            return state.isStopped
        }
        if isStopped { try await listener.close() }
        return listener.localAddress?.port ?? port
    }

    /// Stops listening and closes every connection.
    package func stop() async {
        let channels = state.withLock { state in
            state.isStopped = true
            return [state.listener].compactMap { $0 } + state.connections.values
        }
        for channel in channels { channel.close(promise: nil) }
        // A channel that fails to close is gone as well.
        for channel in channels { try? await channel.closeFuture.get() }
    }

    private func admit(_ channel: any Channel) -> EventLoopFuture<Void> {
        let key = ObjectIdentifier(channel)
        let isAdmitted = state.withLock { state in
            if state.isStopped || state.connections.count >= shared.options.connectionsLimit {
                return false
            }
            state.connections[key] = channel
            return true
        }
        guard isAdmitted else { return channel.close() }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { $0.connections[key] = nil }
        }
        return channel.eventLoop.makeCompletedFuture { [shared] in
            let connection = HTTPConnection(shared: shared)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(ByteMeter(connection))
            try pipeline.configureHTTPServerPipeline(
                position: .last, withPipeliningAssistance: false, withServerUpgrade: nil,
                withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: shared.options.decoderLimits)
            try pipeline.addHandler(connection)
        }
    }
}

/// What the connections of a server have in common.
final class HTTPShared: Sendable {
    let options: HTTPServerOptions
    let route: HTTPServer.Route
    private let bodyBytes = Atomic<Int>(0)

    init(options: HTTPServerOptions, route: @escaping HTTPServer.Route) {
        self.options = options
        self.route = route
    }

    /// Takes memory for a body that is being received; false: there is none left.
    func takeBodyBytes(_ count: Int) -> Bool {
        let (_, taken) = bodyBytes.add(count, ordering: .relaxed)
        if taken <= options.allBodiesBytesLimit { return true }
        giveBodyBytes(count)
        return false
    }

    func giveBodyBytes(_ count: Int) { bodyBytes.subtract(count, ordering: .relaxed) }
}

extension HTTPServerOptions {
    fileprivate var decoderLimits: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = headerBytesLimit / 2
        limits.maxHeaderListSize = headerBytesLimit
        limits.maxHeaderFieldCount = 256
        return limits
    }
}
