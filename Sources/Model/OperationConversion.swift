extension OfferOperation.Kind {
    /// What the operation takes from an agent's books and what it puts there instead, as its
    /// resources say, whether these are valid and there or not. Throws `invalid` for the kinds that
    /// convert nothing and for resources that have no reservation to take off.
    package func conversion() throws(Refusal) -> ResourceConversion {
        switch self {
        case .reserve(let resources, let source):
            var consumed = source
            if source.isEmpty { consumed = try resources.poppingReservations() }
            return ResourceConversion(
                consumed: Resources(consumed), converted: Resources(resources))
        case .unreserve(let resources):
            return ResourceConversion(
                consumed: Resources(resources),
                converted: Resources(try resources.poppingReservations()))
        case .create(let volumes):
            return ResourceConversion(
                consumed: Resources(volumes.map(\.withoutVolume)), converted: Resources(volumes))
        case .destroy(let volumes):
            return ResourceConversion(
                consumed: Resources(volumes), converted: Resources(volumes.map(\.withoutVolume)))
        case .grow(let volume, let addition):
            return ResourceConversion(
                consumed: Resources([volume, addition]),
                converted: Resources([volume.with(amount: volume.amount + addition.amount)]))
        case .shrink(let volume, let subtract):
            let rest = volume.with(amount: volume.amount - subtract)
            let freed = volume.withoutVolume.with(amount: subtract)
            return ResourceConversion(
                consumed: Resources([volume]), converted: Resources([rest, freed]))
        case .launch, .launchGroup:
            throw Refusal(.invalid, "a launch converts no resources")
        case .refused(let refusal):
            throw refusal
        }
    }

    /// Nil for launches and for what is refused.
    package var type: OperationType? {
        switch self {
        case .reserve: .reserve
        case .unreserve: .unreserve
        case .create: .create
        case .destroy: .destroy
        case .grow: .grow
        case .shrink: .shrink
        case .launch, .launchGroup, .refused: nil
        }
    }

    /// The same operation with each volume as the books have it: container path, mode and
    /// principal, which are no part of its identity, are then the volume's own and not what the
    /// caller wrote. What is not in the books, and what CREATE makes, stays as it is.
    package func resolved(in total: Resources) -> OfferOperation.Kind {
        func own(_ volume: Resource) -> Resource {
            guard volume.isPersistentVolume,
                let entry = total.entry(ResourceKey(volume.with(allocationRole: nil)))
            else { return volume }
            return volume.with(disk: entry.resource.disk)
        }
        return switch self {
        case .destroy(let volumes): .destroy(volumes.map(own))
        case .grow(let volume, let addition): .grow(volume: own(volume), addition: addition)
        case .shrink(let volume, let subtract): .shrink(volume: own(volume), subtract: subtract)
        case .reserve, .unreserve, .create, .launch, .launchGroup, .refused: self
        }
    }
}

extension Resource {
    /// The disk that a persistent volume is made of: same source and reservations.
    package var withoutVolume: Resource {
        let source = disk?.source
        return with(disk: source.map { Disk(source: $0) }).with(isShared: false)
    }
}

extension [Resource] {
    /// Each one without its last reservation.
    fileprivate func poppingReservations() throws(Refusal) -> [Resource] {
        var result: [Resource] = []
        result.reserveCapacity(count)
        for resource in self {
            guard !resource.reservations.isEmpty else {
                throw .notDynamicallyReserved(resource)
            }
            result.append(resource.with(reservations: resource.reservations.dropLast()))
        }
        return result
    }
}

extension Refusal {
    static func notDynamicallyReserved(_ resource: Resource) -> Refusal {
        Refusal(.invalid, "Resource \(resource.detailedText) is not dynamically reserved")
    }
}
