import ArgumentParser
import Foundation
import MesosAPI
import Net
import SwiftProtobuf
import Wire

/// Where the master is, and how to print.
struct ClientOptions: ParsableArguments {
    @Option(help: "The master, as HOST:PORT (environment: HOLDFAST_MASTER).")
    var master: String = ProcessInfo.processInfo.environment["HOLDFAST_MASTER"] ?? "127.0.0.1:5050"

    @Flag(help: "Print JSON for programs.")
    var json = false
}

/// Talks to a master's or an agent's v1 API in protobuf.
struct APIClient {
    let address: String
    let client: Net.HTTPClient
    private let loops = EventLoops()

    init(_ address: String) {
        self.address = address
        client = Net.HTTPClient(loops: loops)
    }

    /// One call of the master's operator API that is answered with a message.
    func ask(
        _ type: Mesos_V1_Master_Call.TypeEnum,
        _ fill: (inout Mesos_V1_Master_Call) -> Void = { _ in }
    ) async throws -> Mesos_V1_Master_Response {
        var call = Mesos_V1_Master_Call()
        call.type = type
        fill(&call)
        let answer = try await post("/api/v1", try call.serializedBytes())
        return try Mesos_V1_Master_Response(serializedBytes: answer)
    }

    /// One call of the master's operator API that changes something.
    func tell(
        _ type: Mesos_V1_Master_Call.TypeEnum, _ fill: (inout Mesos_V1_Master_Call) -> Void
    ) async throws -> String {
        var call = Mesos_V1_Master_Call()
        call.type = type
        fill(&call)
        let answer = try await post("/api/v1", try call.serializedBytes())
        return String(decoding: answer, as: UTF8.self)
    }

    /// One call of an agent's operator API.
    func askAgent(
        _ type: Mesos_V1_Agent_Call.TypeEnum,
        _ fill: (inout Mesos_V1_Agent_Call) -> Void = { _ in }
    ) async throws -> Mesos_V1_Agent_Response {
        var call = Mesos_V1_Agent_Call()
        call.type = type
        fill(&call)
        let answer = try await post("/api/v1", try call.serializedBytes())
        return try Mesos_V1_Agent_Response(serializedBytes: answer)
    }

    private func post(_ path: String, _ body: [UInt8]) async throws -> [UInt8] {
        try await send(path, body, contentType: "application/x-protobuf")
    }

    /// A plain POST; an answer from 400 up becomes a failure with its text.
    func send(
        _ path: String, _ body: [UInt8], contentType: String, timeoutSeconds: Int = 60
    ) async throws -> [UInt8] {
        let answer: HTTPAnswer
        do {
            answer = try await client.post(
                "http://\(address)\(path)",
                headers: ["Content-Type": contentType, "Accept": contentType], body: body,
                timeoutMilliseconds: timeoutSeconds * 1000)
        } catch {
            throw CommandFailure(
                "no answer from \(address): \(error). Is it running? --master HOST:PORT names "
                    + "another one.")
        }
        guard answer.status < 400 else {
            let text = String(decoding: answer.body, as: UTF8.self)
            throw CommandFailure("\(address) answered \(answer.status): \(text)")
        }
        return answer.body
    }

    func close() async { await client.stop() }
}

/// Runs a command's body with a client that is closed afterwards.
func withClient<Value>(
    _ address: String, _ body: (APIClient) async throws -> Value
) async throws -> Value {
    let client = APIClient(address)
    do {
        let value = try await body(client)
        await client.close()
        return value
    } catch {
        await client.close()
        throw error
    }
}
