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
            list(piece.reservations, on: agent, by: operation?.framework)
        }
        for piece in removed where !piece.reservations.isEmpty {
            guard !ledger.holds(piece.reservations, on: agent),
                let row = ledger.reservation(on: agent, piece.reservations)
            else { continue }
            store(.reservationRemoved(row.uuid))
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
        _ stack: [Reservation], on agent: AgentID, by framework: FrameworkID?
    ) {
        guard ledger.reservation(on: agent, stack) == nil else { return }
        store(
            .reservationStored(
                ReservationRow(
                    uuid: ReservationUUID(generator.uuid()), agent: agent, stack: stack,
                    framework: framework, createdNanoseconds: now.nanoseconds)))
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
