import MachineCore
import Model
import OrderedCollections

// RENEW_LEASE of frameworks and operators: all that it names, or nothing.

extension Master {
    mutating func renewLeases(_ renewal: LeaseRenewal, by id: FrameworkID) throws(Refusal) {
        let roles = Set(frameworks[id]?.description.roles ?? [])
        if let role = renewal.role, !roles.contains(role) {
            throw Refusal(
                .forbidden, "role '\(role)' is none of the framework's: it renews leases of its own"
            )
        }
        let rows = try rows(of: renewal)
        for row in rows {
            guard let role = row.stack.last?.role, roles.contains(role) else {
                throw Refusal(
                    .forbidden, "reservation \(row.uuid) is for none of the framework's roles")
            }
        }
        change(rows, .renew)
    }

    mutating func renewLeases(_ renewal: LeaseRenewal, principal: String?) throws(Refusal) {
        let rows = try rows(of: renewal)
        if let role = renewal.role, rows.isEmpty {
            throw Refusal(.notFound, "role '\(role)' has no reservation with a lease")
        }
        if case .set(let milliseconds) = renewal.change {
            try Lease.validate(milliseconds: milliseconds)
        }
        change(rows, renewal.change)
        auditLeases(of: rows, renewal.change, principal: principal)
    }

    /// RESERVE with a lease: nothing that is to last is given an end by it.
    func checkLease(
        _ milliseconds: Int64?, of kind: OfferOperation.Kind, on agent: AgentID
    ) throws(Refusal) {
        guard let milliseconds else { return }
        guard case .reserve(let resources, _) = kind else {
            throw Refusal(.invalid, "only a RESERVE has a lease")
        }
        try Lease.validate(milliseconds: milliseconds)
        for resource in resources {
            let stack = resource.reservations
            guard let row = ledger.reservation(on: agent, stack), row.lease == nil else { continue }
            throw Refusal(
                .conflict,
                "the agent has reservation \(row.uuid) with the same role, principal and labels"
                    + " and without a lease: give it one by RENEW_LEASE, or reserve with other"
                    + " labels")
        }
    }

    private func rows(of renewal: LeaseRenewal) throws(Refusal) -> [ReservationRow] {
        guard renewal.reservations.isEmpty != (renewal.role == nil) else {
            throw Refusal(.invalid, "RENEW_LEASE names reservations or a role, and not both")
        }
        try checkCount(
            renewal.reservations.count, options.limits.operationsPerCall, "reservations")
        if let role = renewal.role {
            return ledger.leasedReservations.compactMap { ledger.reservation($0) }
                .filter { $0.stack.last?.role == role && !isGivenBack($0) }
        }
        var rows: [ReservationRow] = []
        var seen: Set<ReservationUUID> = []
        for uuid in renewal.reservations where seen.insert(uuid).inserted {
            guard let row = ledger.reservation(uuid) else {
                throw Refusal(.notFound, "there is no reservation '\(uuid)', or no more")
            }
            try check(row, for: renewal.change)
            rows.append(row)
        }
        return rows
    }

    private func check(
        _ row: ReservationRow, for change: LeaseRenewal.Change
    ) throws(Refusal) {
        switch change {
        case .renew, .remove:
            guard row.lease != nil else {
                throw Refusal(
                    .conflict, "reservation \(row.uuid) has no lease: it lasts until given back")
            }
        case .set:
            guard row.stack.last?.kind == .dynamic else {
                throw Refusal(
                    .invalid,
                    "reservation \(row.uuid) is STATIC, from its agent's options: no lease ends it")
            }
        }
        guard !isGivenBack(row) else {
            throw Refusal(
                .conflict, "the lease of reservation \(row.uuid) ran out: it is being given back")
        }
    }

    /// Whether its agent has been told to give it back.
    private func isGivenBack(_ row: ReservationRow) -> Bool {
        ledger.pending(row.agent).contains { pending in
            pending.operation.type == .unreserve && pending.operation.leaseMilliseconds != nil
                && pending.operation.conversion.consumed.contains { $0.reservations == row.stack }
        }
    }

    private mutating func change(_ rows: [ReservationRow], _ change: LeaseRenewal.Change) {
        for row in rows {
            switch change {
            case .renew:
                guard let milliseconds = row.lease?.milliseconds else { continue }
                setLease(lease(milliseconds), of: row)
            case .set(let milliseconds): setLease(lease(milliseconds), of: row)
            case .remove: setLease(nil, of: row)
            }
        }
    }

    private mutating func auditLeases(
        of rows: [ReservationRow], _ change: LeaseRenewal.Change, principal: String?
    ) {
        for row in rows {
            var entry = AuditEntry(
                nanoseconds: now.nanoseconds, action: .renewLease, outcome: .finished)
            entry.principal = principal
            entry.framework = nil
            entry.agent = row.agent
            entry.converted = Array(
                ledger.confirmed(row.agent).filter { $0.reservations == row.stack }.prefix(16))
            switch change {
            case .renew: entry.message = "\(row.uuid): renewed"
            case .set(let milliseconds):
                entry.message = "\(row.uuid): lease of \(Lease.text(milliseconds))"
            case .remove: entry.message = "\(row.uuid): no lease any more"
            }
            audit(entry)
        }
    }
}
