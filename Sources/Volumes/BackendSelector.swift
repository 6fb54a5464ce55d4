package import Linux

/// What the operator asks for: the values of `--volume-backend`.
package enum BackendPreference: String, Hashable, Sendable, CaseIterable {
    case auto
    case projectQuota = "project-quota"
    case btrfs
    case loop
    case loopExt4 = "loop-ext4"
    case loopXFS = "loop-xfs"
    case lvmThin = "lvm-thin"
    case lvmThinExt4 = "lvm-thin-ext4"
    case lvmThinXFS = "lvm-thin-xfs"
    case directory
}

/// The way in which a disk keeps its new volumes, and why not a better one.
package struct BackendSelection: Sendable {
    package struct Rejection: Hashable, Sendable {
        package let kind: BackendKind
        package let reason: String
    }

    enum Choice: Hashable, Sendable {
        case projectQuota
        case btrfs
        /// The first whose least size a volume reaches; a smaller volume is a directory.
        case loop([LoopFormat])
        /// As `loop`, in a thin pool.
        case lvmThin(ThinPool, [LoopFormat])
        case directory
        case mountDisk
    }

    let choice: Choice
    /// What was tried before, in the order of trying.
    package let rejected: [Rejection]

    /// How a new volume of a size is kept.
    package func kind(forBytes bytes: Int64) -> BackendKind {
        kinds(forBytes: bytes).first ?? .directory
    }

    /// All ways that would do, the best first.
    func kinds(forBytes bytes: Int64) -> [BackendKind] {
        switch choice {
        case .projectQuota: [.projectQuota]
        case .btrfs: [.btrfs]
        case .loop(let formats):
            formats.filter { bytes >= $0.minimumBytes }.map { format in
                switch format {
                case .ext4: .loopExt4
                case .xfs: .loopXFS
                }
            }
        case .lvmThin(_, let formats):
            formats.filter { bytes >= $0.minimumBytes }.map(\.thinBackend)
        case .directory: [.directory]
        case .mountDisk: [.mountDisk]
        }
    }

    /// Where a new volume of a kind is made; nil: on the disk itself.
    func thinPool(of kind: BackendKind) -> ThinPool? {
        guard case .lvmThin(let pool, let formats) = choice,
            formats.contains(where: { $0.thinBackend == kind })
        else { return nil }
        return pool
    }
}

/// Chooses how a disk keeps its volumes by trying on that very disk, never by kernel version.
package struct BackendSelector {
    private let layout: VolumeLayout
    private let thinPool: ThinPool?
    private var rejected: [BackendSelection.Rejection] = []

    /// Tries in order of merit; `unavailable` where what was asked for by name can't be used.
    ///
    /// The layout's directories must be there.
    package static func select(
        _ preference: BackendPreference, _ layout: VolumeLayout, _ thinPool: ThinPool? = nil
    ) throws(VolumeError) -> BackendSelection {
        if case .mount = layout.disk { return BackendSelection(choice: .mountDisk, rejected: []) }
        var selector = BackendSelector(layout: layout, thinPool: thinPool)
        let choice = try selector.choice(for: preference)
        return BackendSelection(choice: choice, rejected: selector.rejected)
    }

    private init(layout: VolumeLayout, thinPool: ThinPool?) {
        self.layout = layout
        self.thinPool = thinPool
    }

    private mutating func choice(
        for preference: BackendPreference
    ) throws(VolumeError) -> BackendSelection.Choice {
        switch preference {
        case .auto:
            if thinPool != nil { return try thin(LoopFormat.inOrderOfMerit) }
            if passes(.projectQuota) { return .projectQuota }
            if passes(.btrfs) { return .btrfs }
            let formats = usableFormats()
            return formats.isEmpty ? .directory : .loop(formats)
        case .projectQuota:
            try BackendProbe.run(.projectQuota, layout)
            return .projectQuota
        case .btrfs:
            try BackendProbe.run(.btrfs, layout)
            return .btrfs
        case .loop:
            let formats = usableFormats()
            guard !formats.isEmpty else {
                throw .unavailable(.loopExt4, rejected.last?.reason ?? "")
            }
            return .loop(formats)
        case .loopExt4:
            try BackendProbe.run(.loopExt4, layout)
            return .loop([.ext4])
        case .loopXFS:
            try BackendProbe.run(.loopXFS, layout)
            return .loop(passes(.loopExt4) ? [.xfs, .ext4] : [.xfs])
        case .lvmThin: return try thin(LoopFormat.inOrderOfMerit)
        case .lvmThinExt4: return try thin([.ext4])
        case .lvmThinXFS: return try thin([.xfs])
        case .directory:
            return .directory
        }
    }

    /// A pool that was named and can't be used is an error, never another way to keep volumes.
    private mutating func thin(
        _ formats: [LoopFormat]
    ) throws(VolumeError) -> BackendSelection.Choice {
        guard let thinPool else {
            throw .unavailable(.lvmThinExt4, "no thin pool is named (--thin-pool GROUP/POOL)")
        }
        let usable = formats.filter { passes($0.thinBackend) }
        guard !usable.isEmpty else {
            throw .unavailable(formats[0].thinBackend, rejected.last?.reason ?? "")
        }
        return .lvmThin(thinPool, usable)
    }

    private mutating func usableFormats() -> [LoopFormat] {
        var usable: [LoopFormat] = []
        for format in LoopFormat.inOrderOfMerit {
            let kind: BackendKind = format == .ext4 ? .loopExt4 : .loopXFS
            if passes(kind) { usable.append(format) }
        }
        return usable
    }

    private mutating func passes(_ kind: BackendKind) -> Bool {
        do {
            try BackendProbe.run(kind, layout, thinPool)
            return true
        } catch .unavailable(_, let reason) {
            rejected.append(BackendSelection.Rejection(kind: kind, reason: reason))
        } catch {
            rejected.append(BackendSelection.Rejection(kind: kind, reason: "\(error)"))
        }
        return false
    }
}
