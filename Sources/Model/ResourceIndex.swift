/// Where the pieces of a larger collection are: by identity, by role and by volume name.
struct ResourceIndex: Sendable {
    /// From this many pieces on, looking up beats comparing one by one.
    static let threshold = 16

    private(set) var roles = SlotIndex<String>()
    private(set) var volumes = SlotIndex<VolumeName>()
    private var identities = SlotIndex<Int>()
    private var hashes: [Int] = []

    init(_ entries: [Resources.Entry]) {
        for entry in entries { append(entry.resource, hash: entry.resource.identityHash) }
    }

    /// The slot of the piece that this resource is.
    func slot(of resource: Resource, hash: Int, in entries: [Resources.Entry]) -> Int? {
        var slot = identities.first(hash)
        while let found = slot {
            if entries[found].resource.isSamePiece(as: resource) { return found }
            slot = identities.next(after: found)
        }
        return nil
    }

    /// The slot of the first piece with this key.
    func slot(_ key: ResourceKey, in entries: [Resources.Entry]) -> Int? {
        var slot = identities.first(key.hash)
        while let found = slot {
            if entries[found].resource.isSameStuff(as: key.resource) { return found }
            slot = identities.next(after: found)
        }
        return nil
    }

    /// A piece was added after the last one.
    mutating func append(_ resource: Resource, hash: Int) {
        let slot = hashes.count
        hashes.append(hash)
        identities.insert(slot, hash)
        roles.insert(slot, resource.role)
        if let name = resource.volumeName { volumes.insert(slot, name) }
    }

    /// A piece was removed, and the last one took its slot.
    mutating func remove(_ resource: Resource, at slot: Int, last: Resource) {
        let end = hashes.count - 1
        identities.remove(slot, hashes[slot])
        roles.remove(slot, resource.role)
        if let name = resource.volumeName { volumes.remove(slot, name) }
        if slot != end {
            identities.renumber(end, slot, hashes[end])
            roles.renumber(end, slot, last.role)
            if let name = last.volumeName { volumes.renumber(end, slot, name) }
            hashes[slot] = hashes[end]
        }
        hashes.removeLast()
    }

    /// How an index disagrees with the pieces; empty: not at all.
    func violations(_ entries: [Resources.Entry]) -> [String] {
        var found: [String] = []
        if hashes.count != entries.count { found.append("the index counts \(hashes.count)") }
        for (slot, entry) in entries.enumerated() {
            let resource = entry.resource
            if self.slot(of: resource, hash: resource.identityHash, in: entries) != slot {
                found.append("\(resource.detailedText) is not found at its slot")
            }
            if !roles.slots(resource.role).contains(slot) {
                found.append("\(resource.detailedText) is not among its role's pieces")
            }
            if let name = resource.volumeName, !volumes.slots(name).contains(slot) {
                found.append("\(resource.detailedText) is not found by its volume name")
            }
        }
        return found
    }
}
