/// Key and value pairs whose order does not matter: kept sorted, so that equality is a multiset's.
package struct Labels: Hashable, Sendable {
    package struct Label: Hashable, Comparable, Sendable {
        package let key: String
        package let value: String?

        package init(_ key: String, _ value: String?) {
            self.key = key
            self.value = value
        }

        package static func < (left: Label, right: Label) -> Bool {
            if left.key != right.key { return left.key < right.key }
            guard let mine = left.value else { return right.value != nil }
            guard let theirs = right.value else { return false }
            return mine < theirs
        }
    }

    package let sorted: [Label]

    package init(_ labels: [Label] = []) { sorted = labels.sorted() }

    package var isEmpty: Bool { sorted.isEmpty }
}

/// One level of a reservation stack.
package struct Reservation: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case fixed, dynamic }

    /// `fixed` is what Mesos calls STATIC: from `--resources`, never changed by a call.
    package var kind: Kind
    package var role: String
    package var principal: String?
    package var labels: Labels

    package init(
        _ kind: Kind = .dynamic, role: String, principal: String? = nil, labels: Labels = Labels()
    ) {
        self.kind = kind
        self.role = role
        self.principal = principal
        self.labels = labels
    }
}

/// Where a disk resource comes from; nil in `Disk.source` is the root disk.
package struct DiskSource: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case path, mount, block, raw }

    package var kind: Kind
    /// The directory of a `path` or `mount` disk.
    package var root: String?
    package var id: String?
    package var vendor: String?
    package var profile: String?
    package var metadata: Labels

    package init(
        _ kind: Kind, root: String? = nil, id: String? = nil, vendor: String? = nil,
        profile: String? = nil, metadata: Labels = Labels()
    ) {
        self.kind = kind
        self.root = root
        self.id = id
        self.vendor = vendor
        self.profile = profile
        self.metadata = metadata
    }
}

/// What makes a disk resource more than an amount.
package struct Disk: Hashable, Sendable {
    package struct Persistence: Hashable, Sendable {
        package var id: String
        package var principal: String?

        package init(id: String, principal: String? = nil) {
            self.id = id
            self.principal = principal
        }
    }

    /// How a volume appears in a container.
    package struct Volume: Hashable, Sendable {
        package enum Mode: Hashable, Sendable { case readWrite, readOnly }

        package var containerPath: String
        package var hostPath: String?
        package var mode: Mode

        package init(containerPath: String, hostPath: String? = nil, mode: Mode = .readWrite) {
            self.containerPath = containerPath
            self.hostPath = hostPath
            self.mode = mode
        }
    }

    package var persistence: Persistence?
    package var volume: Volume?
    package var source: DiskSource?

    package init(
        persistence: Persistence? = nil, volume: Volume? = nil, source: DiskSource? = nil
    ) {
        self.persistence = persistence
        self.volume = volume
        self.source = source
    }
}

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
