import MasterCore
import MesosAPI
import Net
import OrderedCollections
import Synchronization
import Wire

/// The event streams of the operator API. Each begins with the master's state; the event that a
/// subscriber came by and the reading of that state are one for the machine, so that nothing is
/// told twice and nothing is missed. One that does not read is closed by its writer.
///
///     preparing: the state is written beside the core, events wait --> open
///       \--too much waits, or the master closes it--> answered with 503
final class SubscriberStreams: Sendable {
    private struct Stream {
        let type: MediaType
        let wish: Inventories
        var phase = Phase.preparing([], bytes: 0)
    }

    private enum Phase {
        /// Events that follow the state, and how many bytes they are.
        case preparing([[UInt8]], bytes: Int)
        case open(StreamWriter)
    }

    private struct State {
        var next: UInt64 = 1
        var streams: OrderedDictionary<SubscriberID, Stream> = [:]
    }

    /// What may wait for one state to be written.
    private static let waitingBytesAtMost = 64 << 20

    private let views: MasterViews
    private let state = Mutex(State())
    private let threads = BlockingThreads("subscribers", limit: 2)

    init(views: MasterViews) { self.views = views }

    /// Answers a SUBSCRIBE.
    func open(
        _ call: Mesos_V1_Master_Call.Subscribe, _ type: MediaType, _ responder: HTTPResponder,
        on host: MachineHost<Master>
    ) {
        var wish: Inventories = []
        if call.volumes { wish.insert(.volumes) }
        if call.reservations { wish.insert(.reservations) }
        if call.usageAlarms { wish.insert(.usageAlarms) }
        let id = state.withLock { state in
            defer { state.next += 1 }
            return SubscriberID(state.next)
        }
        host.send(.operatorSubscribed(id, wish)) { [self, wish] master, now in
            guard master.isSubscribed(id) else { return { Self.refuse(responder) } }
            return { [self] in
                state.withLock { $0.streams[id] = Stream(type: type, wish: wish) }
                threads.run { [self] in
                    let first = type.encode(views.subscribed(master, wish, now))
                    begin(id, first, type, responder, on: host)
                }
            }
        }
    }

    private static func refuse(_ responder: HTTPResponder) {
        responder.answer(.text(503, "the master can't take subscribers now: try again\n"))
    }

    private func begin(
        _ id: SubscriberID, _ first: [UInt8], _ type: MediaType, _ responder: HTTPResponder,
        on host: MachineHost<Master>
    ) {
        guard let (waiting, bytes) = takeWaiting(id) else {
            host.send(.operatorUnsubscribed(id))
            return Self.refuse(responder)
        }
        let heartbeat = type.encode(views.message(.heartbeat))
        let head = RecordIO.encode(first) + RecordIO.encode(heartbeat)
        let writer = responder.stream(
            status: 200, headers: ["Content-Type": type.rawValue],
            firstBytes: head.count + bytes)
        writer.write(head)
        var records = waiting
        while true {
            for record in records { writer.write(record) }
            let next = open(id, writer)
            if next.isEmpty { break }
            records = next
        }
        writer.onClose { [self] in
            state.withLock { state in _ = state.streams.removeValue(forKey: id) }
            host.send(.operatorUnsubscribed(id))
        }
    }

    /// Nil: the stream was given up.
    private func takeWaiting(_ id: SubscriberID) -> ([[UInt8]], bytes: Int)? {
        state.withLock { state in
            guard case .preparing(let waiting, let bytes)? = state.streams[id]?.phase else {
                return nil
            }
            state.streams[id]?.phase = .preparing([], bytes: 0)
            return (waiting, bytes)
        }
    }

    /// Has events go straight to the writer from now on, unless some wait, which are returned.
    private func open(_ id: SubscriberID, _ writer: StreamWriter) -> [[UInt8]] {
        let (next, isGivenUp) = state.withLock { state -> ([[UInt8]], Bool) in
            guard case .preparing(let waiting, _)? = state.streams[id]?.phase else {
                return ([], true)
            }
            state.streams[id]?.phase =
                waiting.isEmpty ? .open(writer) : .preparing([], bytes: 0)
            return (waiting, false)
        }
        if isGivenUp { writer.finish() }
        return next
    }

    /// Tells all who want such an event; it is written once for each media type.
    func publish(_ event: OperatorEvent) {
        let wanted = state.withLock { state in
            state.streams.filter { $0.value.wish.isSuperset(of: event.inventory) }
                .map { ($0.key, $0.value.type) }
        }
        guard !wanted.isEmpty else { return }
        let message = views.message(event)
        for type in MediaType.allCases {
            let ids = wanted.filter { $0.1 == type }.map(\.0)
            guard !ids.isEmpty else { continue }
            let record = RecordIO.encode(type.encode(message))
            for id in ids { tell(id, record) }
        }
    }

    private func tell(_ id: SubscriberID, _ record: [UInt8]) {
        // A writer that closes calls back: never under the lock.
        let writer = state.withLock { state -> StreamWriter? in
            switch state.streams[id]?.phase {
            case .open(let writer): return writer
            case .preparing(var waiting, let bytes):
                guard bytes + record.count <= Self.waitingBytesAtMost else {
                    state.streams[id] = nil
                    return nil
                }
                // So that the list is not copied.
                state.streams[id]?.phase = .preparing([], bytes: 0)
                waiting.append(record)
                state.streams[id]?.phase = .preparing(waiting, bytes: bytes + record.count)
                return nil
            case nil: return nil
            }
        }
        writer?.write(record)
    }

    func close(_ id: SubscriberID) {
        guard let stream = state.withLock({ $0.streams.removeValue(forKey: id) }) else { return }
        switch stream.phase {
        case .open(let writer): writer.finish()
        // It is told when its state is written.
        case .preparing: break
        }
    }
}
