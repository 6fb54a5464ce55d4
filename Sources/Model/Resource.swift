/// An amount of one kind of resource with everything that tells it from others.
package struct Resource: Hashable, Sendable {
    package var name: String
    package var value: ResourceValue
    /// Bottom first; empty: unreserved.
    package var reservations: [Reservation]
    package var disk: Disk?
    /// The role that an offer or a task holds it under.
    package var allocationRole: String?
    package var isShared: Bool
    package var isRevocable: Bool
    package var providerID: String?

    package init(
        _ name: String, _ value: ResourceValue, reservations: [Reservation] = [],
        disk: Disk? = nil, allocationRole: String? = nil, isShared: Bool = false,
        isRevocable: Bool = false, providerID: String? = nil
    ) {
        self.name = name
        self.value = value
        self.reservations = reservations
        self.disk = disk
        self.allocationRole = allocationRole
        self.isShared = isShared
        self.isRevocable = isRevocable
        self.providerID = providerID
    }

    /// The role whose frameworks may use it: the last reservation's, or `*`.
    package var role: String { reservations.last?.role ?? Role.unreserved }

    package var isPersistentVolume: Bool { disk?.persistence != nil }

    package var isDynamicallyReserved: Bool { reservations.last?.kind == .dynamic }

    /// Zero for what is not a scalar.
    package var amount: Amount {
        if case .scalar(let amount) = value { return amount }
        return .zero
    }

    package func with(_ value: ResourceValue) -> Resource {
        var copy = self
        copy.value = value
        return copy
    }

    package func with(amount: Amount) -> Resource { with(.scalar(amount)) }

    package func with(reservations: [Reservation]) -> Resource {
        var copy = self
        copy.reservations = reservations
        return copy
    }

    package func with(disk: Disk?) -> Resource {
        var copy = self
        copy.disk = disk
        return copy
    }

    package func with(allocationRole: String?) -> Resource {
        var copy = self
        copy.allocationRole = allocationRole
        return copy
    }

    package func with(isShared: Bool) -> Resource {
        var copy = self
        copy.isShared = isShared
        return copy
    }
}
