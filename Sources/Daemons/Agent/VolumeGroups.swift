package import Model
import Synchronization
import Volumes

/// The groups of `--volume-gid-range`: each shared volume that others than root use has one of its
/// own, so that tasks of several users can write it.
///
/// Which volume has which group stands in the volumes' owner files only: it outlives the agent and
/// the machine, and a group is free again when its volume is erased.
package struct VolumeGroups: Equatable, Sendable {
    /// Sorted, apart from one another, without 0.
    private let ranges: [ClosedRange<UInt32>]

    /// Reads `[10000-20000]`, or several ranges parted by commas.
    package init(parsing text: String) throws(Refusal) {
        let refusal = Refusal(
            .invalid,
            "'\(text)': use ranges of group numbers, 1 to 4294967294, each once, like "
                + "[10000-20000]")
        guard text.hasPrefix("["), text.hasSuffix("]") else { throw refusal }
        var ranges: [ClosedRange<UInt32>] = []
        for part in text.dropFirst().dropLast().split(
            separator: ",", omittingEmptySubsequences: false)
        {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map {
                UInt32($0.trimmingPrefix(while: \.isWhitespace))
            }
            guard bounds.count == 2, let low = bounds[0], let high = bounds[1], low > 0,
                low <= high, high < .max
            else { throw refusal }
            ranges.append(low...high)
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        for (left, right) in zip(ranges, ranges.dropFirst()) where left.overlaps(right) {
            throw refusal
        }
        self.ranges = ranges
    }

    /// The lowest that nobody has.
    package func free(besides used: Set<UInt32>) -> UInt32? {
        ranges.lazy.compactMap { $0.first { !used.contains($0) } }.first
    }

    /// As options have it.
    package var text: String {
        "[" + ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",") + "]"
    }

    /// How the root of a volume with a group is owned: what is made in it is the group's as well.
    static func owner(_ group: UInt32) -> VolumeOwner {
        VolumeOwner(uid: 0, gid: group, mode: 0o2770)
    }

    /// The group that a volume has; nil: none of its own.
    static func group(of owner: VolumeOwner) -> UInt32? {
        owner == self.owner(owner.gid) && owner.gid != 0 ? owner.gid : nil
    }
}

extension AgentVolumes {
    /// The group by which tasks use a shared volume, allotted if it has none yet; nil: it needs
    /// none, as root's, or there are no groups. A group that it has stays, whatever the options.
    func group(of uuid: VolumeUUID, uid: UInt32) throws -> UInt32? {
        guard let store = store(of: uuid) else {
            throw VolumeError.conflict("this agent has no volume \(uuid)")
        }
        return try groups.withLock { groups -> UInt32? in
            let owner = try store.status(uuid).record.spec.owner
            if let group = VolumeGroups.group(of: owner) { return group }
            guard uid != 0, let groups else { return nil }
            let owners = named.flatMap { $0.1.inventory().map(\.record.spec.owner) }
            guard let group = groups.free(besides: Set(owners.map(\.gid))) else {
                throw VolumeError.conflict(
                    "no group is left for the shared volume \(uuid): other volumes have all of "
                        + "--volume-gid-range \(groups.text)")
            }
            try store.setOwner(uuid, VolumeGroups.owner(group))
            return group
        }
    }
}
