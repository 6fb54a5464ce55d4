import MasterCore
import MesosAPI
import Net
import OrderedCollections
import Synchronization
import Wire

/// The event streams of the operator API. Each begins with the master's state; the event that a
/// subscriber came by and the reading of that state are one for the machine, so that nothing is
/// told twice and nothing is missed. One that does not read is closed by its writer.
final class SubscriberStreams: Sendable {
    private struct Stream {
        let writer: StreamWriter
        let type: MediaType
        let wish: Inventories
    }

    private struct State {
        var next: UInt64 = 1
        var streams: OrderedDictionary<SubscriberID, Stream> = [:]
    }

    private let views: MasterViews
    private let state = Mutex(State())

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
        host.send(.operatorSubscribed(id, wish)) { [views, wish] master, now in
            guard master.isSubscribed(id) else {
                return {
                    responder.answer(
                        .text(503, "the master can't take subscribers now: try again\n"))
                }
            }
            let first = views.subscribed(master, wish, now)
            return { [self] in begin(id, first, type, wish, responder, on: host) }
        }
    }

    private func begin(
        _ id: SubscriberID, _ first: Mesos_V1_Master_Event, _ type: MediaType,
        _ wish: Inventories, _ responder: HTTPResponder, on host: MachineHost<Master>
    ) {
        let heartbeat = views.message(.heartbeat)
        let bytes =
            RecordIO.encode(type.encode(first)) + RecordIO.encode(type.encode(heartbeat))
        let writer = responder.stream(
            status: 200, headers: ["Content-Type": type.rawValue], firstBytes: bytes.count)
        state.withLock { state in
            state.streams[id] = Stream(writer: writer, type: type, wish: wish)
        }
        writer.write(bytes)
        writer.onClose { [self] in
            state.withLock { state in _ = state.streams.removeValue(forKey: id) }
            host.send(.operatorUnsubscribed(id))
        }
    }

    /// Tells all who want such an event; it is written once for each media type.
    func publish(_ event: OperatorEvent) {
        let streams = state.withLock { state in
            state.streams.values.filter { $0.wish.isSuperset(of: event.inventory) }
        }
        guard !streams.isEmpty else { return }
        let message = views.message(event)
        for type in MediaType.allCases {
            let readers = streams.filter { $0.type == type }
            guard !readers.isEmpty else { continue }
            let record = RecordIO.encode(type.encode(message))
            for stream in readers { stream.writer.write(record) }
        }
    }

    func close(_ id: SubscriberID) {
        state.withLock { $0.streams.removeValue(forKey: id) }?.writer.finish()
    }
}
