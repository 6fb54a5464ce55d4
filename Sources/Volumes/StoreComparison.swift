internal import Linux
internal import Model

/// Compares one disk with the books.
struct StoreComparison {
    let whole: StorageComparison
    let store: StoreObservation
    let known: [VolumeUUID: StoredVolume]
    let owners: [String: StoreObservation.OwnerFile]
    let places: [String: StoreObservation.DataPlace]
    let images: [String: StoreObservation.ImageFile]
    /// By place, the one that is seen first.
    let mounts: [String: [MountEntry]]

    init(_ store: StoreObservation, in whole: StorageComparison) {
        self.whole = whole
        self.store = store
        known = Dictionary(
            store.known.map { ($0.record.uuid, $0) }, uniquingKeysWith: { first, _ in first })
        owners = Dictionary(
            store.owners.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        places = Dictionary(
            store.places.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        images = Dictionary(
            store.images.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        mounts = Dictionary(grouping: store.mounts, by: \.mountPoint)
    }

    /// Journal against disk, then disk against journal.
    func append(to findings: inout [StorageFinding]) {
        for volume in whole.books.journal
        where volume.disk == store.disk && whole.isSettled(volume.uuid) {
            guard let paths = paths(of: volume) else { continue }
            compare(volume, paths, &findings)
        }
        appendLeftovers(to: &findings)
    }

    func paths(of volume: BookedVolume) -> VolumePaths? {
        try? store.layout.paths(
            uuid: volume.uuid, role: volume.role, persistenceID: volume.persistenceID)
    }

    func finding(
        _ code: FindingCode, _ volume: BookedVolume, _ evidence: String,
        _ repair: StorageRepair? = nil
    ) -> StorageFinding {
        StorageFinding(
            code, volume.uuid.value, uuid: volume.uuid, disk: store.disk, evidence, repair)
    }

    private func compare(
        _ volume: BookedVolume, _ paths: VolumePaths, _ findings: inout [StorageFinding]
    ) {
        let now = known[volume.uuid]
        guard volume.isPrepared, now?.record.state != .creating else {
            if now == nil, owners[paths.owner] == nil, places[paths.data] == nil {
                findings.append(
                    finding(
                        .volumeUnmade, volume,
                        "never used, and gone; the agent makes it again at its next start"))
            }
            return
        }
        if now?.record.state == .deleting || owners[paths.retired] != nil {
            findings.append(
                finding(
                    .volumeGivenUp, volume,
                    "the journal has it, and \(paths.retired) says that it is given up"))
            return
        }
        guard let expected = expectedRecord(volume, paths), isPresent(expected, paths) else {
            let other = places[paths.data].map { "; something else is at \($0.path)" } ?? ""
            findings.append(
                finding(
                    .volumeLost, volume,
                    "its data is not at \(missingPlace(now, paths))\(other)"))
            return
        }
        compareOwner(volume, paths, expected, &findings)
        switch expected.backend {
        case .loopExt4, .loopXFS: compareImage(volume, paths, &findings)
        case .projectQuota, .btrfs: compareLimit(volume, &findings)
        case .lvmThinExt4, .lvmThinXFS: compareThin(volume, paths, &findings)
        case .directory, .mountDisk: break
        }
        if expected.backend.format == nil { compareCovers(paths, volume, &findings) }
    }

    private func missingPlace(_ known: StoredVolume?, _ paths: VolumePaths) -> String {
        switch known?.record.backend {
        case .loopExt4, .loopXFS: paths.image
        case .lvmThinExt4, .lvmThinXFS: known?.record.thinPool ?? "its thin pool"
        case .directory, .projectQuota, .btrfs, .mountDisk: paths.data
        case nil: "\(paths.data) and \(paths.image)"
        }
    }

    /// Whether the data itself is there, mounted or not.
    private func isPresent(_ record: VolumeRecord, _ paths: VolumePaths) -> Bool {
        switch record.backend {
        case .loopExt4, .loopXFS: images[paths.image] != nil
        case .lvmThinExt4, .lvmThinXFS: store.thin[record.uuid]?.isThere == true
        case .directory, .projectQuota, .btrfs: places[paths.data]?.isDirectory == true
        case .mountDisk:
            places[paths.data]?.isDirectory == true
                && (record.rootInode == nil || places[paths.data]?.inode == record.rootInode)
        }
    }

    /// What the owner file should say; nil where nothing tells what the volume's backend is.
    func expectedRecord(_ volume: BookedVolume, _ paths: VolumePaths) -> VolumeRecord? {
        let written = owners[paths.owner]?.record
        var record: VolumeRecord
        if let known = known[volume.uuid]?.record {
            record = known
        } else if let written, written.uuid == volume.uuid {
            record = written
        } else if let backend = backendOnDisk(paths) {
            record = VolumeRecord(
                spec: VolumeSpec(
                    uuid: volume.uuid, role: volume.role, persistenceID: volume.persistenceID,
                    bytes: volume.bytes),
                backend: backend, state: .ready, createdAt: "")
        } else {
            return nil
        }
        record.spec.role = volume.role
        record.spec.persistenceID = volume.persistenceID
        record.spec.bytes = volume.bytes
        record.state = .ready
        // An image under the volume's own UUID can be nothing else.
        if let image = images[paths.image]?.fileSystem {
            record.backend = image.format.backend
        }
        return record
    }

    /// Of a volume that nothing but its data speaks of.
    private func backendOnDisk(_ paths: VolumePaths) -> BackendKind? {
        if let image = images[paths.image] { return image.fileSystem?.format.backend }
        return places[paths.data]?.isDirectory == true ? .directory : nil
    }

    private func compareOwner(
        _ volume: BookedVolume, _ paths: VolumePaths, _ expected: VolumeRecord,
        _ findings: inout [StorageFinding]
    ) {
        // By path alone a directory could be anybody's.
        let isSure = known[volume.uuid] != nil || images[paths.image] != nil
        let repair = isSure ? StorageRepair.writeOwner(expected) : nil
        guard let file = owners[paths.owner] else {
            findings.append(finding(.ownerMissing, volume, "\(paths.owner) is not there", repair))
            return
        }
        guard let written = file.record else {
            findings.append(
                finding(.ownerUnreadable, volume, "\(file.path) is no owner file", repair))
            return
        }
        guard written.uuid == volume.uuid else {
            findings.append(
                finding(
                    .ownerForeign, volume, "\(file.path) is of volume \(written.uuid)", repair))
            return
        }
        if written.backend != expected.backend {
            findings.append(
                finding(
                    .backendWrong, volume,
                    "\(file.path) says \(written.backend.rawValue), the data is "
                        + expected.backend.rawValue,
                    .writeOwner(expected)))
        }
        let differences = differences(written, expected)
        guard !differences.isEmpty else { return }
        findings.append(
            finding(
                .ownerDiffers, volume,
                "\(file.path) has \(differences.joined(separator: ", "))", .writeOwner(expected)))
    }

    private func differences(_ written: VolumeRecord, _ expected: VolumeRecord) -> [String] {
        var result: [String] = []
        func note(_ name: String, _ left: String, _ right: String) {
            if left != right { result.append("\(name) \(left), not \(right)") }
        }
        note("role", written.spec.role, expected.spec.role)
        note("id", written.spec.persistenceID, expected.spec.persistenceID)
        note("bytes", "\(written.spec.bytes)", "\(expected.spec.bytes)")
        note("state", written.state.rawValue, expected.state.rawValue)
        note(
            "project", written.projectID.map { "\($0)" } ?? "none",
            expected.projectID.map { "\($0)" } ?? "none")
        note(
            "root inode", written.rootInode.map { "\($0)" } ?? "none",
            expected.rootInode.map { "\($0)" } ?? "none")
        return result
    }
}

extension LoopFormat {
    var backend: BackendKind {
        switch self {
        case .ext4: .loopExt4
        case .xfs: .loopXFS
        }
    }
}

extension BackendKind {
    /// Of a file system that is the volume's own; nil: it is a directory of the disk's.
    var format: LoopFormat? {
        switch self {
        case .loopExt4, .lvmThinExt4: .ext4
        case .loopXFS, .lvmThinXFS: .xfs
        case .projectQuota, .btrfs, .directory, .mountDisk: nil
        }
    }
}
