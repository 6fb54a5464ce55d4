import NIOCore
import Synchronization

/// What waits to be sent on a channel: taken from any thread, flushed together, bounded.
///
/// A peer that does not read makes it grow; at the limit the channel is closed, for whatever is
/// left out of an ordered stream spoils all that follows.
final class BoundedWriter<Part: Sendable>: Sendable {
    private struct State {
        var parts: [Part] = []
        var bytesInParts = 0
        /// Bytes taken that the kernel has not.
        var bytesUnsent = 0
        var isFlushScheduled = false
        /// Nothing more is taken.
        var isClosed = false
        /// What follows the last part.
        var finished: (@Sendable (EventLoopFuture<Void>) -> Void)?
    }

    private enum Outcome { case closed, overflowed, taken(mustSchedule: Bool, isLong: Bool) }

    /// So many parts are sent while their loop is still busy: the peer begins with them meanwhile.
    private static var partsTogether: Int { 4 }

    private let channel: any Channel
    private let bytesLimit: Int
    private let state = Mutex(State())

    init(channel: any Channel, bytesLimit: Int) {
        self.channel = channel
        self.bytesLimit = bytesLimit
    }

    /// Never waits; false: the channel is closed, or is being closed because it takes nothing.
    ///
    /// A single part may be larger than the limit when nothing is waiting before it. One that is
    /// not urgent goes with the next one.
    func write(_ part: Part, bytes: Int, isUrgent: Bool = true) -> Bool {
        let outcome = state.withLock { state -> Outcome in
            if state.isClosed { return .closed }
            if state.bytesUnsent > 0 && state.bytesUnsent + bytes > bytesLimit {
                state = State(isClosed: true)
                return .overflowed
            }
            state.parts.append(part)
            state.bytesInParts += bytes
            state.bytesUnsent += bytes
            guard isUrgent else { return .taken(mustSchedule: false, isLong: false) }
            defer { state.isFlushScheduled = true }
            return .taken(
                mustSchedule: !state.isFlushScheduled,
                isLong: state.parts.count >= Self.partsTogether)
        }
        switch outcome {
        case .closed: return false
        case .overflowed:
            channel.close(promise: nil)
            return false
        case .taken(let mustSchedule, let isLong):
            if mustSchedule { channel.eventLoop.execute { self.flush() } }
            if isLong, channel.eventLoop.inEventLoop { flush() }
            return true
        }
    }

    /// Takes nothing more after `part`; calls `finished` on the loop when all is handed to the
    /// channel, with the future of its being sent.
    func finish(_ part: Part, finished: @escaping @Sendable (EventLoopFuture<Void>) -> Void) {
        let mustSchedule = state.withLock { state in
            if state.isClosed { return false }
            state.parts.append(part)
            state.isClosed = true
            state.finished = finished
            defer { state.isFlushScheduled = true }
            return !state.isFlushScheduled
        }
        if mustSchedule { channel.eventLoop.execute { self.flush() } }
    }

    /// Takes nothing more, and sends nothing of what waits.
    func close() { state.withLock { $0 = State(isClosed: true) } }

    private func flush() {
        let (parts, bytes, finished) = state.withLock { state in
            defer {
                state.parts = []
                state.bytesInParts = 0
                state.isFlushScheduled = false
                state.finished = nil
            }
            return (state.parts, state.bytesInParts, state.finished)
        }
        guard let last = parts.last else { return }
        for part in parts.dropLast() { channel.write(part, promise: nil) }
        let sent = channel.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenSuccess { [self] in
            state.withLock { if !$0.isClosed { $0.bytesUnsent -= bytes } }
        }
        channel.writeAndFlush(last, promise: sent)
        finished?(sent.futureResult)
    }
}
