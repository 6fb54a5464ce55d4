import AllocatorCore
package import MachineCore
package import Model
import OrderedCollections

// What would come of a call: a copy of the master is given the very event, and thrown away. No
// action of it is ever performed, and this master does not change.

extension Master {
    /// How far ahead the next offers are looked for.
    private static let horizon = Span.milliseconds(60_000)
    private static let passesAhead = 64

    package func whatIf(
        _ call: OperatorCall, on agent: AgentID, principal: String?, at now: Instant
    ) -> Prediction {
        var copy = self
        var outbox = Outbox<Action>()
        // What is due by now comes without the call.
        copy.handle(.ticked, at: now, into: &outbox)
        _ = outbox.drain()
        let before = copy
        let request = RequestID(.max)
        copy.handle(
            .operatorCalled(request, call, principal: principal), at: now, into: &outbox)
        var prediction = Prediction()
        for case .answer(request, let answer) in outbox.drain() {
            switch answer {
            case .refused(let refusal): prediction.refusal = refusal
            case .accepted, .acceptedPending, .done, .transacted: prediction.isImmediate = true
            }
        }
        prediction.rescinded = before.offers.keys.sorted()
            .filter { copy.offers[$0] == nil }.compactMap { before.offers[$0] }
        prediction.nextOffers = copy.offers.keys.sorted()
            .filter { before.offers[$0] == nil }.compactMap { copy.offers[$0] }
            .map { Prediction.NextOffer($0) }
        guard prediction.refusal == nil else { return prediction }
        prediction.isAgentConnected = copy.agents[agent]?.isConnected == true
        // The call's own operation is the last one, if it has one.
        let row = copy.ledger.pending(agent).last
        if let row, before.ledger.operation(row.operation.uuid) == nil {
            prediction.conversion = row.operation.conversion
        }
        prediction.total = copy.agents[agent]?.total ?? Resources()
        prediction.idle = copy.allocator.available(agent)
        prediction.nextOffers += copy.laterOffers(of: agent, at: now)
        return prediction
    }

    /// The first offers of an agent's rest that ending filters would lead to.
    private func laterOffers(of agent: AgentID, at now: Instant) -> [Prediction.NextOffer] {
        var allocator = allocator
        for _ in 0..<Self.passesAhead {
            guard !allocator.available(agent).isEmpty, let due = allocator.deadline,
                due <= now + Self.horizon
            else { return [] }
            let found = allocator.allocate(at: due).filter { $0.agent == agent }
            guard found.isEmpty else {
                return found.map { Prediction.NextOffer($0, after: due - now) }
            }
        }
        return []
    }
}

extension Prediction.NextOffer {
    fileprivate init(_ offer: Offer) {
        self.init(
            framework: offer.framework, role: offer.role, agent: offer.agent,
            resources: offer.resources.allocated(to: nil), afterNanoseconds: 0)
    }

    fileprivate init(_ allocation: Allocation, after span: Span) {
        self.init(
            framework: allocation.framework, role: allocation.role, agent: allocation.agent,
            resources: allocation.resources.allocated(to: nil),
            afterNanoseconds: span.nanoseconds)
    }
}
