import Model
import Registry
import Wire

/// A registry that was put back. It knows nothing of what was done since: who was taken out of the
/// trash, protected, or has renewed a lease. So nothing may happen by its clocks until an operator
/// has looked: its policies and leases are taken out, and named.
package struct RestoredRegistry: Sendable {
    /// Where the registry is that was there before; nil: there was none.
    package internal(set) var kept: String?
    /// Roles whose policies were taken out.
    package private(set) var policies: [String] = []
    /// Reservations that last until they are given back, as they have no lease any more.
    package private(set) var leases: [String] = []

    mutating func hold(_ registry: SQLiteRegistry) throws {
        var changes: [RegistryChange] = []
        for record in try RegistryRows.records(registry.load()) {
            switch record {
            case .policyStored(let policy):
                policies.append(policy.role)
                changes += RegistryRows.changes(.policyRemoved(policy.role))
            case .reservationStored(var row) where row.lease != nil:
                leases.append(row.uuid.value)
                row.lease = nil
                changes += RegistryRows.changes(.reservationStored(row))
            default: continue
            }
        }
        try registry.commit(changes)
    }
}
