import Model
import Testing

@testable import MasterCore

/// A scheduler's stream and the calls that go with it.
struct FakeScheduler {
    let cluster: Cluster
    let stream: StreamID
    let uuid: String

    var events: [SchedulerEvent] { cluster.events[stream] ?? [] }

    var isClosed: Bool { cluster.closedStreams.contains(stream) }

    var id: FrameworkID {
        get throws {
            try #require(
                events.compactMap { event in
                    if case .subscribed(let id, _) = event { return id }
                    return nil
                }.first)
        }
    }

    var offers: [Offer] {
        let rescinded = Set(
            events.compactMap { event in
                if case .rescind(let id) = event { return id }
                return nil
            })
        return events.flatMap { event in
            if case .offers(let messages) = event { return messages.map(\.offer) }
            return []
        }.filter { !rescinded.contains($0.id) && cluster.master.offers[$0.id] != nil }
    }

    var offer: Offer {
        get throws { try #require(offers.last) }
    }

    var updates: [StatusUpdate] {
        events.compactMap { event in
            if case .update(let update, _) = event { return update }
            return nil
        }
    }

    var statuses: [OperationStatus] {
        events.compactMap { event in
            if case .updateOperationStatus(let status) = event { return status }
            return nil
        }
    }

    @discardableResult
    func call(_ call: SchedulerCall) throws -> Answer? {
        let request = RequestID(cluster.number())
        cluster.handle(.schedulerCalled(request, try id, call, stream: uuid))
        cluster.settle()
        return cluster.answers[request]
    }

    @discardableResult
    func accept(
        _ operations: [OfferOperation], refuseSeconds: Double? = 0
    ) throws -> Answer? {
        try call(
            .accept(
                offers: [try offer.id], operations: operations, refuseSeconds: refuseSeconds))
    }

    /// Acknowledges every update that was ever received.
    func acknowledgeAll() throws {
        for update in updates {
            guard let uuid = update.uuid, let agent = update.agent else { continue }
            try call(.acknowledge(agent: agent, task: update.task, uuid: uuid))
        }
    }

    func close() { cluster.handle(.streamClosed(stream)) }
}
