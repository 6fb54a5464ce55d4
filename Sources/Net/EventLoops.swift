import NIOCore
import NIOPosix

/// The threads that all sockets of a process are served on.
package final class EventLoops: Sendable {
    private let threads: MultiThreadedEventLoopGroup

    package init(threads count: Int = 1) {
        threads = MultiThreadedEventLoopGroup(numberOfThreads: count)
    }

    /// Ends the threads; everything that uses them must have been stopped.
    package func stop() async throws { try await threads.shutdownGracefully() }

    var group: any EventLoopGroup { threads }
}
