import MachineCore
import Model
import OrderedCollections

extension Master {
    /// Whatever is due, in order. An entry whose time no longer counts is stale.
    /// Those with long times would pile up where what they wait for ends early.
    private func counts(_ timer: Timer, _ due: Instant) -> Bool {
        switch timer {
        case .failover(let framework): frameworks[framework]?.failoverDue == due
        case .lease(let reservation): leaseTimers[reservation] == due
        case .feedback(let framework, let operation):
            frameworks[framework]?.operations[operation]?.retryDue == due
        case .offer(let offer): offers[offer] != nil
        case .operation(let uuid): waiting[uuid] != nil
        case .heartbeat, .ending, .ping, .transaction, .reregistration, .leaseReview,
            .subscribersHeartbeat, .collection:
            true
        }
    }

    mutating func runTimers() {
        if timers.isLarge {
            let known = self
            timers.prune { known.counts($0, $1) }
        }
        while let (timer, due) = timers.pop(until: now) {
            switch timer {
            case .heartbeat(let framework, let stream):
                heartbeat(framework, stream)
            case .failover(let framework):
                guard frameworks[framework]?.failoverDue == due else { continue }
                removeFramework(framework)
            case .ending(let framework):
                endingDue(framework)
            case .ping(let agent):
                guard agents[agent]?.pingDue == due else { continue }
                pingDue(agent)
            case .operation(let uuid):
                guard let request = waiting.removeValue(forKey: uuid) else { continue }
                if let row = ledger.operation(uuid) { keep(row) }
                emit(.answer(request, .acceptedPending(uuid)))
            case .transaction(let uuid, let request):
                leaveTransaction(uuid, request)
            case .feedback(let framework, let operation):
                guard frameworks[framework]?.operations[operation]?.retryDue == due else {
                    continue
                }
                tellEndAgain(operation, to: framework)
            case .offer(let offer):
                guard offers[offer] != nil else { continue }
                removeOffer(offer, isRescinded: true)
            case .lease(let reservation): leaseDue(reservation, at: due)
            case .leaseReview(let agent):
                reviews.remove(agent)
                reviewOverdue(on: agent)
            case .subscribersHeartbeat:
                guard subscribersHeartbeatDue == due else { continue }
                heartbeatSubscribers()
            case .collection:
                guard collectionDue == due else { continue }
                collect()
            case .reregistration:
                guard reregistrationDue == due else { continue }
                reregistrationDue = nil
                for agent in agents.values where !agent.isRegistered {
                    loseAgent(
                        agent.id, because: "the agent did not return after the master's restart")
                }
            }
        }
    }

    private mutating func heartbeat(_ framework: FrameworkID, _ stream: StreamID) {
        guard frameworks[framework]?.stream == stream else { return }
        emit(.sendEvent(stream, .heartbeat))
        timers.add(
            .heartbeat(framework, stream), at: now + .milliseconds(options.heartbeatMilliseconds))
    }
}
