extension Resources {
    /// What no one has reserved.
    package var unreserved: Resources { reserved(for: Role.unreserved) }

    /// What is reserved, for whatever role.
    package var reserved: Resources { filter { !$0.reservations.isEmpty } }

    /// The pieces whose last reservation is for exactly this role; `*`: those without any.
    package func reserved(for role: String) -> Resources {
        guard let index else { return filter { $0.role == role } }
        var result = Resources()
        for slot in index.roles.slots(role) {
            result.append(distinct: entries[slot])
        }
        return result
    }

    /// What a framework of this role may be offered: what is unreserved, and what is reserved for
    /// the role itself or for one above it.
    package func usable(by role: String) -> Resources {
        var result = unreserved
        if role == Role.unreserved { return result }
        for owner in Role.lineage(of: role) { result.add(reserved(for: owner)) }
        return result
    }

    /// Whether any piece is reserved for exactly this role.
    package func isReserved(for role: String) -> Bool {
        guard let index else {
            return entries.contains { $0.resource.role == role && role != Role.unreserved }
        }
        return role != Role.unreserved && index.roles.first(role) != nil
    }

    /// The roles for which something is reserved, sorted.
    package var sortedRoles: [String] {
        var roles: Set<String> = []
        if let index {
            roles.formUnion(index.roles.unorderedKeys)
        } else {
            for entry in entries { roles.insert(entry.resource.role) }
        }
        roles.remove(Role.unreserved)
        return roles.sorted()
    }

    /// The persistent volume of this name, if it is among them; its first holder's where it is held
    /// under several allocation roles.
    package func volume(_ name: VolumeName) -> Resource? {
        if let index { return index.volumes.first(name).map { entries[$0].resource } }
        return entries.first { $0.resource.volumeName == name }?.resource
    }

    /// All persistent volumes, shared ones once.
    package var volumes: [Resource] {
        entries.lazy.map(\.resource).filter(\.isPersistentVolume)
    }

    /// The sums by name, over all reservations.
    package var quantities: ResourceQuantities { quantities { all, _ in all } }

    /// The sums by name of what is reserved.
    package var reservedQuantities: ResourceQuantities { quantities { _, reserved in reserved } }

    /// The sums by name of what is not reserved.
    package var unreservedQuantities: ResourceQuantities {
        quantities { all, reserved in all - reserved }
    }

    private func quantities(_ part: (Amount, Amount) -> Amount) -> ResourceQuantities {
        var pairs: [(String, Amount)] = []
        forEachTotal { name, all, reserved in pairs.append((name, part(all, reserved))) }
        return ResourceQuantities(pairs)
    }
}
