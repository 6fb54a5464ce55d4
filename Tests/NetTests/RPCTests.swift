import Net
import Testing

extension EventLog<RPCEvent> {
    /// Every frame received, in order.
    var frames: [RPCFrame] {
        all.flatMap { event -> [RPCFrame] in
            if case .received(_, let frames) = event { return frames }
            return []
        }
    }

    /// The connections that came about, in order.
    var connected: [RPCConnectionID] {
        all.compactMap { event in if case .connected(let id, _) = event { id } else { nil } }
    }

    var ends: [RPCDisconnection] {
        all.compactMap { event in
            if case .disconnected(_, let reason) = event { reason } else { nil }
        }
    }

    func waitForConnections(_ count: Int) async {
        await wait { events in
            events.filter { if case .connected = $0 { true } else { false } }.count >= count
        }
    }

    func waitForEnds(_ count: Int) async {
        await wait { events in
            events.filter { if case .disconnected = $0 { true } else { false } }.count >= count
        }
    }

    func waitForFrames(_ count: Int) async {
        await wait { events in
            events.reduce(0) { sum, event in
                if case .received(_, let frames) = event { sum + frames.count } else { sum }
            } >= count
        }
    }
}

/// A server with a client that finds it, both on one thread.
private final class Pair {
    let loops = EventLoops()
    let atServer = EventLog<RPCEvent>()
    let atClient = EventLog<RPCEvent>()
    let failures = EventLog<RPCDisconnection>()
    let server: RPCServer
    let client: RPCClient
    let port: Int

    init(_ options: RPCOptions = RPCOptions(), port known: Int = 0) async throws {
        server = RPCServer(loops: loops, options: options, handler: atServer.add)
        let port = try await server.start(port: known)
        self.port = port
        client = RPCClient(
            loops: loops, options: options,
            target: { RPCTarget(host: "127.0.0.1", port: port) }, attemptFailed: failures.add,
            handler: atClient.add)
    }

    func stop() async throws {
        await client.stop()
        await server.stop()
        try await loops.stop()
    }
}

@Suite(.serialized, .timeLimit(.minutes(2))) struct RPCTests {
    @Test func framesArriveInOrderBothWays() async throws {
        let pair = try await Pair()
        pair.client.start()
        await pair.atClient.waitForConnections(1)
        await pair.atServer.waitForConnections(1)
        let up = try #require(pair.atClient.connected.first)
        let down = try #require(pair.atServer.connected.first)
        let frames = (0..<5_000).map { index in
            RPCFrame(
                kind: UInt8(index % 3),
                payload: [UInt8](repeating: UInt8(index % 251), count: index % 90))
        }
        for start in stride(from: 0, to: frames.count, by: 50) {
            #expect(pair.client.send(Array(frames[start..<start + 50]), to: up))
            #expect(pair.server.send(Array(frames[start..<start + 50]), to: down))
        }
        let large = RPCFrame(kind: 9, payload: [UInt8](repeating: 5, count: 20 << 20))
        #expect(pair.client.send([large], to: up))
        #expect(pair.client.send([], to: up))
        await pair.atServer.waitForFrames(frames.count + 1)
        await pair.atClient.waitForFrames(frames.count)
        #expect(pair.atServer.frames == frames + [large])
        #expect(pair.atClient.frames == frames)
        try await pair.stop()
        #expect(pair.atClient.ends == [.closedHere])
        #expect(!pair.client.send(frames, to: up))
        #expect(!pair.server.send(frames, to: down))
    }

    @Test func whatIsNotUrgentGoesWithTheNextFrames() async throws {
        let pair = try await Pair()
        pair.client.start()
        await pair.atClient.waitForConnections(1)
        await pair.atServer.waitForConnections(1)
        let up = try #require(pair.atClient.connected.first)
        let down = try #require(pair.atServer.connected.first)
        let frames = (0..<3).map { RPCFrame(kind: UInt8($0), payload: [1, 2, 3]) }
        #expect(pair.server.send([frames[0]], to: down, isUrgent: false))
        #expect(pair.server.send([frames[1]], to: down, isUrgent: false))
        // The server's loop has had its turn by then.
        #expect(pair.client.send([frames[0]], to: up))
        await pair.atServer.waitForFrames(1)
        #expect(pair.atClient.frames.isEmpty)
        #expect(pair.server.send([frames[2]], to: down))
        await pair.atClient.waitForFrames(3)
        #expect(pair.atClient.frames == frames)
        try await pair.stop()
    }

    @Test func clientConnectsAgainUnderANewIdentity() async throws {
        var options = RPCOptions()
        options.firstRetryMilliseconds = 5
        let pair = try await Pair(options)
        pair.client.start()
        await pair.atServer.waitForConnections(1)
        pair.server.close(try #require(pair.atServer.connected.first))
        await pair.atServer.waitForConnections(2)
        await pair.atClient.waitForConnections(2)
        #expect(pair.atServer.ends == [.closedHere])
        #expect(pair.atClient.ends == [.closedByPeer])
        let identities = pair.atClient.connected
        #expect(identities[0] != identities[1])
        #expect(!pair.client.send([RPCFrame(kind: 1, payload: [])], to: identities[0]))
        #expect(pair.client.send([RPCFrame(kind: 2, payload: [])], to: identities[1]))
        await pair.atServer.waitForFrames(1)
        #expect(pair.atServer.frames == [RPCFrame(kind: 2, payload: [])])
        // The master goes away and comes back on its port.
        await pair.server.stop()
        await pair.failures.wait { $0.count >= 2 }
        let again = EventLog<RPCEvent>()
        let successor = RPCServer(loops: pair.loops, handler: again.add)
        _ = try await successor.start(port: pair.port)
        await again.waitForConnections(1)
        await pair.client.stop()
        await again.waitForEnds(1)
        #expect(again.ends == [.closedByPeer])
        await successor.stop()
        try await pair.loops.stop()
    }

    @Test func strangersAreTurnedAway() async throws {
        var options = RPCOptions()
        options.handshakeTimeoutMilliseconds = 50
        let pair = try await Pair(options)
        let greeting = "HOLDFAST\u{0}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}"
        for sent in [
            "GET / HTTP/1.1\r\n\r\n", "", "HOLDF",
            "HOLDFAST\u{0}\u{9}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        ] {
            let stranger = try RawClient(port: pair.port)
            stranger.send(sent)
            #expect(stranger.rest() == greeting, "\(sent)")
        }
        #expect(pair.atServer.all.isEmpty)
        try await pair.stop()
    }

    @Test func frameThatIsTooLargeEndsTheConnection() async throws {
        let pair = try await Pair()
        let hostile = try RawClient(port: pair.port)
        hostile.send("HOLDFAST\u{0}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}")
        hostile.send([0, 0, 0, 2, 8, 9] + [0x10, 0, 0, 0, 1])
        await pair.atServer.waitForEnds(1)
        #expect(pair.atServer.frames == [RPCFrame(kind: 8, payload: [9])])
        #expect(pair.atServer.ends == [.frameTooLarge(bytes: 0x0FFF_FFFF)])
        try await pair.stop()
    }

    @Test func peerThatDoesNotReadIsClosed() async throws {
        var options = RPCOptions()
        options.outboundBytesLimit = 1 << 20
        let pair = try await Pair(options)
        let slow = try RawClient(port: pair.port, receiveBytes: 4096)
        slow.send("HOLDFAST\u{0}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}")
        await pair.atServer.waitForConnections(1)
        let id = try #require(pair.atServer.connected.first)
        let frame = RPCFrame(kind: 1, payload: [UInt8](repeating: 1, count: 100_000))
        var sent = 0
        while sent < 1000, pair.server.send([frame], to: id) { sent += 1 }
        #expect(sent < 1000)
        await pair.atServer.waitForEnds(1)
        #expect(pair.atServer.ends == [.peerTooSlow])
        try await pair.stop()
    }

    @Test func peerThatVanishesIsReported() async throws {
        let pair = try await Pair()
        let peer = try RawClient(port: pair.port)
        peer.send("HOLDFAST\u{0}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}")
        peer.send([0, 0, 0, 3, 4, 5])
        await pair.atServer.waitForConnections(1)
        peer.reset()
        await pair.atServer.waitForEnds(1)
        // Half a frame is no frame.
        #expect(pair.atServer.frames.isEmpty)
        try await pair.stop()
    }
}
