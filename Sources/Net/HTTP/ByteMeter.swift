import NIOCore

/// First in a connection's pipeline: tells how many bytes came, and drops those nobody wants.
final class ByteMeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: HTTPConnection

    init(_ connection: HTTPConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if connection.takes(bytes: Self.unwrapInboundIn(data).readableBytes) {
            context.fireChannelRead(data)
        }
    }
}
