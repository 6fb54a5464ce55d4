/// Everything that tells a resource from another, without its amount: two resources with equal keys
/// are of one stuff. A volume's container path, mode and principal are not part of it.
package struct ResourceKey: Hashable, Sendable {
    /// One with this key; its amount says nothing.
    let resource: Resource
    let hash: Int

    package init(_ resource: Resource) {
        self.resource = resource
        hash = resource.identityHash
    }

    package var name: String { resource.name }
    package var kind: ResourceValue.Kind { resource.value.kind }
    package var reservations: [Reservation] { resource.reservations }
    package var persistenceID: String? { resource.disk?.persistence?.id }
    package var source: DiskSource? { resource.disk?.source }
    package var allocationRole: String? { resource.allocationRole }
    package var isShared: Bool { resource.isShared }
    package var isRevocable: Bool { resource.isRevocable }
    package var providerID: String? { resource.providerID }

    /// Whether amounts of this stuff may be merged and split.
    package var isDivisible: Bool { resource.isDivisible }

    package static func == (left: ResourceKey, right: ResourceKey) -> Bool {
        left.hash == right.hash && left.resource.isSameStuff(as: right.resource)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

extension Resource {
    /// Whether amounts of it may be merged and split. A persistent volume, a MOUNT or BLOCK disk
    /// and a RAW disk with an id are each one piece.
    package var isDivisible: Bool { disk?.isDivisible ?? true }

    /// Whether both have the same `ResourceKey`, without making one.
    package func isSameStuff(as other: Resource) -> Bool {
        guard name == other.name, isShared == other.isShared, isRevocable == other.isRevocable,
            reservations.count == other.reservations.count,
            allocationRole == other.allocationRole, reservations == other.reservations,
            value.kind == other.value.kind, providerID == other.providerID
        else { return false }
        if disk == nil && other.disk == nil { return true }
        return disk?.persistence?.id == other.disk?.persistence?.id
            && disk?.source == other.disk?.source
    }

    /// Whether a collection counts both as one piece: an indivisible one has exactly its amount.
    func isSamePiece(as other: Resource) -> Bool {
        isSameStuff(as: other) && (isDivisible || value == other.value)
    }

    /// A hash of the key, good within this process only.
    var identityHash: Int {
        var hasher = Hasher()
        hasher.combine(name)
        hasher.combine(allocationRole)
        for reservation in reservations { hasher.combine(reservation) }
        if let disk, disk.persistence != nil || disk.source != nil {
            hasher.combine(disk.persistence?.id)
            hasher.combine(disk.source)
        }
        return hasher.finalize()
    }
}
