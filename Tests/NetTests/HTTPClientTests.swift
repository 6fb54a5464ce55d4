import Net
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct HTTPClientTests {
    @Test func answersComeBack() async throws {
        try await withServer(route: echo) { port in
            let loops = EventLoops()
            let client = HTTPClient(loops: loops)
            let url = "http://127.0.0.1:\(port)/a?b=c"
            let body = [UInt8](repeating: 65, count: 5_000_000)
            let answer = try await client.post(url, headers: ["X-Sent": "me"], body: body)
            #expect(answer.status == 200 && answer.headers["x-echo"] == "me")
            #expect(answer.body == Array("POST /a [b=c] ".utf8) + body)
            let get = try await client.send("GET", url)
            #expect(get.body == Array("GET /a [b=c] ".utf8))
            await #expect(throws: HTTPClientError.bodyTooLarge(limit: 3)) {
                _ = try await client.send("GET", url, answerBytesLimit: 3)
            }
            await #expect(throws: HTTPClientError.invalidURL("nonsense")) {
                _ = try await client.send("GET", "nonsense")
            }
            await client.stop()
            try await loops.stop()
        }
    }

    @Test func silenceRunsOutOfTime() async throws {
        let held = EventLog<HTTPResponder>()
        let route: HTTPServer.Route = { request, responder in
            if request.path == "/stream" {
                let writer = responder.stream(status: 200, headers: [:])
                writer.write([1])
                writer.onClose { _ = writer }
            } else {
                held.add(responder)
            }
        }
        try await withServer(route: route) { port in
            let loops = EventLoops()
            let client = HTTPClient(loops: loops)
            for path in ["", "stream"] {
                await #expect(throws: HTTPClientError.timedOut) {
                    let url = "http://127.0.0.1:\(port)/\(path)"
                    _ = try await client.post(url, body: [], timeoutMilliseconds: 50)
                }
            }
            await client.stop()
            try await loops.stop()
        }
        #expect(held.all.count == 1)
    }

    @Test func streamsAreReadAsTheyComeAndEndByDropping() async throws {
        let writers = EventLog<StreamWriter>()
        let closed = EventLog<Bool>()
        let route: HTTPServer.Route = { _, responder in
            let writer = responder.stream(status: 202, headers: ["Mesos-Stream-Id": "7"])
            writer.onClose { closed.add(true) }
            writers.add(writer)
        }
        try await withServer(route: route) { port in
            let loops = EventLoops()
            let client = HTTPClient(loops: loops)
            let url = "http://127.0.0.1:\(port)/"
            do {
                let stream = try await client.stream(url, body: [1])
                #expect(stream.status == 202 && stream.headers["mesos-stream-id"] == "7")
                // The client may have the head before the route has its writer.
                await writers.wait { $0.count == 1 }
                var chunks = stream.chunks.makeAsyncIterator()
                for byte in 0..<5 as Range<UInt8> {
                    writers.all[0].write([byte])
                    #expect(try await chunks.next() == [byte])
                }
            }
            await closed.wait { $0.count == 1 }
            let whole = try await client.stream(url, body: [])
            await writers.wait { $0.count == 2 }
            writers.all[1].write([1, 2])
            writers.all[1].finish()
            var bytes: [UInt8] = []
            for try await chunk in whole.chunks { bytes += chunk }
            #expect(bytes == [1, 2])
            await client.stop()
            try await loops.stop()
        }
    }

    @Test func serverThatIsNotThereIsAnError() async throws {
        let loops = EventLoops()
        let server = HTTPServer(loops: loops, route: echo)
        let port = try await server.start(port: 0)
        await server.stop()
        let client = HTTPClient(loops: loops, connectTimeoutMilliseconds: 300)
        await #expect(throws: HTTPClientError.self) {
            _ = try await client.send("GET", "http://127.0.0.1:\(port)/")
        }
        await client.stop()
        try await loops.stop()
    }
}
