/// What a persistent volume is called on its agent: an id is unique within its role.
package struct VolumeName: Hashable, Sendable {
    package let role: String
    package let id: String

    package init(role: String, id: String) {
        self.role = role
        self.id = id
    }
}

extension Resource {
    /// Nil for what is no persistent volume.
    package var volumeName: VolumeName? {
        disk?.persistence.map { VolumeName(role: role, id: $0.id) }
    }
}

extension OfferOperation.Kind {
    /// Whether a validated operation fits one agent's books (without allocation), used and unused
    /// alike. Throws `invalid` for what Mesos answers with 400 (an id twice, no such volume) and
    /// `conflict` for the rest of what is not there; launches pass.
    package func check(against total: Resources) throws(Refusal) {
        switch self {
        case .create(let volumes):
            for volume in volumes {
                guard let name = volume.volumeName, total.volume(name) == nil else {
                    throw .duplicatePersistenceID(of: volume)
                }
            }
        case .destroy(let volumes):
            let pieces = Resources(volumes.map { $0.with(allocationRole: nil) })
            guard pieces.entries.allSatisfy({ $0.copies == 1 && total.contains($0.resource) })
            else { throw Refusal(.invalid, "Persistent volumes not found") }
        case .launch, .launchGroup:
            return
        case .reserve, .unreserve, .grow, .shrink, .refused:
            break
        }
        let consumed = try conversion().consumed.allocated(to: nil)
        guard total.contains(consumed) else {
            throw Refusal(.conflict, total.shortage(of: consumed))
        }
    }
}
