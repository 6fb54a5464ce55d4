internal import MachineCore
package import Model

/// What an operator sets of the allocator; fixed while it runs.
package struct AllocatorOptions: Equatable, Sendable {
    /// Unreserved resources are offered only if they reach at least one of these; empty: always.
    package var minAllocatable: [ResourceQuantities] = [
        ResourceQuantities([("cpus", Amount(thousandths: 10))]),
        ResourceQuantities([("mem", Amount(thousandths: 32_000))]),
    ]
    /// Weights of roles by their full name; a role that is not named weighs 1.
    package var weights: [String: Amount] = [:]
    /// Names that do not count in a share, `--fair_sharing_excluded_resource_names` of Mesos.
    package var excludedResourceNames: Set<String> = []
    /// How often a second a framework is offered again what it declined for no time at all.
    package var maxReoffersPerSecond = 50
    /// A framework with this many filters is offered nothing until one of them ends.
    package var filtersPerFramework = Limits().filtersPerFramework
    /// Whether idle cpus and memory of reservations may be lent (`Allocator+Lending`).
    package var lendsIdle = false

    package init() {}

    /// The shortest time between two re-offers to one framework.
    var reofferInterval: Span {
        Span(nanoseconds: 1_000_000_000 / Int64(max(1, maxReoffersPerSecond)))
    }
}
