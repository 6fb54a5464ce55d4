import NIOCore
import NIOHTTP1

extension HTTPConnection {
    /// Smaller answers are not packed, as in Mesos; streamed ones never are.
    private static let packedAnswerBytes = 1024

    /// Sends a whole answer to the request that is outside; a late one is dropped.
    func complete(_ number: UInt64, _ answer: HTTPAnswer) {
        guard number == exchange, case .answering(let request) = phase else { return }
        let keepsAlive = keepsAlive(request)
        var head = Self.head(status: answer.status, answer.headers, keepsAlive: keepsAlive)
        var body = answer.body
        if body.count >= Self.packedAnswerBytes,
            Gzip.isAccepted(by: request.headers[canonicalForm: "accept-encoding"]),
            let packed = Gzip.pack(body)
        {
            head.headers.replaceOrAdd(name: "Content-Encoding", value: "gzip")
            body = packed
        }
        head.headers.replaceOrAdd(name: "Content-Length", value: "\(body.count)")
        write(.head(head))
        // The length of what GET would give, but not the content.
        if request.method != .HEAD && !body.isEmpty {
            write(.body(.byteBuffer(ByteBuffer(bytes: body))))
        }
        end(keepsAlive: keepsAlive)
    }

    /// Sends the head of a streamed answer; its chunks follow through `writer`.
    func begin(_ number: UInt64, _ writer: StreamWriter, status: Int, _ headers: HTTPFields) {
        guard number == exchange, case .answering(let request) = phase, let context else {
            return writer.ended()
        }
        // Chunks are unknown to HTTP/1.0: there the end of the connection is the end of the answer.
        var head = Self.head(status: status, headers, keepsAlive: keepsAlive(request))
        head.version = request.version
        write(.head(head))
        context.flush()
        enter(.streaming(request, writer))
        if isInputClosed || request.method == .HEAD { closeNow() }
    }

    /// Goes on after the last chunk of a streamed answer.
    func streamFinished(_ number: UInt64, _ sent: EventLoopFuture<Void>) {
        guard number == exchange, case .streaming(let request, let writer) = phase else { return }
        if keepsAlive(request) && request.version == .http1_1 {
            next()
        } else {
            linger(after: sent)
        }
        writer.ended()
    }

    /// Answers a request that cannot be handed out, and ends the connection.
    func refuse(_ status: Int, _ reason: String) {
        switch phase {
        case .idle, .receiving: break
        case .answering, .streaming, .lingering, .closed: return
        }
        let answer = HTTPAnswer.text(status, reason + "\n")
        var head = Self.head(status: status, answer.headers, keepsAlive: false)
        head.headers.replaceOrAdd(name: "Content-Length", value: "\(answer.body.count)")
        write(.head(head))
        write(.body(.byteBuffer(ByteBuffer(bytes: answer.body))))
        end(keepsAlive: false)
    }

    /// Ends a whole answer.
    private func end(keepsAlive: Bool) {
        guard let context else { return }
        if keepsAlive {
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
            next()
        } else {
            let sent = context.eventLoop.makePromise(of: Void.self)
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: sent)
            linger(after: sent.futureResult)
        }
    }

    /// Takes the next request.
    private func next() {
        enter(.idle)
        drain()
    }

    /// Lets the client read the last answer and go.
    ///
    /// Closed at once, unread input would make the kernel reset the connection, and the answer
    /// would be lost.
    private func linger(after sent: EventLoopFuture<Void>) {
        enter(.lingering)
        sent.assumeIsolated().whenComplete { [self] _ in
            guard let context else { return }
            if isInputClosed { return closeNow() }
            isOutputClosed = true
            timer?.set(milliseconds: shared.options.lingerMilliseconds)
            context.close(mode: .output, promise: nil)
        }
        drain()
    }

    /// Closes after what was written before.
    func lingerAfterEverything() {
        guard let context else { return }
        let sent = context.eventLoop.makePromise(of: Void.self)
        // No bytes are no chunk either.
        context.writeAndFlush(
            Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: sent)
        linger(after: sent.futureResult)
    }

    func write(_ part: HTTPServerResponsePart) {
        context?.write(Self.wrapOutboundOut(part), promise: nil)
    }

    func closeNow() { context?.close(promise: nil) }

    /// Whether the next request may follow: after an upgrade the decoder takes none.
    private func keepsAlive(_ request: HTTPRequestHead) -> Bool {
        request.isKeepAlive && !isInputBroken && !request.headers.contains(name: "upgrade")
            && request.method != .CONNECT
    }

    private static func head(
        status: Int, _ fields: HTTPFields, keepsAlive: Bool
    ) -> HTTPResponseHead {
        var headers = HTTPHeaders()
        headers.reserveCapacity(fields.fields.count + 3)
        headers.add(name: "Date", value: HTTPDate.now)
        for field in fields.fields {
            headers.add(name: clean(field.name), value: clean(field.value))
        }
        if !keepsAlive { headers.replaceOrAdd(name: "Connection", value: "close") }
        return HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
    }

    /// Text from a peer in a header must not begin another one.
    private static func clean(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 32 || $0 == 127 }) else { return text }
        return String(decoding: text.utf8.map { $0 < 32 || $0 == 127 ? 32 : $0 }, as: UTF8.self)
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            isInputClosed = true
            switch phase {
            // The answer may still be read.
            case .answering: break
            case .idle: drain()
            case .lingering where !isOutputClosed: break
            case .receiving, .streaming, .lingering, .closed: closeNow()
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        switch phase {
        case .idle, .receiving:
            let isLarge = error == .headerOverflow
            refuse(isLarge ? 431 : 400, isLarge ? "the header is too large" : "not HTTP: \(error)")
        // Sent ahead of an answer that is still due: nothing more can be read after it.
        case .answering, .streaming: isInputBroken = true
        case .lingering, .closed: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let last = phase
        enter(.closed)
        if case .streaming(_, let writer) = last { writer.ended() }
        context.fireChannelInactive()
    }
}
