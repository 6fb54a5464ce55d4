import Dispatch
import Logging
import Net
import Synchronization

/// Sends events to a URL, one POST each, in order, and again with growing pauses until they are
/// taken.
///
/// What the receiver refuses as wrong is dropped, and so are the oldest where too many wait; both
/// are logged. What waits is lost with the process.
final class UsageWebhook: Sendable {
    private static let waitingAtMost = 256
    private static let firstPauseMilliseconds: Int64 = 1_000
    private static let longestPauseMilliseconds: Int64 = 300_000

    private let url: String
    private let agent: String
    private let logger: Logger
    private let waiting = Mutex<[UsageEvent]>([])
    private let arrivals = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(url: String, agent: String, logger: Logger) {
        self.url = url
        self.agent = agent
        self.logger = logger
    }

    /// Queues an event; never waits.
    func send(_ event: UsageEvent) {
        let isFull = waiting.withLock { waiting in
            waiting.append(event)
            guard waiting.count > Self.waitingAtMost else { return false }
            waiting.removeFirst()
            return true
        }
        if isFull { logger.warning("the webhook is too slow: an event is dropped") }
        arrivals.continuation.yield()
    }

    /// Sends until the task is cancelled.
    func run(_ client: HTTPClient) async {
        for await _ in arrivals.stream {
            var pause = Self.firstPauseMilliseconds
            while !Task.isCancelled, let event = waiting.withLock({ $0.first }) {
                if await post(event, client) {
                    waiting.withLock { waiting in
                        // It may have been dropped meanwhile.
                        if waiting.first?.time == event.time, waiting.first?.text == event.text {
                            waiting.removeFirst()
                        }
                    }
                    pause = Self.firstPauseMilliseconds
                } else {
                    try? await Task.sleep(for: .milliseconds(pause))
                    pause = min(pause * 2, Self.longestPauseMilliseconds)
                }
            }
        }
    }

    /// Whether it is done with: taken, or refused for good.
    private func post(_ event: UsageEvent, _ client: HTTPClient) async -> Bool {
        let answer = try? await client.post(
            url, headers: ["Content-Type": "application/json"],
            body: event.json(agent: agent).bytes, timeoutMilliseconds: 10_000)
        guard let answer else { return false }
        switch answer.status {
        case 200..<300: return true
        case 408, 425, 429, 500...: return false
        default:
            logger.warning(
                "the webhook refuses an event",
                metadata: ["status": "\(answer.status)", "event": "\(event.kind)"])
            return true
        }
    }
}
