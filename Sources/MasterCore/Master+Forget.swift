import MachineCore
package import Model
import OrderedCollections

// Lost volumes are listed until somebody says that nothing of them will come back.

extension Master {
    /// Takes a lost volume out of the registry. Refused while anything but the registry may know
    /// it: then the agent's return, or a DESTROY, settles what became of it.
    mutating func forgetVolume(_ uuid: VolumeUUID, _ note: ForgetNote) throws(Refusal) {
        guard let row = ledger.volumes[uuid] else {
            throw Refusal(.notFound, "there is no volume \(uuid)")
        }
        guard row.standing == .lost else {
            throw Refusal(
                .conflict,
                "volume \(uuid) is \(row.standing.rawValue): only a lost one can be forgotten")
        }
        try checkAbsent(row)
        touch(row.agent)
        volumeReports[uuid] = nil
        stalledGrowths[uuid] = nil
        store(.volumeRemoved(uuid))
        if agents[row.agent] != nil { rebuildVolumeIndex(row.agent) }
        audit(.volumeForgotten, of: row, message: note.text)
    }

    /// Throws `conflict` if the volume may be somewhere.
    private func checkAbsent(_ row: VolumeRow) throws(Refusal) {
        let id = row.agent
        switch whereabouts(of: id) {
        case .gone, .unknown: return
        case .recovered, .unreachable:
            throw Refusal(
                .conflict,
                "agent \(id) is not there, and may still have volume \(row.volume.uuid): wait for"
                    + " it, or MARK_AGENT_GONE")
        case .registered: break
        }
        guard !hasPending(row.volume.uuid, on: id) else {
            throw Refusal(
                .conflict,
                "an operation on volume \(row.volume.uuid) is not confirmed by its agent yet;"
                    + " try again")
        }
        let key = ResourceKey(row.volume.resource.with(allocationRole: nil))
        let isBooked =
            agents[id]?.volumeUUIDs[key] == row.volume.uuid
            && (agents[id]?.total.entry(key) != nil || ledger.confirmed(id).entry(key) != nil)
        guard !isBooked else {
            throw Refusal(
                .conflict,
                "agent \(id) still has volume \(row.volume.uuid) in its books: DESTROY_VOLUMES"
                    + " takes it out of both")
        }
    }
}

/// Who wants a volume forgotten, and why, in their own words.
package struct ForgetNote: Equatable, Sendable {
    package let requester: String?
    package let reason: String?

    /// Throws `invalid` for texts that the audit trail is not for.
    package init(requester: String?, reason: String?) throws(Refusal) {
        for (name, text) in [("requester", requester), ("reason", reason)] {
            guard (text?.utf8.count ?? 0) <= Self.bytesAtMost else {
                throw Refusal(
                    .invalid, "'\(name)' has more than \(Self.bytesAtMost) bytes")
            }
        }
        self.requester = requester
        self.reason = reason
    }

    private static let bytesAtMost = 1_000

    /// For the trail; nil: nobody said anything.
    var text: String? {
        let parts = [requester.map { "asked by \($0)" }, reason].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: ": ")
    }
}
