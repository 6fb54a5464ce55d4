import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Why a request got no answer.
package enum HTTPClientError: Error, Hashable, Sendable, CustomStringConvertible {
    case timedOut
    case invalidURL(String)
    case bodyTooLarge(limit: Int)
    /// No connection, or it broke.
    case failed(reason: String)

    package var description: String {
        switch self {
        case .timedOut: "no answer in time"
        case .invalidURL(let url): "not a URL: \(url)"
        case .bodyTooLarge(let limit): "the answer is larger than \(limit) bytes"
        case .failed(let reason): reason
        }
    }
}

/// An answer whose body goes on: the chunks as they come; dropping it ends the connection.
package struct HTTPStream: Sendable {
    package let status: Int
    package let headers: HTTPFields
    package let chunks: HTTPChunks
}

/// HTTP requests; redirects are answers like any other.
package final class HTTPClient: Sendable {
    private let client: AsyncHTTPClient.HTTPClient

    /// No connection within `connectTimeoutMilliseconds` is an error.
    package init(loops: EventLoops, connectTimeoutMilliseconds: Int = 5_000) {
        var configuration = AsyncHTTPClient.HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .milliseconds(Int64(connectTimeoutMilliseconds))))
        configuration.httpVersion = .http1Only
        client = AsyncHTTPClient.HTTPClient(
            eventLoopGroup: loops.group, configuration: configuration)
    }

    /// Sends a request and returns the whole answer, which must come in time.
    package func send(
        _ method: String, _ url: String, headers: HTTPFields = [:], body: [UInt8]? = nil,
        timeoutMilliseconds: Int = 30_000, answerBytesLimit: Int = 256 << 20
    ) async throws(HTTPClientError) -> HTTPAnswer {
        try Self.checkPort(url)
        let request = Self.request(method, url, headers, body)
        let deadline = NIODeadline.now() + .milliseconds(Int64(timeoutMilliseconds))
        do {
            let response = try await client.execute(request, deadline: deadline)
            let body = try await Self.collect(
                response.body, until: deadline, answerBytesLimit)
            return HTTPAnswer(
                status: Int(response.status.code), headers: HTTPFields(response.headers),
                body: body)
        } catch {
            throw HTTPClientError(error, url: url, bytesLimit: answerBytesLimit)
        }
    }

    /// `send` with POST.
    package func post(
        _ url: String, headers: HTTPFields = [:], body: [UInt8], timeoutMilliseconds: Int = 30_000
    ) async throws(HTTPClientError) -> HTTPAnswer {
        try await send(
            "POST", url, headers: headers, body: body, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// A port that no socket has would end the process.
    private static func checkPort(_ url: String) throws(HTTPClientError) {
        guard let start = url.firstRange(of: "://") else { throw .invalidURL(url) }
        let host = url[start.upperBound...].prefix { $0 != "/" }
        guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else { return }
        guard let port = Int(host[host.index(after: colon)...]), (1...65_535).contains(port) else {
            throw .invalidURL("\(url): a port is a number from 1 to 65535")
        }
    }

    /// Posts a request whose answer goes on for as long as it likes, however quiet.
    package func stream(
        _ url: String, headers: HTTPFields = [:], body: [UInt8],
        headTimeoutMilliseconds: Int = 30_000
    ) async throws(HTTPClientError) -> HTTPStream {
        try Self.checkPort(url)
        let request = Self.request("POST", url, headers, body)
        do {
            // The deadline is that of the answer's head only.
            let response = try await client.execute(
                request, timeout: .milliseconds(Int64(headTimeoutMilliseconds)))
            return HTTPStream(
                status: Int(response.status.code), headers: HTTPFields(response.headers),
                chunks: HTTPChunks(body: response.body))
        } catch {
            throw HTTPClientError(error, url: url, bytesLimit: 0)
        }
    }

    /// Closes all connections; requests under way fail.
    package func stop() async {
        // It fails only when it has been called before.
        try? await client.shutdown()
    }

    private static func request(
        _ method: String, _ url: String, _ headers: HTTPFields, _ body: [UInt8]?
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        for field in headers.fields { request.headers.add(name: field.name, value: field.value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        return request
    }

    /// Collects a body; the library's own deadline ends with the head.
    private static func collect(
        _ body: HTTPClientResponse.Body, until deadline: NIODeadline, _ limit: Int
    ) async throws -> [UInt8] {
        let rest = deadline - NIODeadline.now()
        return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { Array(try await body.collect(upTo: limit).readableBytesView) }
            group.addTask {
                try await Task.sleep(nanoseconds: UInt64(max(0, rest.nanoseconds)))
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let bytes = first else {
                throw HTTPClientError.timedOut
            }
            return bytes
        }
    }
}

extension HTTPFields {
    init(_ headers: HTTPHeaders) {
        self.init(headers.map { Field(name: $0.name, value: $0.value) })
    }
}
