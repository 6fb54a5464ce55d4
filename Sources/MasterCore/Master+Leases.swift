package import MachineCore
package import Model
import OrderedCollections

// Leases of reservations. One that has run out is given back by an UNRESERVE of the master's own,
// which is checked, stored, sent and audited as any other.
//
//     no lease <--set, remove--> running --ran out--> overdue --nothing stands on it--> UNRESERVE
//                                   ^------renew--------/
//
// What a task uses, a persistent volume, a reservation refined from it and a pending operation
// stand on a reservation: while any of them does, all of it stays. An agent that is away gives
// back when it is here again. The time that ends a lease is in its row; after a start of the
// master each has some time left in which its framework can come back and renew it.

extension Master {
    /// How long an UNRESERVE of this kind that failed is left alone.
    private static let pauseAfterAttempt = Span.milliseconds(60_000)
    /// What stands on a busy agent's overdue reservations is looked through at most so often.
    private static let pauseBetweenReviews = Span.milliseconds(1_000)

    /// When a lease ends: by its row and the time that frameworks have after a master's start.
    func end(of lease: Lease) -> Instant {
        let span = Span.milliseconds(lease.milliseconds)
        let stated = Instant(nanoseconds: lease.renewedNanoseconds) + span
        guard lease.renewedNanoseconds < startedAt.nanoseconds else { return stated }
        let grace = Span.milliseconds(options.agentReregisterTimeoutMilliseconds)
        return max(stated, startedAt + min(span, grace))
    }

    /// The wall clock may have been set back while no master ran: no lease is longer for it than
    /// from now on.
    mutating func recoverLeases() {
        for uuid in ledger.leasedReservations {
            guard var row = ledger.reservation(uuid), let lease = row.lease else { continue }
            if lease.renewedNanoseconds > now.nanoseconds {
                row.lease?.renewedNanoseconds = now.nanoseconds
                store(.reservationStored(row))
            }
            awaitEnd(of: uuid)
        }
    }

    /// Stores a reservation with another lease.
    mutating func setLease(_ lease: Lease?, of row: ReservationRow) {
        guard row.lease != lease else { return }
        var row = row
        row.lease = lease
        touch(row.agent)
        store(.reservationStored(row))
        if lease == nil, !ledger.holds(row.stack, on: row.agent) {
            store(.reservationRemoved(row.uuid))
        }
        awaitEnd(of: row.uuid)
    }

    func lease(_ milliseconds: Int64) -> Lease {
        Lease(milliseconds: milliseconds, renewedNanoseconds: now.nanoseconds)
    }

    func awaitsEnd(_ row: ReservationRow) -> Bool {
        row.lease.map { end(of: $0) > now } ?? true
    }

    mutating func awaitEnd(of uuid: ReservationUUID) {
        guard let lease = ledger.reservation(uuid)?.lease else { return }
        let due = end(of: lease)
        if let earlier = leaseTimers[uuid], earlier <= due { return }
        leaseTimers[uuid] = due
        timers.add(.lease(uuid), at: due)
    }

    /// A finished RESERVE on reservations that were there before: with a lease it renews theirs,
    /// without one it takes it off, so that nothing ends before its maker thinks. One that has
    /// none keeps none.
    mutating func followLeases(of operation: AgentOperation, on agent: AgentID) {
        guard operation.type == .reserve else { return }
        for stack in operation.reservedStacks {
            guard let row = ledger.reservation(on: agent, stack), let old = row.lease else {
                continue
            }
            let new = operation.leaseMilliseconds.map { lease($0) }
            if let new, end(of: new) < end(of: old) { continue }
            setLease(new, of: row)
        }
    }

    /// RESERVEs that an earlier master gave out and did not live to store. Their leases begin now.
    mutating func followLeases(ofUnheard rows: [OperationRow], listed: Set<[Reservation]>) {
        for row in rows where row.operation.type == .reserve {
            guard let milliseconds = row.operation.leaseMilliseconds else { continue }
            for stack in row.operation.reservedStacks where !listed.contains(stack) {
                guard let reservation = ledger.reservation(on: row.agent, stack) else { continue }
                setLease(lease(milliseconds), of: reservation)
            }
        }
    }

    /// The stacks among an agent's reservations, as the registry has them.
    func listedStacks(of agent: AgentID) -> Set<[Reservation]> {
        Set(ledger.reservations(of: agent).map(\.stack))
    }

    // MARK: the end

    mutating func leaseDue(_ uuid: ReservationUUID, at due: Instant) {
        guard leaseTimers[uuid] == due else { return }
        leaseTimers[uuid] = nil
        guard let row = ledger.reservation(uuid) else { return }
        guard !awaitsEnd(row) else { return awaitEnd(of: uuid) }
        overdue[row.agent, default: [:]][uuid] = now
        reviewOverdue(on: row.agent)
    }

    /// Looks again at the overdue reservations of the agents that the event concerned, soon.
    mutating func scheduleReviews() {
        guard !overdue.isEmpty else { return }
        for agent in touchedAgents.sorted() where overdue[agent] != nil {
            guard !reviews.contains(agent) else { continue }
            reviews.insert(agent)
            timers.add(.leaseReview(agent), at: now + Self.pauseBetweenReviews)
        }
    }

    mutating func reviewOverdue(on id: AgentID) {
        guard let rows = overdue[id] else { return }
        var rest: OrderedDictionary<ReservationUUID, Instant> = [:]
        let standing = agents[id]?.isConnected == true ? standingStacks(on: id) : nil
        for (uuid, earliest) in rows {
            guard let row = ledger.reservation(uuid), row.agent == id, !awaitsEnd(row) else {
                continue
            }
            rest[uuid] = earliest
            guard let standing, agents[id]?.isRegistered == true, earliest <= now,
                !standing.contains(row.stack)
            else { continue }
            rest[uuid] = now + Self.pauseAfterAttempt
            timers.add(.leaseReview(id), at: now + Self.pauseAfterAttempt)
            giveBack(row)
        }
        overdue[id] = rest.isEmpty ? nil : rest
    }

    private mutating func giveBack(_ row: ReservationRow) {
        guard let lease = row.lease else { return }
        let pieces = (agents[row.agent]?.total ?? Resources())
            .filter { $0.reservations == row.stack }
        guard !pieces.isEmpty else { return }
        do throws(Refusal) {
            var plan = try plan(.unreserve(Array(pieces)), on: row.agent, principal: nil)
            plan.leaseMilliseconds = lease.milliseconds
            try free(plan, on: row.agent)
            issue(plan, to: row.agent)
        } catch {
            emit(
                .drop(
                    .operationInvalid,
                    "end of the lease of \(row.uuid) on \(row.agent): \(error.message)"))
        }
    }

    /// The stacks of reservations that must stay as they are.
    private func standingStacks(on id: AgentID) -> Set<[Reservation]> {
        guard let agent = agents[id] else { return [] }
        var found: Set<[Reservation]> = []
        func note(_ resource: Resource, _ isHeld: Bool) {
            let stack = resource.reservations
            guard !stack.isEmpty else { return }
            if isHeld || resource.isPersistentVolume { found.insert(stack) }
            for depth in 1..<stack.count { found.insert(Array(stack.prefix(depth))) }
        }
        for resource in agent.total { note(resource, false) }
        for booked in holdings(of: agent) { for resource in booked { note(resource, true) } }
        for row in ledger.pending(id) {
            for resource in row.operation.conversion.consumed { note(resource, true) }
            for resource in row.operation.conversion.converted { note(resource, true) }
        }
        return found
    }

    /// Nil: it has none.
    package func leaseView(of row: ReservationRow, at time: Instant) -> LeaseView? {
        row.lease.map { lease in
            let end = end(of: lease)
            return LeaseView(lease: lease, end: end, left: max(.zero, end - time))
        }
    }
}

/// A reservation's lease as listings show it.
package struct LeaseView: Equatable, Sendable {
    package let lease: Lease
    /// With the time after a start of the master.
    package let end: Instant
    /// Zero: it has run out.
    package let left: Span
}

extension AgentOperation {
    /// The stacks of what a RESERVE makes, each once.
    var reservedStacks: [[Reservation]] {
        var stacks: OrderedSet<[Reservation]> = []
        for resource in conversion.converted where !resource.reservations.isEmpty {
            stacks.append(resource.reservations)
        }
        return Array(stacks)
    }

    /// The lease of what it puts under a stack that had nothing before.
    func lease(of stack: [Reservation], at now: Instant) -> Lease? {
        guard type == .reserve, let leaseMilliseconds,
            conversion.converted.contains(where: { $0.reservations == stack })
        else { return nil }
        return Lease(milliseconds: leaseMilliseconds, renewedNanoseconds: now.nanoseconds)
    }

    /// What the audit trail says of its lease.
    var leaseText: String? {
        leaseMilliseconds.map { milliseconds in
            let text = "lease: \(Lease.text(milliseconds))"
            return type == .unreserve ? text + " have run out" : text
        }
    }
}
