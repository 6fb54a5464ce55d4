import Net
import SwiftProtobuf
import Synchronization
import Wire

/// Open event streams of the HTTP API, each in its media type, one RecordIO record an event.
final class EventStreams: Sendable {
    private struct Stream {
        let writer: StreamWriter
        let type: MediaType
    }

    private struct State {
        var next: UInt64 = 1
        var streams: [UInt64: Stream] = [:]
    }

    private let state = Mutex(State())

    /// Gives a stream its number.
    func open(_ writer: StreamWriter, _ type: MediaType) -> UInt64 {
        state.withLock { state in
            defer { state.next += 1 }
            state.streams[state.next] = Stream(writer: writer, type: type)
            return state.next
        }
    }

    func forget(_ number: UInt64) {
        state.withLock { state in _ = state.streams.removeValue(forKey: number) }
    }

    /// Sends one event; a stream that is gone is left alone, one that does not read is closed by
    /// its writer.
    func send(_ number: UInt64, _ message: some Message) {
        guard let stream = state.withLock({ $0.streams[number] }) else { return }
        stream.writer.write(RecordIO.encode(stream.type.encode(message)))
    }

    /// Ends a stream after what was sent.
    func close(_ number: UInt64) {
        state.withLock { $0.streams.removeValue(forKey: number) }?.writer.finish()
    }
}
