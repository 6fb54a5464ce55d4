/// Where a disk resource comes from; nil in `Disk.source` is the root disk.
package struct DiskSource: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case path, mount, block, raw }

    package var kind: Kind
    /// The directory of a `path` or `mount` disk.
    package var root: String?
    package var id: String?
    package var vendor: String?
    package var profile: String?
    package var metadata: Labels

    package init(
        _ kind: Kind, root: String? = nil, id: String? = nil, vendor: String? = nil,
        profile: String? = nil, metadata: Labels = Labels()
    ) {
        self.kind = kind
        self.root = root
        self.id = id
        self.vendor = vendor
        self.profile = profile
        self.metadata = metadata
    }
}

/// What makes a disk resource more than an amount. The fields are boxed, so that the many resources
/// that are no disk carry a single word for it.
package struct Disk: Hashable, Sendable {
    package struct Persistence: Hashable, Sendable {
        package var id: String
        package var principal: String?

        package init(id: String, principal: String? = nil) {
            self.id = id
            self.principal = principal
        }
    }

    /// How a volume appears in a container.
    package struct Volume: Hashable, Sendable {
        package enum Mode: Hashable, Sendable { case readWrite, readOnly }

        package var containerPath: String
        package var hostPath: String?
        package var mode: Mode

        package init(containerPath: String, hostPath: String? = nil, mode: Mode = .readWrite) {
            self.containerPath = containerPath
            self.hostPath = hostPath
            self.mode = mode
        }
    }

    private var box: Box

    package init(
        persistence: Persistence? = nil, volume: Volume? = nil, source: DiskSource? = nil,
        limits: VolumeLimits? = nil
    ) {
        box = Box(persistence: persistence, volume: volume, source: source, limits: limits)
    }

    package var persistence: Persistence? {
        get { box.persistence }
        set { self = Disk(persistence: newValue, volume: volume, source: source, limits: limits) }
    }

    package var volume: Volume? {
        get { box.volume }
        set {
            self = Disk(persistence: persistence, volume: newValue, source: source, limits: limits)
        }
    }

    package var source: DiskSource? {
        get { box.source }
        set {
            self = Disk(persistence: persistence, volume: volume, source: newValue, limits: limits)
        }
    }

    /// Of a persistent volume only; as its path, no part of what tells it from others.
    package var limits: VolumeLimits? {
        get { box.limits }
        set {
            self = Disk(persistence: persistence, volume: volume, source: source, limits: newValue)
        }
    }

    /// Whether amounts on it may be merged and split: not those of a persistent volume, of a MOUNT
    /// or BLOCK disk and of a RAW disk with an id.
    package var isDivisible: Bool {
        if box.persistence != nil { return false }
        return switch box.source?.kind {
        case .mount, .block: false
        case .raw: box.source?.id == nil
        case .path, nil: true
        }
    }

    package static func == (left: Disk, right: Disk) -> Bool {
        if left.box === right.box { return true }
        return left.persistence == right.persistence && left.volume == right.volume
            && left.source == right.source && left.limits == right.limits
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(persistence)
        hasher.combine(volume)
        hasher.combine(source)
    }

    private final class Box: Sendable {
        let persistence: Persistence?
        let volume: Volume?
        let source: DiskSource?
        let limits: VolumeLimits?

        init(
            persistence: Persistence?, volume: Volume?, source: DiskSource?, limits: VolumeLimits?
        ) {
            self.persistence = persistence
            self.volume = volume
            self.source = source
            self.limits = limits
        }
    }
}
