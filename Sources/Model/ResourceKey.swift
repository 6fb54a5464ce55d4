/// Everything that tells a resource from another, without its amount: two resources with equal keys
/// are of one stuff. A volume's container path, mode and principal are not part of it.
package struct ResourceKey: Hashable, Sendable {
    package let name: String
    package let kind: ResourceValue.Kind
    package let reservations: [Reservation]
    package let persistenceID: String?
    package let source: DiskSource?
    package let allocationRole: String?
    package let isShared: Bool
    package let isRevocable: Bool
    package let providerID: String?

    package init(_ resource: Resource) {
        name = resource.name
        kind = resource.value.kind
        reservations = resource.reservations
        persistenceID = resource.disk?.persistence?.id
        source = resource.disk?.source
        allocationRole = resource.allocationRole
        isShared = resource.isShared
        isRevocable = resource.isRevocable
        providerID = resource.providerID
    }

    /// Whether amounts of this stuff may be merged and split. A persistent volume, a MOUNT or BLOCK
    /// disk and a RAW disk with an id are each one piece.
    package var isDivisible: Bool {
        if persistenceID != nil { return false }
        switch source?.kind {
        case .mount, .block: return false
        case .raw: return source?.id == nil
        case .path, nil: return true
        }
    }
}
