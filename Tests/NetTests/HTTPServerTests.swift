import Net
import Testing

/// Runs `body` against a server of its own.
func withServer(
    _ options: HTTPServerOptions = HTTPServerOptions(), route: @escaping HTTPServer.Route,
    _ body: (Int) async throws -> Void
) async throws {
    let loops = EventLoops()
    let server = HTTPServer(loops: loops, options: options, route: route)
    let port = try await server.start(port: 0)
    do {
        try await body(port)
    } catch {
        Issue.record(error)
    }
    await server.stop()
    try await loops.stop()
}

/// Answers with the request itself.
func echo(_ request: HTTPRequest, _ responder: HTTPResponder) {
    let query = request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let head = "\(request.method) \(request.path) [\(query.joined(separator: ","))] "
    responder.answer(
        HTTPAnswer(
            status: 200, headers: ["X-Echo": request.headers["x-sent"] ?? ""],
            body: Array(head.utf8) + request.body))
}

@Suite(.serialized, .timeLimit(.minutes(2))) struct HTTPServerTests {
    @Test func requestArrivesDecodedAndTheConnectionStays() async throws {
        try await withServer(route: echo) { port in
            let client = try RawClient(port: port)
            for path in ["/slave(1)/api/v1/executor", "/slave%281%29/api/v1/executor"] {
                client.send(
                    "POST \(path)?a=%20b+c&d HTTP/1.1\r\nHost: x\r\nX-SENT: yes\r\n"
                        + "Content-Length: 4\r\n\r\nbody")
                let answer = client.text(until: "body")
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
                #expect(answer.contains("\r\nX-Echo: yes\r\n"))
                #expect(
                    answer.hasSuffix("\r\n\r\nPOST /slave(1)/api/v1/executor [a= b c,d=] body"))
            }
            client.send("GET http://127.0.0.1:5050/version HTTP/1.1\r\n\r\n")
            #expect(client.text(until: "[] ").hasSuffix("GET /version [] "))
            client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
            client.send("1\r\nc\r\n0\r\n\r\n")
            #expect(client.text(until: "abc").hasSuffix("POST / [] abc"))
        }
    }

    @Test func connectionClosesWhenAskedTo() async throws {
        try await withServer(route: echo) { port in
            let requests = [
                "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
                "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            ]
            for request in requests {
                let client = try RawClient(port: port)
                client.send(request)
                let answer = client.rest()
                #expect(answer.contains("\r\nConnection: close\r\n"))
                #expect(answer.hasSuffix("GET / [] "))
            }
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(client.text(until: "[] ").hasPrefix("HTTP/1.1 200"))
            client.send("HEAD /again HTTP/1.1\r\nConnection: close\r\n\r\n")
            let head = client.rest()
            #expect(head.contains("\r\nContent-Length: 15\r\n") && head.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func requestsSentAheadAreAnsweredInOrder() async throws {
        let held = EventLog<(HTTPRequest, HTTPResponder)>()
        try await withServer(route: { held.add(($0, $1)) }) { port in
            let client = try RawClient(port: port)
            client.send("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
            await held.wait { $0.count == 1 }
            #expect(held.all[0].0.path == "/1")
            held.all[0].1.answer(.text(200, "one."))
            held.all[0].1.answer(.text(200, "ignored"))
            #expect(client.text(until: "one.").hasSuffix("one."))
            await held.wait { $0.count == 2 }
            held.all[1].1.answer(.text(404, "two."))
            #expect(client.text(until: "two.").hasPrefix("HTTP/1.1 404 Not Found"))
        }
        try await withServer(route: echo) { port in
            let client = try RawClient(port: port)
            let count = 3_000
            for index in 0..<count { client.send("GET /\(index) HTTP/1.1\r\n\r\n") }
            let answers = client.text(until: "GET /\(count - 1) [] ")
            #expect(answers.split(separator: "HTTP/1.1 200").count == count)
        }
    }

    @Test func halfClosedClientStillGetsItsAnswer() async throws {
        let held = EventLog<HTTPResponder>()
        try await withServer(route: { held.add($1) }) { port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\n\r\n")
            client.closeWriting()
            await held.wait { !$0.isEmpty }
            // Larger than what the kernel takes at once.
            let text = String(repeating: "a", count: 9_000_000)
            held.all[0].answer(.text(200, text + "late"))
            let answer = client.rest()
            #expect(answer.utf8.count > text.utf8.count && answer.hasSuffix("alate"))
        }
    }

    @Test func clientThatReadsNoAnswersGetsNoMoreOfThem() async throws {
        let asked = EventLog<String>()
        let body = [UInt8](repeating: 65, count: 1 << 20)
        let route: HTTPServer.Route = { request, responder in
            asked.add(request.path)
            responder.answer(HTTPAnswer(status: 200, body: body))
        }
        try await withServer(route: route) { port in
            let client = try RawClient(port: port, receiveBytes: 4096)
            for index in 0..<100 { client.send("GET /\(index) HTTP/1.1\r\n\r\n") }
            client.closeWriting()
            await asked.wait { !$0.isEmpty }
            // Another client's answer shows that the server has come round.
            let other = try RawClient(port: port)
            other.send("GET /other HTTP/1.1\r\nConnection: close\r\n\r\n")
            #expect(other.rest().utf8.count > body.count)
            #expect(asked.all.count < 40)
            // And reading brings all the others.
            var bytes = 0
            while case let more = client.receive(), !more.isEmpty { bytes += more.count }
            #expect(asked.all.count == 101 && bytes > 100 * body.count)
        }
    }

    @Test func responderThatIsDroppedAnswersAnError() async throws {
        try await withServer(route: { _, _ in }) { port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            #expect(client.rest().hasPrefix("HTTP/1.1 500"))
        }
    }

    @Test func headerOfAnAnswerCannotBeginAnother() async throws {
        let route: HTTPServer.Route = { _, responder in
            responder.answer(HTTPAnswer(status: 200, headers: ["A": "b\r\nInjected: c"]))
        }
        try await withServer(route: route) { port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            #expect(client.rest().contains("\r\nA: b  Injected: c\r\n"))
        }
    }

    @Test func connectionsAreBounded() async throws {
        var options = HTTPServerOptions()
        options.connectionsLimit = 1
        try await withServer(options, route: echo) { port in
            let first = try RawClient(port: port)
            first.send("GET / HTTP/1.1\r\n\r\n")
            #expect(first.text(until: "[] ").hasPrefix("HTTP/1.1 200"))
            let second = try RawClient(port: port)
            #expect(second.receive().isEmpty)
        }
    }

    @Test func stoppingClosesConnections() async throws {
        let loops = EventLoops()
        let server = HTTPServer(loops: loops) { echo($0, $1) }
        let port = try await server.start(port: 0)
        let client = try RawClient(port: port)
        client.send("GET / HTTP/1.1\r\n\r\n")
        #expect(client.text(until: "[] ").hasPrefix("HTTP/1.1 200"))
        await server.stop()
        #expect(client.rest().isEmpty)
        try await loops.stop()
    }

    @Test func dateHasTheFormOfTheStandard() async throws {
        try await withServer(route: echo) { port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            let date =
                #/\r\nDate: [SMTWF][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/#
            #expect(client.rest().contains(date))
        }
    }
}
