import NIOCore
import Synchronization

/// Bounds of connections; times in milliseconds.
package struct RPCOptions: Sendable {
    /// What may wait to be sent to a peer that does not read before it is closed.
    package var outboundBytesLimit = 128 << 20
    package var handshakeTimeoutMilliseconds = 10_000
    package var connectTimeoutMilliseconds = 5_000
    package var connectionsLimit = 16_384
    /// Between attempts to connect: doubled from the first to the longest, each shortened by up to
    /// a quarter at random.
    package var firstRetryMilliseconds = 100
    package var longestRetryMilliseconds = 10_000

    package init() {}
}

/// The sending side of an open connection, for any thread.
final class RPCConnection: Sendable {
    private static let last = Atomic<UInt64>(0)

    let id: RPCConnectionID
    private let channel: any Channel
    private let writer: BoundedWriter<ByteBuffer>
    private let ownReason = Mutex<RPCDisconnection?>(nil)

    init(channel: any Channel, options: RPCOptions) {
        let (_, number) = Self.last.add(1, ordering: .relaxed)
        id = RPCConnectionID(number: number)
        self.channel = channel
        writer = BoundedWriter(channel: channel, bytesLimit: options.outboundBytesLimit)
    }

    /// Sends frames together; false: the connection is closed, or is being closed because the peer
    /// does not read or would not take a frame of that size. What is not urgent goes with the next
    /// frames.
    func send(_ frames: [RPCFrame], isUrgent: Bool = true) -> Bool {
        if frames.isEmpty { return true }
        if let large = frames.first(where: { $0.payload.count > RPCFrame.payloadLimit }) {
            close(.frameTooLarge(bytes: large.payload.count))
            return false
        }
        let buffer = FrameDecoder.encode(frames)
        if writer.write(buffer, bytes: buffer.readableBytes, isUrgent: isUrgent) { return true }
        close(.peerTooSlow)
        return false
    }

    /// Sends nothing more; the first reason given is the one that is reported.
    func close(_ reason: RPCDisconnection) {
        ownReason.withLock { $0 = $0 ?? reason }
        writer.close()
        channel.close(promise: nil)
    }

    /// Why it ended, asked when it has.
    func reason(otherwise peer: RPCDisconnection) -> RPCDisconnection {
        ownReason.withLock { $0 } ?? peer
    }
}
