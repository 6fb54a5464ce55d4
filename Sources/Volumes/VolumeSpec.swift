internal import Linux
package import Model

/// The disk of an agent that a volume is made on.
package enum VolumeDisk: Hashable, Sendable {
    /// The agent's own work directory.
    case root(workDirectory: String)
    /// A PATH disk: a directory that many volumes share.
    case path(root: String)
    /// A MOUNT disk: one volume has the whole of it; its books lie in the work directory.
    case mount(root: String, workDirectory: String)

    /// The same with paths as mount tables name them, its directories made where they are missing.
    func resolved() throws(SystemError) -> VolumeDisk {
        func real(_ path: String) throws(SystemError) -> String {
            try Files.makeDirectories(path)
            return try Files.realPath(path)
        }
        switch self {
        case .root(let directory): return .root(workDirectory: try real(directory))
        case .path(let root): return .path(root: try real(root))
        case .mount(let root, let workDirectory):
            return .mount(root: try real(root), workDirectory: try real(workDirectory))
        }
    }
}

/// A volume to be made.
package struct VolumeSpec: Hashable, Sendable {
    package var uuid: VolumeUUID
    package var role: String
    package var persistenceID: String
    /// The size as booked, exact.
    package var bytes: Int64
    /// The owner of the volume's root directory, as the host numbers users.
    package var owner: VolumeOwner
    /// The principal that asked for it; for people and `fsck`.
    package var createdBy: String
    package var limits: VolumeLimits

    package init(
        uuid: VolumeUUID, role: String, persistenceID: String, bytes: Int64,
        owner: VolumeOwner = VolumeOwner(), createdBy: String = "",
        limits: VolumeLimits = VolumeLimits()
    ) {
        self.uuid = uuid
        self.role = role
        self.persistenceID = persistenceID
        self.bytes = bytes
        self.owner = owner
        self.createdBy = createdBy
        self.limits = limits
    }
}

/// User, group and permission bits of a volume's root directory.
package struct VolumeOwner: Hashable, Sendable {
    package var uid: UInt32
    package var gid: UInt32
    package var mode: UInt32

    package init(uid: UInt32 = 0, gid: UInt32 = 0, mode: UInt32 = 0o755) {
        self.uid = uid
        self.gid = gid
        self.mode = mode
    }
}
