internal import Model

/// The owner files of a disk in memory: what is there, and who claims which data path.
struct VolumeIndex {
    struct Entry {
        var volume: StoredVolume
        /// Its data is away from its path; it may be erased.
        var isWithdrawn = false
        /// A thread is at it.
        var isBeingErased = false
    }

    private var entries: [VolumeUUID: Entry] = [:]
    private var claims: [String: VolumeUUID] = [:]
    private var departures: [String: [VolumeUUID]] = [:]

    subscript(uuid: VolumeUUID) -> Entry? { entries[uuid] }

    /// By UUID.
    var volumes: [StoredVolume] {
        entries.values.map(\.volume).sorted { $0.record.uuid < $1.record.uuid }
    }

    /// Those whose data a thread is erasing now.
    var erasing: Set<VolumeUUID> {
        Set(entries.filter { $0.value.isBeingErased }.keys)
    }

    /// The volume whose data lies at a path, if one that is not given up does.
    func claimant(of path: String) -> StoredVolume? {
        claims[path].flatMap { entries[$0]?.volume }
    }

    /// The given-up volumes that are not erased yet and lay at a path.
    func departing(from path: String) -> [StoredVolume] {
        departures[path, default: []].compactMap { entries[$0]?.volume }
    }

    mutating func put(_ volume: StoredVolume) {
        let uuid = volume.record.uuid
        entries[uuid, default: Entry(volume: volume)].volume = volume
        switch volume.record.state {
        case .creating, .ready: claims[volume.paths.data] = uuid
        case .deleting:
            if claims[volume.paths.data] == uuid { claims[volume.paths.data] = nil }
            if !departures[volume.paths.data, default: []].contains(uuid) {
                departures[volume.paths.data, default: []].append(uuid)
            }
        }
    }

    mutating func markWithdrawn(_ uuid: VolumeUUID) { entries[uuid]?.isWithdrawn = true }

    /// False if another thread is at it or there is nothing to erase yet.
    mutating func beginErasure(_ uuid: VolumeUUID) -> Bool {
        guard let entry = entries[uuid], entry.isWithdrawn, !entry.isBeingErased else {
            return false
        }
        entries[uuid]?.isBeingErased = true
        return true
    }

    mutating func endErasure(_ uuid: VolumeUUID) { entries[uuid]?.isBeingErased = false }

    mutating func remove(_ uuid: VolumeUUID) {
        guard let entry = entries.removeValue(forKey: uuid) else { return }
        let path = entry.volume.paths.data
        if claims[path] == uuid { claims[path] = nil }
        departures[path]?.removeAll { $0 == uuid }
        if departures[path]?.isEmpty == true { departures[path] = nil }
    }
}
