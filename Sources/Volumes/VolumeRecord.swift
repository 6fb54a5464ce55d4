internal import Linux
package import Model

/// How a volume is kept; the names of owner files, CLI and JSON.
package enum BackendKind: String, Hashable, Sendable, CaseIterable {
    case projectQuota = "project-quota"
    case btrfs = "btrfs"
    case loopExt4 = "loop-ext4"
    case loopXFS = "loop-xfs"
    case lvmThinExt4 = "lvm-thin-ext4"
    case lvmThinXFS = "lvm-thin-xfs"
    case directory = "directory"
    case mountDisk = "mount-disk"
}

/// How far a volume has come.
package enum VolumeState: String, Hashable, Sendable {
    /// Its making has begun; nothing was ever stored in it.
    case creating
    case ready
    /// It is given up; its data is on the way out.
    case deleting
}

/// What the owner file beside a volume's data says: enough to tell whose it is without any books.
package struct VolumeRecord: Hashable, Sendable {
    package var spec: VolumeSpec
    package var backend: BackendKind
    package var state: VolumeState
    /// UTC, RFC 3339.
    package var createdAt: String
    /// The number of its quota, where the backend is `project-quota`.
    package var projectID: UInt32?
    /// The inode of the disk's root, where the backend is `mount-disk`: tells the disk from the
    /// bare mount point below it.
    package var rootInode: UInt64?
    /// `GROUP/POOL`, where the backend is one of `lvm-thin`.
    package var thinPool: String?

    package var uuid: VolumeUUID { spec.uuid }

    package init(
        spec: VolumeSpec, backend: BackendKind, state: VolumeState, createdAt: String,
        projectID: UInt32? = nil
    ) {
        self.spec = spec
        self.backend = backend
        self.state = state
        self.createdAt = createdAt
        self.projectID = projectID
    }

    /// Whether a repeated CREATE means this very volume; it may have another owner by now.
    func isSame(as other: VolumeSpec) -> Bool {
        spec.uuid == other.uuid && spec.role == other.role
            && spec.persistenceID == other.persistenceID && spec.bytes == other.bytes
    }
}

extension VolumeRecord {
    private static let format: Int64 = 1

    /// The owner file's contents.
    package func encoded() -> [UInt8] {
        var members: [(String, FlatJSON.Value)] = [
            ("format", .number(Self.format)),
            ("uuid", .text(spec.uuid.value)),
            ("role", .text(spec.role)),
            ("persistence_id", .text(spec.persistenceID)),
            ("bytes", .number(spec.bytes)),
            ("backend", .text(backend.rawValue)),
            ("state", .text(state.rawValue)),
            ("created_by", .text(spec.createdBy)),
            ("created_at", .text(createdAt)),
            ("uid", .number(Int64(spec.owner.uid))),
            ("gid", .number(Int64(spec.owner.gid))),
            ("mode", .text(String(spec.owner.mode, radix: 8))),
        ]
        if let projectID { members.append(("project_id", .number(Int64(projectID)))) }
        if let rootInode {
            members.append(("root_inode", .number(Int64(truncatingIfNeeded: rootInode))))
        }
        if let thinPool { members.append(("thin_pool", .text(thinPool))) }
        for (name, value) in Self.members(of: spec.limits) {
            if let value { members.append((name, .number(value))) }
        }
        return FlatJSON.encode(members)
    }

    /// Nil for what is no owner file of a known format.
    package init?(decoding bytes: [UInt8]) {
        guard let members = FlatJSON.decode(bytes), members["format"] == .number(Self.format),
            case .text(let uuid) = members["uuid"], case .text(let role) = members["role"],
            case .text(let persistenceID) = members["persistence_id"],
            case .number(let size) = members["bytes"], size > 0,
            case .text(let backendName) = members["backend"],
            let backend = BackendKind(rawValue: backendName),
            case .text(let stateName) = members["state"],
            let state = VolumeState(rawValue: stateName),
            case .text(let createdBy) = members["created_by"],
            case .text(let createdAt) = members["created_at"],
            case .number(let uid) = members["uid"], let uid = UInt32(exactly: uid),
            case .number(let gid) = members["gid"], let gid = UInt32(exactly: gid),
            case .text(let modeText) = members["mode"], let mode = UInt32(modeText, radix: 8)
        else { return nil }
        var projectID: UInt32?
        if case .number(let number) = members["project_id"] {
            projectID = UInt32(exactly: number)
        }
        var rootInode: UInt64?
        if case .number(let number) = members["root_inode"] {
            rootInode = UInt64(exactly: number)
        }
        self.init(
            spec: VolumeSpec(
                uuid: VolumeUUID(uuid), role: role, persistenceID: persistenceID, bytes: size,
                owner: VolumeOwner(uid: uid, gid: gid, mode: mode), createdBy: createdBy),
            backend: backend, state: state, createdAt: createdAt, projectID: projectID)
        self.rootInode = rootInode
        if case .text(let pool) = members["thin_pool"] { thinPool = pool }
        let limit = { (name: String) -> Int64? in
            guard case .number(let value) = members[name] else { return nil }
            return value
        }
        spec.limits = VolumeLimits(
            rates: DiskRates(
                readBytes: limit("read_bytes_per_second"),
                writtenBytes: limit("write_bytes_per_second"),
                reads: limit("reads_per_second"), writes: limit("writes_per_second")),
            inodes: limit("inodes"))
    }

    private static func members(of limits: VolumeLimits) -> [(String, Int64?)] {
        [
            ("read_bytes_per_second", limits.rates.readBytes),
            ("write_bytes_per_second", limits.rates.writtenBytes),
            ("reads_per_second", limits.rates.reads),
            ("writes_per_second", limits.rates.writes),
            ("inodes", limits.inodes),
        ]
    }
}
