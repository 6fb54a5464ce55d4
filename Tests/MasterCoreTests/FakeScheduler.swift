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
        // A re-offer of what was declined for no time may wait for its turn.
        if offers.isEmpty { cluster.pass(seconds: 0.05) }
        return try call(
            .accept(
                offers: [try offer.id], operations: operations, refuseSeconds: refuseSeconds))
    }

    /// Accepts all that it is offered of the one agent that there is.
    @discardableResult
    func acceptAll(_ operations: [OfferOperation]) throws -> Answer? {
        cluster.pass(seconds: 0.1)
        return try call(
            .accept(offers: offers.map(\.id), operations: operations, refuseSeconds: 0))
    }

    /// The sum of its offers, without their allocation, after a time in which all is offered again
    /// that was refused for none.
    func offered() -> Resources {
        cluster.pass(seconds: 0.1)
        return offers.reduce(into: Resources()) { $0.add($1.resources) }.allocated(to: nil)
    }

    /// One of its tasks ends.
    func end(_ task: String, on agent: FakeAgent, _ state: TaskState = .finished) throws {
        let key = TaskKey(try id, TaskID(task))
        for message in agent.end(key, state) { cluster.say(agent, message) }
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
