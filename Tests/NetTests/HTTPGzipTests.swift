import Testing

@testable import Net

@Suite(.serialized, .timeLimit(.minutes(2))) struct HTTPGzipTests {
    private let text = [UInt8](repeating: UInt8(ascii: "x"), count: 5_000)

    @Test(arguments: [0, 1, 1_000, 65_536, 300_000])
    func whatIsPackedComesBack(size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
        let packed = try #require(Gzip.pack(bytes))
        #expect(try Gzip.unpack(packed, limit: size) == bytes)
        #expect(try Gzip.unpack(packed + packed, limit: 2 * size) == bytes + bytes)
        #expect(throws: Gzip.Failure.malformed) {
            try Gzip.unpack(packed.dropLast(), limit: size)
        }
        if size > 0 {
            #expect(throws: Gzip.Failure.tooLarge) { try Gzip.unpack(packed, limit: size - 1) }
        }
    }

    @Test func nonsenseIsNotUnpacked() {
        for bytes: [UInt8] in [[], [0x1F, 0x8B], Array("{\"type\":\"GET_HEALTH\"}".utf8)] {
            #expect(throws: Gzip.Failure.malformed) { try Gzip.unpack(bytes, limit: 100) }
        }
    }

    @Test func theHeaderDecides() {
        #expect(Gzip.isAccepted(by: ["deflate", " gzip;q=0.5"]))
        #expect(Gzip.isAccepted(by: ["*"]))
        #expect(!Gzip.isAccepted(by: ["gzip;q=0", "*"]))
        #expect(!Gzip.isAccepted(by: ["*; q=0"]))
        #expect(!Gzip.isAccepted(by: ["br", "identity"]))
        #expect(!Gzip.isAccepted(by: []))
    }

    @Test func largeAnswersArePackedForThoseWhoAsk() async throws {
        try await withServer(route: { [text] request, responder in
            if request.path == "/stream" {
                let writer = responder.stream(status: 200, headers: [:])
                writer.write(text)
                return writer.finish()
            }
            let body = request.path == "/small" ? Array("small".utf8) : text
            responder.answer(HTTPAnswer(status: 200, body: body))
        }) { port in
            func answer(_ path: String, _ accepted: String) throws -> [UInt8] {
                let client = try RawClient(port: port)
                client.send(
                    "GET \(path) HTTP/1.1\r\nAccept-Encoding: \(accepted)\r\n"
                        + "Connection: close\r\n\r\n")
                var bytes: [UInt8] = []
                while case let more = client.receive(), !more.isEmpty { bytes += more }
                return bytes
            }
            let packed = try answer("/", "gzip, deflate")
            let split = try #require(packed.firstRange(of: Array("\r\n\r\n".utf8)))
            let head = String(decoding: packed[..<split.lowerBound], as: UTF8.self)
            let body = Array(packed[split.upperBound...])
            #expect(head.contains("\r\nContent-Encoding: gzip\r\n"))
            #expect("\(head)\r\n".contains("\r\nContent-Length: \(body.count)\r\n"))
            #expect(try Gzip.unpack(body, limit: text.count) == text)
            for (path, accepted) in [("/", "gzip;q=0"), ("/small", "gzip"), ("/stream", "gzip")] {
                let plain = String(decoding: try answer(path, accepted), as: UTF8.self)
                #expect(!plain.contains("Content-Encoding"))
                #expect(plain.contains(path == "/small" ? "small" : "xxxx"))
            }
        }
    }

    @Test func packedRequestsAreUnpackedOrRefused() async throws {
        var options = HTTPServerOptions()
        options.bodyBytesLimit = 4_000
        try await withServer(options, route: echo) { port in
            func answer(_ encoding: String, _ body: [UInt8]) throws -> String {
                let client = try RawClient(port: port)
                client.send(
                    Array(
                        ("POST / HTTP/1.1\r\nContent-Encoding: \(encoding)\r\n"
                            + "Connection: close\r\nContent-Length: \(body.count)\r\n\r\n").utf8)
                        + body)
                return client.rest()
            }
            let packed = try #require(Gzip.pack(Array("hello".utf8)))
            #expect(try answer("gzip", packed).hasSuffix("POST / [] hello"))
            #expect(try answer("identity", Array("hi".utf8)).hasSuffix("POST / [] hi"))
            #expect(try answer("gzip", Array("hi".utf8)).hasPrefix("HTTP/1.1 400 "))
            #expect(try answer("br", packed).hasPrefix("HTTP/1.1 415 "))
            let bomb = try #require(Gzip.pack(text))
            #expect(try answer("gzip", bomb).hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test func aSlashAtThePathsEndIsLeftOut() async throws {
        try await withServer(route: echo) { port in
            for (sent, path) in [("/api/v1/", "/api/v1"), ("/", "/"), ("//", "/")] {
                let client = try RawClient(port: port)
                client.send("GET \(sent)?a=b HTTP/1.1\r\nConnection: close\r\n\r\n")
                #expect(client.rest().hasSuffix("GET \(path) [a=b] "))
            }
        }
    }
}
