import Net
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct LateRouteTests {
    @Test func answersThatItStartsUntilItIsSet() async throws {
        let late = LateRoute()
        try await withServer(route: { late.handle($0, $1) }) { port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\n\r\n")
            #expect(client.text(until: "starting").hasPrefix("HTTP/1.1 503 "))
            late.set(echo)
            client.send("GET / HTTP/1.1\r\n\r\n")
            #expect(client.text(until: "[] ").hasPrefix("HTTP/1.1 200 "))
        }
    }

    /// Once each request went through one more wrapper than the one before.
    @Test func doesNotGrowDeeperWithEachRequest() async throws {
        let late = LateRoute()
        let depths = Mutex<[UInt]>([])
        late.set { request, responder in
            var here: UInt8 = 0
            let address = withUnsafePointer(to: &here) { UInt(bitPattern: $0) }
            depths.withLock { $0.append(address) }
            echo(request, responder)
        }
        try await withServer(route: { late.handle($0, $1) }) { port in
            let client = try RawClient(port: port)
            for _ in 0..<500 {
                client.send("GET / HTTP/1.1\r\n\r\n")
                #expect(client.text(until: "[] ").hasPrefix("HTTP/1.1 200 "))
            }
        }
        let found = depths.withLock { $0 }
        #expect(found.count == 500)
        // The stack grows down; wrappers would take 32 bytes each at the least.
        let growth = (found.first ?? 0).subtractingReportingOverflow(found.last ?? 0)
        #expect(growth.overflow || growth.partialValue < 8_192)
    }
}
