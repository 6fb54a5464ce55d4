import Model

/// What lies between the books as they are and as an operation or a launch will find them: the
/// operations in front of it, whose outcome may still be open.
struct Claims {
    /// What they take, whatever becomes of them.
    private(set) var removed = Resources()
    /// What they certainly bring.
    private(set) var added = Resources()
    private var volumes: Set<VolumeUUID> = []
    private var volumeKeys: Set<ResourceKey> = []

    /// Counts an operation whose outcome is open.
    mutating func claim(_ operation: AgentOperation) {
        removed.add(operation.conversion.consumed)
        for change in operation.volumeChanges { touch(change) }
    }

    /// Counts an operation that will certainly succeed.
    mutating func grant(_ operation: AgentOperation) {
        claim(operation)
        added.add(operation.conversion.converted)
    }

    /// Whether the operation concerns a volume that one in front of it concerns, too.
    func isTouched(by operation: AgentOperation) -> Bool {
        operation.volumeChanges.contains { change in
            switch change {
            case .create(let volume):
                volumes.contains(volume.uuid)
                    || volumeKeys.contains(ResourceKey(volume.resource))
            case .destroy(let uuid), .resize(let uuid, to: _): volumes.contains(uuid)
            }
        }
    }

    /// Counts a volume that a launch in front takes as it is now.
    mutating func touch(_ volume: VolumeUUID) { volumes.insert(volume) }

    private mutating func touch(_ change: VolumeChange) {
        switch change {
        case .create(let volume):
            volumes.insert(volume.uuid)
            volumeKeys.insert(ResourceKey(volume.resource))
        case .destroy(let uuid), .resize(let uuid, to: _): volumes.insert(uuid)
        }
    }
}

/// A piece that can't be had.
struct MissingResource: Equatable {
    var resource: Resource
    /// Whether it is there, but held by a task or claimed by an operation.
    var isInUse: Bool

    var text: String {
        isInUse
            ? "\(resource.text) is in use" : "\(resource.text) is not among the agent's resources"
    }
}

extension AgentOperation {
    /// How many volumes it makes.
    var newVolumes: Int {
        volumeChanges.reduce(0) { count, change in
            switch change {
            case .create: count + 1
            case .destroy, .resize: count
            }
        }
    }
}

extension AgentState {
    /// Without allocation, as the books are kept.
    func bare(_ resources: [Resource]) -> Resources {
        Resources(resources.lazy.map { $0.with(allocationRole: nil) })
    }

    /// The task that holds a volume which is not shared; nil: none, or an executor for itself.
    func holder(of volume: Resource) -> TaskKey? {
        let plain = volume.with(allocationRole: nil)
        guard !plain.isShared, used.entry(ResourceKey(plain)) != nil else { return nil }
        return tasks.keys.sorted().first { key in
            guard let entry = tasks[key], entry.isHolding else { return false }
            return entry.row.task.resources.contains {
                $0.with(allocationRole: nil).isSameStuff(as: plain)
            }
        }
    }

    /// The volumes that an operation grows and that tasks hold.
    func volumesInUse(grownBy operation: AgentOperation) -> [Resource] {
        guard operation.type == .grow || operation.isTransaction else { return [] }
        return operation.volumeChanges.compactMap { change in
            guard case .resize(let uuid, _) = change, let volume = volumes[uuid]?.resource,
                operation.conversion.consumed.contains(volume), holder(of: volume) != nil
            else { return nil }
            return volume
        }
    }

    /// The first piece of `wanted` that is not free, or nil. With `isSharing` a shared volume may
    /// have other holders; those that are `growing` may have one.
    func missing(
        _ wanted: Resources, isSharing: Bool, claims: Claims? = nil, growing: [Resource] = []
    ) -> MissingResource? {
        // What is lent is of what others have reserved, and the master's to watch.
        for entry in wanted.entries where !entry.resource.isRevocable {
            let resource = entry.resource
            let key = ResourceKey(resource)
            var there = total.entry(key)?.resource.value
            if let added = claims?.added.entry(key)?.resource.value {
                there = there?.adding(added) ?? added
            }
            guard var there else { return MissingResource(resource: resource, isInUse: false) }
            let held = used.entry(key)?.resource.value
            let claimed = claims?.removed.entry(key)?.resource.value
            if key.isDivisible, !resource.isShared {
                guard there.contains(resource.value) else {
                    return MissingResource(resource: resource, isInUse: false)
                }
                if let held { there = there.subtracting(held) }
                if let claimed { there = there.subtracting(claimed) }
                guard there.contains(resource.value) else {
                    return MissingResource(resource: resource, isInUse: true)
                }
            } else {
                guard there == resource.value, isSharing || entry.copies == 1 else {
                    return MissingResource(resource: resource, isInUse: false)
                }
                let isGrowing = growing.contains { $0.isSameStuff(as: resource) }
                let isFree = held == nil || isGrowing || (isSharing && resource.isShared)
                guard isFree, claimed == nil else {
                    return MissingResource(resource: resource, isInUse: true)
                }
            }
        }
        return nil
    }

    /// Why an operation can't take effect on the books, or nil.
    func objection(
        to operation: AgentOperation, volumesAtMost: Int, claims: Claims? = nil
    ) -> String? {
        let conversion = operation.conversion
        guard conversion.isConserving else {
            return "the operation would make or lose resources"
        }
        let missing = missing(
            conversion.consumed, isSharing: false, claims: claims,
            growing: volumesInUse(grownBy: operation))
        if let missing { return missing.text }
        var gone = volumeValues(conversion.consumed)
        var made = volumeValues(conversion.converted)
        for change in operation.volumeChanges {
            switch change {
            case .create(let volume):
                let key = ResourceKey(volume.resource)
                guard volumes[volume.uuid] == nil, volumesByKey[key] == nil else {
                    return "volume \(volume.resource.text) exists already"
                }
                guard made.removeValue(forKey: key) == volume.resource.value else {
                    return "volume \(volume.resource.text) is not what the operation makes"
                }
            case .destroy(let uuid):
                guard let key = volumes[uuid].map({ ResourceKey($0.resource) }),
                    gone.removeValue(forKey: key) != nil
                else { return "volume \(uuid) is not what the operation takes" }
            case .resize(let uuid, let amount):
                guard let key = volumes[uuid].map({ ResourceKey($0.resource) }),
                    gone.removeValue(forKey: key) != nil,
                    made.removeValue(forKey: key) == .scalar(amount)
                else { return "volume \(uuid) is not what the operation resizes" }
            }
        }
        guard gone.isEmpty, made.isEmpty else {
            return "the operation changes a volume that it does not name"
        }
        guard volumes.count + operation.newVolumes <= volumesAtMost else {
            return "an agent has at most \(volumesAtMost) volumes"
        }
        return nil
    }

    /// Starts under `resources`: the books gain and lose what `--resources` gained and lost since.
    /// Throws when something that was taken away is reserved, in a volume or in use.
    mutating func start(bootID: String, _ resources: Resources) throws(Refusal) {
        let before = total
        for old in self.resources {
            guard let lost = difference(old, without: resources) else { continue }
            guard total.subtract(lost) else {
                total = before
                throw tooLittle(lost)
            }
        }
        for new in resources {
            if let gained = difference(new, without: self.resources) { total.add(gained) }
        }
        for entry in used.entries
        where !entry.resource.isRevocable && !total.contains(entry.resource) {
            total = before
            throw tooLittle(entry.resource)
        }
        self.bootID = bootID
        self.resources = resources
    }

    private func tooLittle(_ resource: Resource) -> Refusal {
        Refusal(
            .conflict,
            "--resources no longer has \(resource.text), which is reserved, in a volume or in use "
                + "on this agent; start it with at least what it had before, or free that first")
    }

    /// What of a piece `others` do not have; an indivisible one is the same or another.
    private func difference(_ resource: Resource, without others: Resources) -> Resource? {
        let key = ResourceKey(resource)
        guard let other = others.entry(key)?.resource.value else { return resource }
        guard key.isDivisible else { return other == resource.value ? nil : resource }
        let rest = resource.value.subtracting(other)
        return rest.isEmpty ? nil : resource.with(rest)
    }

    private func volumeValues(_ resources: Resources) -> [ResourceKey: ResourceValue] {
        var result: [ResourceKey: ResourceValue] = [:]
        for resource in resources where resource.isPersistentVolume {
            result[ResourceKey(resource)] = resource.value
        }
        return result
    }
}
