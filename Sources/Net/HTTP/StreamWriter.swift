import NIOCore
import NIOHTTP1
import Synchronization

/// The chunks of a streamed answer: written from any thread, never waiting.
package final class StreamWriter: Sendable {
    private struct State {
        var isEnded = false
        var closed: (@Sendable () -> Void)?
    }

    private let connection: NIOLoopBound<HTTPConnection>
    private let exchange: UInt64
    private let writer: BoundedWriter<HTTPServerResponsePart>
    private let state = Mutex(State())

    init(
        _ connection: NIOLoopBound<HTTPConnection>, _ exchange: UInt64,
        _ writer: BoundedWriter<HTTPServerResponsePart>
    ) {
        self.connection = connection
        self.exchange = exchange
        self.writer = writer
    }

    /// One chunk; false: the client is gone, or is being closed because it does not read.
    @discardableResult
    package func write(_ bytes: [UInt8]) -> Bool {
        // An empty chunk would be the last one.
        if bytes.isEmpty { return !state.withLock(\.isEnded) }
        return writer.write(.body(.byteBuffer(ByteBuffer(bytes: bytes))), bytes: bytes.count)
    }

    /// Ends the answer; what was written before it is still sent.
    package func finish() {
        writer.finish(.end(nil)) { [connection, exchange] sent in
            connection.value.streamFinished(exchange, sent)
        }
    }

    /// Calls `body` once, when the answer has ended for whatever reason; at once where it has.
    package func onClose(_ body: @escaping @Sendable () -> Void) {
        let isEnded = state.withLock { state in
            if !state.isEnded { state.closed = body }
            return state.isEnded
        }
        if isEnded { body() }
    }

    /// The connection is gone, or the answer is complete.
    func ended() {
        writer.close()
        let closed = state.withLock { state in
            state.isEnded = true
            defer { state.closed = nil }
            return state.closed
        }
        closed?()
    }
}
