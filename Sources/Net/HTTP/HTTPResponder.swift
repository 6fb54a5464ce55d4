import NIOCore
import Synchronization

/// The way back to the client of one request: answers once, from any thread.
package final class HTTPResponder: Sendable {
    private let connection: NIOLoopBound<HTTPConnection>
    private let exchange: UInt64
    private let channel: any Channel
    private let streamBytesLimit: Int
    private let isAnswered = Atomic<Bool>(false)

    /// On the connection's loop.
    init(_ connection: HTTPConnection, _ channel: any Channel) {
        self.connection = NIOLoopBound(connection, eventLoop: channel.eventLoop)
        self.channel = channel
        exchange = connection.exchange
        streamBytesLimit = connection.shared.options.streamBytesLimit
    }

    deinit {
        if claim() {
            Self.run(connection) { [exchange] connection in
                connection.complete(exchange, .text(500, "the request was dropped\n"))
            }
        }
    }

    /// Sends a whole answer; ignored after the first.
    package func answer(_ answer: HTTPAnswer) {
        guard claim() else { return }
        Self.run(connection) { [exchange] in $0.complete(exchange, answer) }
    }

    /// Begins an answer that goes on; each write is one chunk. After an answer: a closed writer.
    ///
    /// `firstBytes`: what its reader has to take at once, which may be more than what a slow one
    /// may otherwise have waiting.
    package func stream(
        status: Int, headers: HTTPFields, firstBytes: Int = 0
    ) -> StreamWriter {
        let limit = streamBytesLimit + firstBytes
        let writer = StreamWriter(
            connection, exchange, BoundedWriter(channel: channel, bytesLimit: limit))
        if claim() {
            Self.run(connection) { [exchange] in $0.begin(exchange, writer, status: status, headers)
            }
        } else {
            writer.ended()
        }
        return writer
    }

    private func claim() -> Bool { !isAnswered.exchange(true, ordering: .relaxed) }

    /// On the connection's loop: at once where this already is it.
    static func run(
        _ connection: NIOLoopBound<HTTPConnection>,
        _ body: @escaping @Sendable (HTTPConnection) -> Void
    ) {
        let loop = connection.eventLoop
        if loop.inEventLoop {
            body(connection.value)
        } else {
            loop.execute { body(connection.value) }
        }
    }
}
