import Net
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct HTTPBoundsTests {
    @Test func largeBodyArrivesWhole() async throws {
        var options = HTTPServerOptions()
        options.bodyBytesLimit = 16 << 20
        let body = (0..<10_000_000).map { UInt8(truncatingIfNeeded: $0) }
        let route: HTTPServer.Route = { request, responder in
            responder.answer(.text(200, request.body == body ? "same" : "different"))
        }
        try await withServer(options, route: route) { port in
            let client = try RawClient(port: port)
            client.send("POST / HTTP/1.1\r\nContent-Length: \(body.count)\r\n\r\n")
            client.send(body)
            #expect(client.text(until: "same").hasSuffix("same"))
        }
    }

    @Test func bodyOverTheLimitIsRefusedReadably() async throws {
        var options = HTTPServerOptions()
        options.bodyBytesLimit = 1000
        try await withServer(options, route: echo) { port in
            // The whole body is sent before the answer is read: it must not be lost to a reset.
            let declared = try RawClient(port: port)
            declared.send("POST / HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n")
            declared.send([UInt8](repeating: 65, count: 3_000_000))
            declared.closeWriting()
            #expect(declared.rest().hasPrefix("HTTP/1.1 413 "))
            let chunked = try RawClient(port: port)
            chunked.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<3 {
                chunked.send("1f4\r\n" + String(repeating: "a", count: 500) + "\r\n")
            }
            chunked.closeWriting()
            #expect(chunked.rest().hasPrefix("HTTP/1.1 413 "))
            let fitting = try RawClient(port: port)
            fitting.send("POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n")
            fitting.send([UInt8](repeating: 65, count: 1000))
            #expect(fitting.rest().hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func bodiesOfAllConnectionsAreBoundedTogether() async throws {
        var options = HTTPServerOptions()
        options.allBodiesBytesLimit = 1000
        try await withServer(options, route: echo) { port in
            let first = try RawClient(port: port)
            first.send("POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\n")
            first.send([UInt8](repeating: 65, count: 899))
            let second = try RawClient(port: port)
            var refusal = ""
            // The first body may arrive after the second.
            while !refusal.hasPrefix("HTTP/1.1 503 ") {
                let client = try RawClient(port: port)
                client.send("POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 800\r\n\r\n")
                client.send([UInt8](repeating: 65, count: 800))
                client.closeWriting()
                refusal = client.rest()
                #expect(!refusal.isEmpty)
            }
            first.send("A")
            #expect(first.text(until: "AAA").hasPrefix("HTTP/1.1 200 "))
            second.send("POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\n")
            second.send([UInt8](repeating: 66, count: 900))
            #expect(second.text(until: "BBB").hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func whatIsNotHTTPIsRefused() async throws {
        try await withServer(route: echo) { port in
            let bad = [
                "hello\r\n\r\n", "FOO /version HTTP/1.1\r\n\r\n", "GET /%zz HTTP/1.1\r\n\r\n",
                "GET /%ff HTTP/1.1\r\n\r\n", "GET /?a=%1 HTTP/1.1\r\n\r\n",
                "POST / HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
                "POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nab",
                "GET / HTTP/2.0\r\n\r\n",
            ]
            for request in bad {
                let client = try RawClient(port: port)
                client.send(request)
                client.closeWriting()
                let answer = client.rest()
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(request) -> \(answer)")
            }
            for large in [String(repeating: "a", count: 200_000), "\r\nA: b"] {
                let client = try RawClient(port: port)
                client.send("GET /" + String(repeating: large, count: large.count > 9 ? 1 : 900))
                client.send(" HTTP/1.1\r\n\r\n")
                client.closeWriting()
                let answer = client.rest()
                #expect(answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(80))")
            }
        }
    }

    @Test func slowSendersAreToldSoAndClosed() async throws {
        var options = HTTPServerOptions()
        options.headerTimeoutMilliseconds = 60
        options.bodyTimeoutMilliseconds = 60
        try await withServer(options, route: echo) { port in
            let header = try RawClient(port: port)
            header.send("GET / HTT")
            #expect(header.text(until: "too long\n").hasPrefix("HTTP/1.1 408 "))
            let body = try RawClient(port: port)
            body.send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
            #expect(body.text(until: "too long\n").hasPrefix("HTTP/1.1 408 "))
            // A byte now and then is no progress.
            let drip = try RawClient(port: port)
            drip.send("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
            let answered = EventLog<Bool>()
            let thread = Task.detached {
                while answered.all.isEmpty {
                    drip.send("x")
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            #expect(drip.text(until: "too long\n").hasPrefix("HTTP/1.1 408 "))
            answered.add(true)
            try await thread.value
        }
    }

    @Test func idleConnectionIsClosedSilently() async throws {
        var options = HTTPServerOptions()
        options.idleTimeoutMilliseconds = 40
        try await withServer(options, route: echo) { port in
            let client = try RawClient(port: port)
            #expect(client.rest().isEmpty)
            let used = try RawClient(port: port)
            used.send("GET / HTTP/1.1\r\n\r\n")
            #expect(used.rest().hasSuffix("GET / [] "))
        }
    }

    @Test func clientThatAsksIsToldToContinue() async throws {
        try await withServer(route: echo) { port in
            let client = try RawClient(port: port)
            client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            #expect(client.text(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("ok")
            #expect(client.text(until: "ok").hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }
}
