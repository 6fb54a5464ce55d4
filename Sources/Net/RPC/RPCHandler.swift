import NIOCore

/// One end of a connection: greets, gathers the frames of each read, reports.
///
/// Belongs to its event loop.
final class RPCHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connection: RPCConnection
    private let options: RPCOptions
    private let report: @Sendable (RPCEvent) -> Void
    private var decoder = FrameDecoder()
    private var batch: [RPCFrame] = []
    private var end: RPCDisconnection?
    private var handshakeTimer: Scheduled<Void>?

    init(
        _ connection: RPCConnection, options: RPCOptions,
        report: @escaping @Sendable (RPCEvent) -> Void
    ) {
        self.connection = connection
        self.options = options
        self.report = report
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(Self.wrapOutboundOut(Greeting.encoded()), promise: nil)
        let time = TimeAmount.milliseconds(Int64(options.handshakeTimeoutMilliseconds))
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        handshakeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
            self?.close(bound.value, .notHoldfast)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if end != nil { return }
        decoder.append(Self.unwrapInboundIn(data))
        do throws(RPCRefusal) {
            if !decoder.isGreeted {
                try decoder.greet()
                guard decoder.isGreeted else { return }
                handshakeTimer?.cancel()
                let peer = context.remoteAddress.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" }
                report(.connected(connection.id, peer: peer ?? ""))
            }
            while let frame = try decoder.next() { batch.append(frame) }
        } catch {
            close(context, error.disconnection)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        deliver()
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(context, .failed(reason: "\(error)"))
    }

    func channelInactive(context: ChannelHandlerContext) {
        handshakeTimer?.cancel()
        deliver()
        let reason = connection.reason(otherwise: end ?? .closedByPeer)
        // Frees what waits, and lets senders know.
        connection.close(reason)
        report(.disconnected(connection.id, reason))
        context.fireChannelInactive()
    }

    /// Hands over what came before anything else is told of the connection.
    private func deliver() {
        if batch.isEmpty { return }
        let frames = batch
        batch = []
        report(.received(connection.id, frames))
    }

    private func close(_ context: ChannelHandlerContext, _ reason: RPCDisconnection) {
        if end == nil { end = reason }
        context.close(promise: nil)
    }
}
