import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// Offers: made of what the allocator gives, and gone by an answer, a rescission or a timeout.

extension Master {
    /// Offers whatever the allocator has to give by now.
    mutating func allocate() {
        var messages: OrderedDictionary<FrameworkID, [OfferMessage]> = [:]
        for allocation in allocator.allocate(at: now) {
            guard let message = offer(allocation) else {
                allocator.recover(
                    allocation.framework, agent: allocation.agent,
                    resources: allocation.resources,
                    filter: .milliseconds(options.defaultRefuseMilliseconds), from: .unsent,
                    at: now)
                continue
            }
            messages[allocation.framework, default: []].append(message)
        }
        for (framework, messages) in messages {
            guard let stream = frameworks[framework]?.stream else { continue }
            emit(.sendEvent(stream, .offers(messages)))
        }
    }

    /// Whether a framework can take an offer now, `more` others coming before it.
    func canOffer(_ framework: MasterFramework, after more: Int = 0) -> Bool {
        framework.isConnected
            && framework.offers.count + more < options.limits.offersPerFramework
    }

    /// Nil: the framework can't take it now.
    private mutating func offer(_ allocation: Allocation) -> OfferMessage? {
        guard let framework = frameworks[allocation.framework], canOffer(framework),
            let row = ledger.agents[allocation.agent],
            agents[allocation.agent]?.isConnected == true
        else { return nil }
        let offer = Offer(
            id: OfferID("\(clusterID)-O\(nextOffer)"), framework: allocation.framework,
            role: allocation.role, agent: allocation.agent, resources: allocation.resources,
            createdNanoseconds: now.nanoseconds)
        nextOffer += 1
        touch(allocation.agent)
        offers[offer.id] = offer
        frameworks[offer.framework]?.offers.insert(offer.id)
        agents[offer.agent]?.offers.insert(offer.id)
        if let timeout = options.offerTimeoutMilliseconds {
            timers.add(.offer(offer.id), at: now + .milliseconds(timeout))
        }
        return OfferMessage(
            offer: offer, agent: row.description,
            executors: framework.executors(on: offer.agent))
    }

    /// Forgets an offer without giving its resources back: the caller has them now.
    mutating func takeOffer(_ id: OfferID) -> Offer? {
        guard let offer = offers.removeValue(forKey: id) else { return nil }
        touch(offer.agent)
        frameworks[offer.framework]?.offers.remove(id)
        agents[offer.agent]?.offers.remove(id)
        return offer
    }

    /// Ends an offer; its resources are free again, for its framework after the filter only.
    mutating func removeOffer(_ id: OfferID, isRescinded: Bool, filter: Span? = nil) {
        guard let offer = takeOffer(id) else { return }
        if isRescinded, let stream = frameworks[offer.framework]?.stream {
            emit(.sendEvent(stream, .rescind(id)))
        }
        allocator.recover(
            offer.framework, agent: offer.agent, resources: offer.resources, filter: filter,
            from: isRescinded ? .rescind : .decline, at: now)
    }

    mutating func rescindOffers(of agent: AgentID) {
        for offer in (agents[agent]?.offers ?? []).sorted() {
            removeOffer(offer, isRescinded: true)
        }
    }

    mutating func decline(_ framework: FrameworkID, _ id: OfferID, filter: Span) {
        guard offers[id]?.framework == framework else {
            emit(.drop(.offerInvalid, "offer \(id) declined by \(framework)"))
            return
        }
        removeOffer(id, isRescinded: false, filter: filter)
    }

    /// Whether these offers can be accepted together. Throws `invalid` in Mesos's words.
    func checkOffers(_ ids: [OfferID], of framework: FrameworkID) throws(Refusal) -> Offer {
        var first: Offer?
        var seen: Set<OfferID> = []
        for id in ids {
            guard seen.insert(id).inserted else {
                throw Refusal(.invalid, "Duplicate offer \(id) in offer list")
            }
            guard let offer = offers[id] else {
                throw Refusal(.invalid, "Offer \(id) is no longer valid")
            }
            guard offer.framework == framework else {
                throw Refusal(
                    .invalid,
                    "Offer \(id) has invalid framework \(offer.framework) while framework"
                        + " \(framework) is expected")
            }
            let one = first ?? offer
            guard offer.agent == one.agent else {
                throw Refusal(
                    .invalid,
                    "Aggregated offers must belong to one single agent. Offer \(id) uses agent"
                        + " \(offer.agent) and agent \(one.agent)")
            }
            guard offer.role == one.role else {
                throw Refusal(
                    .invalid,
                    "Aggregated offers must be allocated to the same role. Offer \(id) uses role"
                        + " \(offer.role) but another is using role \(one.role)")
            }
            first = one
        }
        guard let first else { throw Refusal(.invalid, "No offers specified") }
        return first
    }
}
