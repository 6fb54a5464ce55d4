import AsyncHTTPClient
import NIOCore

/// The body of a streamed answer, chunk by chunk; how the chunks are cut means nothing.
package struct HTTPChunks: AsyncSequence, Sendable {
    package typealias Element = [UInt8]

    let body: HTTPClientResponse.Body

    package struct AsyncIterator: AsyncIteratorProtocol {
        var inner: HTTPClientResponse.Body.AsyncIterator

        /// Nil at the end of the answer; throws where the connection broke before it.
        @concurrent package mutating func next() async throws -> [UInt8]? {
            do {
                return try await inner.next().map { Array($0.readableBytesView) }
            } catch let error as CancellationError {
                throw error
            } catch {
                throw HTTPClientError.failed(reason: "\(error)")
            }
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(inner: body.makeAsyncIterator())
    }
}

extension HTTPClientError {
    /// The library's error in our terms.
    init(_ error: any Error, url: String, bytesLimit: Int) {
        switch error {
        case let error as HTTPClientError: self = error
        case is NIOTooManyBytesError: self = .bodyTooLarge(limit: bytesLimit)
        case let error as AsyncHTTPClient.HTTPClientError:
            switch error {
            case .connectTimeout, .deadlineExceeded, .readTimeout, .writeTimeout: self = .timedOut
            case .invalidURL, .emptyHost, .emptyScheme: self = .invalidURL(url)
            default: self = .failed(reason: "\(error)")
            }
        default: self = .failed(reason: "\(error)")
        }
    }
}
