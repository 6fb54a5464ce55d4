// Life of a connection, on its event loop:
//
//     idle -head-> receiving -end-> answering -whole answer-> idle ... -> lingering -> closed
//                                       \-> streaming -finish-> idle
//
// One request at a time is outside; what a client sends ahead waits, and no more is read then.
// What it does not do: decide on methods and paths; TLS.

import NIOCore
import NIOHTTP1

/// Gathers requests, hands them to the server's route, and writes the answers in order.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    enum Phase {
        case idle
        case receiving(HTTPRequestHead, RequestTarget)
        case answering(HTTPRequestHead)
        case streaming(HTTPRequestHead, StreamWriter)
        /// The last answer is written; input is dropped until the client closes.
        case lingering
        case closed
    }

    /// Read ahead of the request that is being answered.
    private static let aheadBytesLimit = 64 << 10
    private static let progressBytes = 1 << 10

    let shared: HTTPShared
    var context: ChannelHandlerContext?
    var phase = Phase.idle
    /// Which request is being answered: a late answer to an earlier one is dropped.
    var exchange: UInt64 = 0
    var isInputClosed = false
    /// What follows the request that is outside cannot be decoded.
    var isInputBroken = false
    var isOutputClosed = false
    var timer: ConnectionTimer?
    private var body = ByteBuffer()
    private var parts = CircularBuffer<HTTPServerRequestPart>()
    private var isDraining = false
    private var isReadHeldBack = false
    /// Since the last change of phase or, in a body, since its timer was set.
    private var bytesSeen = 0
    private var isHeaderTimed = false
    /// The client's address, asked for once.
    private var peer: String?

    init(shared: HTTPShared) { self.shared = shared }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        timer = ConnectionTimer(loop: context.eventLoop.assumeIsolated()) { [weak self] in
            self?.timeRanOut()
        }
        enter(.idle)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
    }

    // MARK: Input

    /// Counts what arrives before it is decoded; false: drop it.
    func takes(bytes count: Int) -> Bool {
        switch phase {
        case .lingering, .closed: return false
        case .idle:
            bytesSeen += count
            // The decoder bounds fields, not the request line.
            if bytesSeen > shared.options.headerBytesLimit {
                refuse(431, "the request's header is too large")
                return false
            }
        case .receiving, .answering, .streaming:
            bytesSeen += count
        }
        return true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parts.append(Self.unwrapInboundIn(data))
        drain()
    }

    /// Works off what is decoded, up to the end of a request that is not answered at once.
    func drain() {
        if isDraining { return }
        isDraining = true
        defer { isDraining = false }
        while isTaking, let part = parts.popFirst() { take(part) }
        if case .idle = phase, isInputClosed, parts.isEmpty { lingerAfterEverything() }
        if isReadHeldBack && !mustHoldBack {
            isReadHeldBack = false
            context?.read()
        }
    }

    private var isTaking: Bool {
        switch phase {
        case .idle: isWritable
        case .receiving, .lingering: true
        case .answering, .streaming, .closed: false
        }
    }

    /// While a request is outside, reading goes on only to notice that the client goes away; and
    /// who does not read answers gets no more of them.
    private var mustHoldBack: Bool {
        switch phase {
        case .idle: !isWritable
        case .answering, .streaming: !parts.isEmpty || bytesSeen > Self.aheadBytesLimit
        case .receiving, .lingering, .closed: false
        }
    }

    /// Whether the client has taken most of the answers before.
    private var isWritable: Bool { context?.channel.isWritable ?? false }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        drain()
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if mustHoldBack { isReadHeldBack = true } else { context.read() }
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch (phase, part) {
        case (.idle, .head(let head)): begin(head)
        case (.receiving, .body(var bytes)):
            if body.readableBytes + bytes.readableBytes > shared.options.bodyBytesLimit {
                return refuse(413, "the body is larger than \(shared.options.bodyBytesLimit) bytes")
            }
            if !shared.takeBodyBytes(bytes.readableBytes) {
                return refuse(503, "too many large requests at once")
            }
            body.writeBuffer(&bytes)
        case (.receiving(let head, let target), .end): deliver(head, target)
        // What follows a refused request.
        case (_, _): break
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        guard let target = RequestTarget(head.uri) else {
            return refuse(400, "the request's target is not valid")
        }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        if length > shared.options.bodyBytesLimit {
            return refuse(413, "the body is larger than \(shared.options.bodyBytesLimit) bytes")
        }
        if head.version == .http1_1, let expected = head.headers.first(name: "expect"),
            expected.utf8.equalsIgnoringCase("100-continue".utf8)
        {
            write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
            context?.flush()
        }
        enter(.receiving(head, target))
    }

    private func deliver(_ head: HTTPRequestHead, _ target: RequestTarget) {
        guard let context, let body = unpackedBody(head) else { return }
        let peer =
            peer ?? context.remoteAddress.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" } ?? ""
        self.peer = peer
        let request = HTTPRequest(
            method: head.method.rawValue, path: target.path, query: target.query,
            headers: HTTPFields(
                head.headers.map { HTTPFields.Field(name: $0.name, value: $0.value) }),
            body: body, remoteAddress: peer)
        enter(.answering(head))
        exchange += 1
        shared.route(request, HTTPResponder(self, context.channel))
    }

    /// The body as the client meant it; nil: the request was refused.
    private func unpackedBody(_ head: HTTPRequestHead) -> [UInt8]? {
        let bytes = Array(body.readableBytesView)
        let limit = shared.options.bodyBytesLimit
        switch head.headers.first(name: "content-encoding")?.lowercased() {
        case nil, "identity": return bytes
        case "gzip", "x-gzip":
            do throws(Gzip.Failure) {
                return try Gzip.unpack(bytes, limit: limit)
            } catch {
                switch error {
                case .malformed: refuse(400, "the body is not in gzip's form")
                case .tooLarge:
                    refuse(413, "the body is larger than \(limit) bytes when unpacked")
                }
            }
        default: refuse(415, "a Content-Encoding other than gzip and identity is not supported")
        }
        return nil
    }

    /// Goes to another phase, whose time begins now.
    func enter(_ next: Phase) {
        switch next {
        case .receiving: break
        case .idle, .answering, .streaming, .lingering, .closed:
            shared.giveBodyBytes(body.readableBytes)
            body = ByteBuffer()
        }
        phase = next
        bytesSeen = 0
        isHeaderTimed = false
        switch next {
        case .idle, .lingering: timer?.set(milliseconds: shared.options.idleTimeoutMilliseconds)
        case .receiving: timer?.set(milliseconds: shared.options.bodyTimeoutMilliseconds)
        case .answering, .streaming: timer?.clear()
        case .closed: timer?.cancel()
        }
    }

    // MARK: Time

    /// Sets the time of a header that did not come whole in one read, and prolongs a body's.
    func channelReadComplete(context: ChannelHandlerContext) {
        switch phase {
        case .idle where bytesSeen > 0 && !isHeaderTimed:
            isHeaderTimed = true
            timer?.set(milliseconds: shared.options.headerTimeoutMilliseconds)
        case .receiving where bytesSeen >= Self.progressBytes:
            bytesSeen = 0
            timer?.set(milliseconds: shared.options.bodyTimeoutMilliseconds)
        case .idle, .receiving, .answering, .streaming, .lingering, .closed: break
        }
        context.fireChannelReadComplete()
    }

    private func timeRanOut() {
        switch phase {
        case .idle where bytesSeen > 0: refuse(408, "the request's header took too long")
        case .receiving: refuse(408, "the request's body took too long")
        case .idle, .lingering: closeNow()
        case .answering, .streaming, .closed: break
        }
    }
}
