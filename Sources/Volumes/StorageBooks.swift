package import Model

/// A volume as the agent's journal has it.
package struct BookedVolume: Hashable, Sendable {
    package let uuid: VolumeUUID
    package let role: String
    package let persistenceID: String
    package let bytes: Int64
    /// The root of its PATH or MOUNT disk; empty: the work directory.
    package let disk: String
    /// Whether anything may be stored in it.
    package let isPrepared: Bool

    package init(
        uuid: VolumeUUID, role: String, persistenceID: String, bytes: Int64, disk: String = "",
        isPrepared: Bool = true
    ) {
        self.uuid = uuid
        self.role = role
        self.persistenceID = persistenceID
        self.bytes = bytes
        self.disk = disk
        self.isPrepared = isPrepared
    }
}

/// A volume of this agent as the master's registry has it.
package struct RegistryVolume: Hashable, Sendable {
    package let uuid: VolumeUUID
    package let role: String
    package let persistenceID: String
    package let bytes: Int64
    /// As LIST_VOLUMES says it: `unclaimed` ones are not in the registry.
    package let state: String

    package init(
        uuid: VolumeUUID, role: String, persistenceID: String, bytes: Int64, state: String
    ) {
        self.uuid = uuid
        self.role = role
        self.persistenceID = persistenceID
        self.bytes = bytes
        self.state = state
    }
}

/// What should be, by all books.
package struct StorageBooks: Hashable, Sendable {
    /// By UUID.
    package var journal: [BookedVolume] = []
    /// Nil: nobody has asked the master.
    package var registry: [RegistryVolume]?
    /// Volumes that operations are changing: nothing can be said of them.
    package var moving: Set<VolumeUUID> = []
    /// Those of them that are being made: their places are theirs already.
    package var arriving: [BookedVolume] = []
    /// The directories below which containers that are there have their mounts.
    package var containerPlaces: Set<String> = []

    package init() {}

    /// Adds a later reading: what has changed since counts as changing.
    package mutating func merge(_ later: StorageBooks) {
        let both = Set(journal).intersection(later.journal)
        moving.formUnion(later.moving)
        for volume in journal + later.journal where !both.contains(volume) {
            moving.insert(volume.uuid)
            arriving.append(volume)
        }
        journal = later.journal
        arriving += later.arriving
        containerPlaces.formUnion(later.containerPlaces)
    }
}
