import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// Leases of reservations: some RESERVEs have one, frameworks and the operator renew them, and none
// may end before the time that somebody was told, or take along what stands on it.

/// A renewal that the master has not answered.
struct Renewal {
    let renewal: LeaseRenewal
    /// When the master got it.
    let time: Instant
}

extension Simulation {
    /// A RESERVE with a lease, as some are, on a reservation of its own; now and then on that which
    /// others make without one, or without one on theirs.
    mutating func leased(_ kind: OfferOperation.Kind) -> (OfferOperation.Kind, Int64?) {
        guard case .reserve(let resources, let source) = kind, source.isEmpty, chance.oneIn(3)
        else { return (kind, nil) }
        count(.reserveLeased)
        let labels = Labels([Labels.Label("leased", nil)])
        let own = resources.map { resource in
            resource.with(
                reservations: resource.reservations.map {
                    Reservation($0.kind, role: $0.role, principal: $0.principal, labels: labels)
                })
        }
        let milliseconds = 1_000 + Int64(chance.below(8_000))
        if chance.oneIn(12) { return (.reserve(own, source: []), nil) }
        return (.reserve(chance.oneIn(12) ? resources : own, source: []), milliseconds)
    }

    mutating func renewLeases(_ index: Int) {
        let role = schedulers[index].role
        guard chance.oneIn(2) else {
            return call(index, .renewLeases(LeaseRenewal(role: role, .renew)))
        }
        let own = registry.leasedReservations.filter {
            registry.reservation($0)?.stack.last?.role == role
        }
        guard !own.isEmpty else { return }
        call(
            index,
            .renewLeases(LeaseRenewal(reservations: [own[chance.below(own.count)]], .renew)))
    }

    mutating func operatorLease() {
        let rows = registry.agentRows.flatMap { registry.reservations(of: $0.id) }
        guard !rows.isEmpty else { return }
        let row = rows[chance.below(rows.count)]
        let change: LeaseRenewal.Change
        switch chance.below(6) {
        case 0: change = .remove
        case 1..<4: change = .renew
        case _: change = .set(milliseconds: 1_000 + Int64(chance.below(8_000)))
        }
        count(.operatorLease)
        let renewal = LeaseRenewal(reservations: [row.uuid], change)
        let request = RequestID(number())
        expectAnswer(request, to: renewal)
        tell(.operatorCalled(request, .renewLeases(renewal), principal: nil))
    }

    mutating func expectAnswer(_ request: RequestID, to renewal: LeaseRenewal) {
        renewals[request] = Renewal(renewal: renewal, time: now)
    }

    /// What was renewed lasts from the call on.
    mutating func renewed(_ call: Renewal, _ answer: Answer) {
        switch answer {
        case .refused, .acceptedPending, .transacted: return
        case .accepted, .done: break
        }
        for uuid in call.renewal.reservations {
            guard let row = registry.reservation(uuid) else {
                violate("reservation \(uuid) is no more, and its lease was renewed")
                continue
            }
            let length: Int64?
            switch call.renewal.change {
            case .renew: length = row.lease?.milliseconds
            case .set(let milliseconds): length = milliseconds
            case .remove: length = nil
            }
            guard row.lease?.milliseconds == length else {
                violate("the lease of \(uuid) is not what was answered")
                continue
            }
            promisedLeases[uuid] =
                length.map { call.time + .milliseconds($0) } ?? Instant(nanoseconds: .max)
        }
    }

    /// Another length is another promise, also where nobody lived to tell it.
    mutating func noteLease(of row: ReservationRow) {
        let old = registry.reservation(row.uuid)?.lease
        guard old?.milliseconds != row.lease?.milliseconds else { return }
        promisedLeases[row.uuid] = row.lease.map {
            Instant(nanoseconds: $0.renewedNanoseconds) + .milliseconds($0.milliseconds)
        }
    }

    /// An UNRESERVE that ends a lease: it had run out, and nothing stood on it.
    mutating func checkEndOfLease(_ operation: AgentOperation, on index: Int) {
        guard operation.type == .unreserve, operation.leaseMilliseconds != nil,
            let id = agents[index].agent.state.id
        else { return }
        count(.leaseEnded)
        let name = "the end of the lease by \(operation.uuid)"
        if operation.conversion.consumed.contains(where: \.isPersistentVolume) {
            violate("\(name) takes a volume")
        }
        let stacks = Set(operation.conversion.consumed.map(\.reservations))
        for stack in stacks {
            let row = registry.reservations(of: id).first { $0.stack == stack }
            guard let row else { continue }
            guard let lease = row.lease else {
                violate("\(name) is of a reservation without a lease")
                continue
            }
            let end =
                Instant(nanoseconds: lease.renewedNanoseconds)
                + .milliseconds(lease.milliseconds)
            if end > now || promisedLeases[row.uuid, default: now] > now {
                violate("\(name) comes early")
            }
        }
        for key in agents[index].agent.state.tasks.keys.sorted() {
            guard let entry = agents[index].agent.state.tasks[key], entry.isHolding else {
                continue
            }
            if entry.row.task.resources.contains(where: { stacks.contains($0.reservations) }) {
                violate("\(name) takes what task \(key.task) uses")
            }
        }
    }

    /// Leases that have run out long ago, on agents that are there, with nothing standing on them.
    func overdueLeases() -> [String] {
        registry.leasedReservations.compactMap { uuid -> String? in
            guard let row = registry.reservation(uuid), let lease = row.lease,
                let agent = master.agents[row.agent], agent.isConnected,
                let view = master.leaseView(of: row, at: now), view.left == .zero,
                view.end + .milliseconds(65_000) < now
            else { return nil }
            let stands = agent.total.contains { resource in
                let stack = resource.reservations
                return stack.starts(with: row.stack)
                    && (stack.count > row.stack.count || resource.isPersistentVolume)
            }
            let isUsed = agent.tasks.contains { key in
                master.framework(key.framework)?.tasks[key.task]?.booked
                    .contains { $0.reservations.starts(with: row.stack) } ?? false
            }
            guard !stands, !isUsed else { return nil }
            return "the lease of \(lease.milliseconds) ms of reservation \(uuid)"
        }
    }
}
