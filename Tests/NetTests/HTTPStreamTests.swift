import Net
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct HTTPStreamTests {
    @Test func eachWriteIsOneChunkAndTheConnectionStays() async throws {
        let route: HTTPServer.Route = { request, responder in
            if request.path != "/stream" { return echo(request, responder) }
            let writer = responder.stream(status: 200, headers: ["Content-Type": "x"])
            #expect(writer.write(Array("hello".utf8)))
            #expect(writer.write([]))
            #expect(writer.write(Array("20\n{\"type\":\"HEARTBEAT\"}".utf8)))
            writer.finish()
            #expect(!writer.write(Array("late".utf8)))
        }
        try await withServer(route: route) { port in
            let client = try RawClient(port: port)
            client.send("POST /stream HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            let answer = client.text(until: "\r\n0\r\n\r\n")
            #expect(
                answer.contains("\r\nTransfer-Encoding: chunked\r\n")
                    || answer.contains("transfer-encoding: chunked"))
            #expect(
                answer.hasSuffix(
                    "\r\n\r\n5\r\nhello\r\n17\r\n20\n{\"type\":\"HEARTBEAT\"}\r\n0\r\n\r\n"))
            client.send("GET /next HTTP/1.1\r\n\r\n")
            #expect(client.text(until: "[] ").hasSuffix("GET /next [] "))
            client.send("POST /stream HTTP/1.0\r\n\r\n")
            #expect(client.rest().hasSuffix("\r\n\r\nhello20\n{\"type\":\"HEARTBEAT\"}"))
        }
    }

    @Test func clientThatGoesAwayIsNoticed() async throws {
        let writers = EventLog<StreamWriter>()
        let closed = EventLog<Int>()
        let route: HTTPServer.Route = { _, responder in
            let writer = responder.stream(status: 200, headers: [:])
            let number = writers.all.count
            writer.onClose { closed.add(number) }
            writer.write(Array("first".utf8))
            writers.add(writer)
        }
        try await withServer(route: route) { port in
            for number in 0..<3 {
                let client = try RawClient(port: port)
                client.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
                #expect(client.text(until: "first\r\n").hasSuffix("5\r\nfirst\r\n"))
                #expect(closed.all.count == number)
                if number == 0 { client.reset() } else { client.closeWriting() }
                await closed.wait { $0 == Array(0...number) }
                await writers.wait { $0.count == number + 1 }
                #expect(!writers.all[number].write([1]))
            }
            // Told late, it is told at once.
            writers.all[0].onClose { closed.add(99) }
            #expect(closed.all == [0, 1, 2, 99])
        }
    }

    @Test func readerThatDoesNotReadIsClosed() async throws {
        var options = HTTPServerOptions()
        options.streamBytesLimit = 1 << 20
        let writers = EventLog<StreamWriter>()
        let closed = EventLog<Bool>()
        let route: HTTPServer.Route = { _, responder in
            let writer = responder.stream(status: 200, headers: [:])
            writer.onClose { closed.add(true) }
            writers.add(writer)
        }
        try await withServer(options, route: route) { port in
            let slow = try RawClient(port: port, receiveBytes: 4096)
            slow.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            await writers.wait { $0.count == 1 }
            let chunk = [UInt8](repeating: 1, count: 100_000)
            var written = 0
            while written < 1000, writers.all[0].write(chunk) { written += 1 }
            #expect(written < 1000)
            await closed.wait { $0.count == 1 }
            #expect(!writers.all[0].write(chunk))

            // One that reads gets more than the limit in one piece.
            let reader = try RawClient(port: port)
            reader.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            await writers.wait { $0.count == 2 }
            #expect(writers.all[1].write([UInt8](repeating: 65, count: 3 << 20) + [66, 66]))
            writers.all[1].finish()
            #expect(reader.text(until: "BB\r\n0\r\n\r\n").utf8.count > 3 << 20)
        }
    }

    @Test func manyThreadsWriteWholeChunks() async throws {
        let writers = EventLog<StreamWriter>()
        let route: HTTPServer.Route = { _, responder in
            writers.add(responder.stream(status: 200, headers: [:]))
        }
        try await withServer(route: route) { port in
            let client = try RawClient(port: port)
            client.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            await writers.wait { $0.count == 1 }
            let writer = writers.all[0]
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask { for _ in 0..<50 { writer.write(Array("abc".utf8)) } }
                }
            }
            writer.finish()
            let answer = client.text(until: "0\r\n\r\n")
            #expect(
                answer.split(separator: "3\r\nabc\r\n", omittingEmptySubsequences: false).count
                    == 401)
        }
    }
}
