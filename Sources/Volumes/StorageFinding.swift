package import Model

/// How bad a finding is.
package enum FindingSeverity: Int, Hashable, Sendable, Comparable {
    /// Data is, or may get, out of reach.
    case error
    /// Something is left over or not as booked; data is safe.
    case warning
    /// No damage: it goes on by itself, or is worth knowing.
    case note

    package static func < (left: FindingSeverity, right: FindingSeverity) -> Bool {
        left.rawValue < right.rawValue
    }

    package var name: String {
        switch self {
        case .error: "error"
        case .warning: "warning"
        case .note: "note"
        }
    }
}

/// Kinds of damage, by names that never change; in the order in which they are repaired.
package enum FindingCode: String, Hashable, Sendable, CaseIterable {
    case unreadable = "place-unreadable"
    case diskMissing = "disk-missing"
    case uuidDuplicated = "uuid-duplicated"
    case volumeLost = "volume-lost"
    case volumeGivenUp = "volume-given-up"
    case ownerMissing = "owner-missing"
    case ownerUnreadable = "owner-unreadable"
    case ownerForeign = "owner-foreign"
    case ownerDiffers = "owner-differs"
    case backendWrong = "backend-wrong"
    case imageTruncated = "image-truncated"
    case imageShort = "image-short"
    case imageLong = "image-long"
    case mountStale = "mount-stale"
    case loopStale = "loop-stale"
    case volumeUnmounted = "volume-unmounted"
    case quotaMissing = "quota-missing"
    case quotaLimit = "quota-limit"
    case quotaLeaked = "quota-leaked"
    case containerMountStale = "container-mount-stale"
    case deletingLeftover = "deleting-leftover"
    case volumeUnclaimed = "volume-unclaimed"
    case directoryUnclaimed = "directory-unclaimed"
    case imageUnclaimed = "image-unclaimed"
    case ownerUnclaimed = "owner-unclaimed"
    case registryMissing = "registry-missing"
    case registryLost = "registry-lost"
    case registryDiffers = "registry-differs"
    case erasurePending = "erasure-pending"
    case volumeUnmade = "volume-unmade"

    package var severity: FindingSeverity {
        switch self {
        case .unreadable, .diskMissing, .uuidDuplicated, .volumeLost, .volumeGivenUp,
            .ownerMissing, .ownerUnreadable, .ownerForeign, .ownerDiffers, .backendWrong,
            .imageTruncated, .imageShort, .volumeUnmounted, .quotaMissing, .registryMissing,
            .registryLost, .registryDiffers:
            .error
        case .imageLong, .mountStale, .loopStale, .quotaLimit, .quotaLeaked,
            .containerMountStale, .deletingLeftover, .volumeUnclaimed, .directoryUnclaimed,
            .imageUnclaimed, .ownerUnclaimed:
            .warning
        case .erasurePending, .volumeUnmade: .note
        }
    }
}

/// What mends a finding without a person's judgement.
package enum StorageRepair: Hashable, Sendable {
    /// Writes the owner file anew.
    case writeOwner(VolumeRecord)
    case growImage
    /// Takes from an image what lies beyond its file system.
    case cutImage
    /// Mounts the volume, or sets its limit again.
    case mount
    /// The mount of that id, if it is the one that is seen at the path.
    case unmount(String, id: Int)
    case detachLoop(String)
    case clearProject(UInt32)
    /// Goes on erasing what a DESTROY gave up.
    case erase
    /// Moves a volume with its owner file, or what is at a path, to the disk's found things.
    case setAside(String?)

    /// Whether it moves data that no book knows: only where that was asked for.
    package var needsSetAside: Bool {
        if case .setAside = self { true } else { false }
    }

    package var text: String {
        switch self {
        case .writeOwner: "write the owner file anew"
        case .growImage: "grow the image and its file system to the booked size"
        case .cutImage: "unmount, cut the image to the booked size, mount again"
        case .mount: "mount it, with its limit"
        case .unmount(let path, _): "unmount \(path)"
        case .detachLoop(let device): "detach \(device)"
        case .clearProject(let id): "take the limit off project \(id)"
        case .erase: "go on erasing"
        case .setAside: "move it to the disk's found things"
        }
    }
}

/// One difference between books and disks.
package struct StorageFinding: Hashable, Sendable {
    package let code: FindingCode
    /// A UUID, a path, a device or a number of quota.
    package let subject: String
    package let uuid: VolumeUUID?
    /// As in the books.
    package let disk: String
    package let evidence: String
    /// Nil: a person has to look.
    package let repair: StorageRepair?

    package init(
        _ code: FindingCode, _ subject: String, uuid: VolumeUUID? = nil, disk: String,
        _ evidence: String, _ repair: StorageRepair? = nil
    ) {
        self.code = code
        self.subject = subject
        self.uuid = uuid
        self.disk = disk
        self.evidence = evidence
        self.repair = repair
    }

    package func isSame(as other: StorageFinding) -> Bool {
        code == other.code && subject == other.subject && disk == other.disk
    }
}
