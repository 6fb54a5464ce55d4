import Dispatch
import Foundation

/// Waits until one of the signals comes; returns which.
func firstSignal(_ signals: [Int32]) async -> Int32 {
    let (stream, feed) = AsyncStream<Int32>.makeStream()
    let sources = signals.map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { feed.yield(number) }
        source.resume()
        return source
    }
    defer { for source in sources { source.cancel() } }
    for await number in stream { return number }
    return SIGTERM
}
