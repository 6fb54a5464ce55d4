import MachineCore
package import Model
import OrderedCollections

// The inventory of reservations. One is all that an agent's confirmed books have under the same
// stack of reservations, from the first such resource to the last.

extension Master {
    /// Stores pieces of an agent's books, and the rows of the reservations that begin or end.
    mutating func storePieces(_ record: MasterRecord, by operation: AgentOperation? = nil) {
        store(record)
        guard case .piecesStored(let agent, let set, let removed) = record else { return }
        for piece in set where !piece.reservations.isEmpty {
            list(piece.reservations, on: agent, by: operation)
        }
        for piece in removed where !piece.reservations.isEmpty {
            unlist(piece.reservations, on: agent)
        }
        if let operation { followLeases(of: operation, on: agent) }
    }

    /// Forgets the reservations of a stack, and of those below it, that hold nothing any more. One
    /// with a lease stays while others are refined from it: they come back under it.
    private mutating func unlist(_ stack: [Reservation], on agent: AgentID) {
        for depth in stride(from: stack.count, to: 0, by: -1) {
            let stack = Array(stack.prefix(depth))
            guard !ledger.holds(stack, on: agent),
                let row = ledger.reservation(on: agent, stack),
                row.lease == nil || !ledger.isRefined(stack, on: agent)
            else { continue }
            store(.reservationRemoved(row.uuid))
            leaseTimers[row.uuid] = nil
        }
    }

    /// A registry of an earlier version has no rows of reservations.
    mutating func listReservations() {
        for agent in ledger.agents.keys {
            let pieces = ledger.confirmed(agent).filter { resource in
                !resource.reservations.isEmpty
                    && ledger.reservation(on: agent, resource.reservations) == nil
            }
            for piece in pieces { list(piece.reservations, on: agent, by: nil) }
        }
    }

    private mutating func list(
        _ stack: [Reservation], on agent: AgentID, by operation: AgentOperation?
    ) {
        guard ledger.reservation(on: agent, stack) == nil else { return }
        let row = ReservationRow(
            uuid: ReservationUUID(generator.uuid()), agent: agent, stack: stack,
            framework: operation?.framework, createdNanoseconds: now.nanoseconds,
            lease: operation?.lease(of: stack, at: now))
        store(.reservationStored(row))
        awaitEnd(of: row.uuid)
    }

    /// By agent and stack, with what is confirmed of each.
    package var reservationViews: [ReservationView] {
        var views: [ReservationView] = []
        for agent in ledger.agents.keys {
            var resources: [[Reservation]: Resources] = [:]
            for resource in ledger.confirmed(agent) where !resource.reservations.isEmpty {
                resources[resource.reservations, default: Resources()].add(resource)
            }
            views += ledger.reservations(of: agent).map { row in
                ReservationView(row: row, resources: resources[row.stack] ?? Resources())
            }
        }
        return views
    }
}

/// A reservation as listings show it.
package struct ReservationView: Sendable {
    package let row: ReservationRow
    package let resources: Resources
}
