internal import Linux
internal import Model

/// Compares books and disks: the one place that says what damage is. It looks at nothing itself.
package struct StorageComparison {
    let books: StorageBooks
    let observation: StorageObservation
    /// The journal's volumes.
    let booked: [VolumeUUID: BookedVolume]
    let loops: [DeviceNumber: LoopAttachment]
    var findings: [StorageFinding] = []

    private init(_ books: StorageBooks, _ observation: StorageObservation) {
        self.books = books
        self.observation = observation
        booked = Dictionary(
            books.journal.map { ($0.uuid, $0) }, uniquingKeysWith: { first, _ in first })
        loops = Dictionary(
            observation.loops.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Worst first, and among equals in the order in which repairs belong.
    package static func findings(
        _ books: StorageBooks, _ observation: StorageObservation
    ) -> [StorageFinding] {
        var comparison = StorageComparison(books, observation)
        comparison.compareDisks()
        for store in observation.stores {
            StoreComparison(store, in: comparison).append(to: &comparison.findings)
        }
        comparison.compareContainers()
        comparison.compareRegistry()
        let order = Dictionary(
            FindingCode.allCases.enumerated().map { ($1, $0) }, uniquingKeysWith: { $1 })
        return comparison.findings.sorted {
            ($0.code.severity, order[$0.code] ?? 0, $0.subject, $0.disk)
                < ($1.code.severity, order[$1.code] ?? 0, $1.subject, $1.disk)
        }
    }

    /// What two looks have both seen: an operation between them is no damage.
    package static func confirmed(
        _ first: [StorageFinding], by second: [StorageFinding]
    ) -> [StorageFinding] {
        second.filter { finding in first.contains { $0.isSame(as: finding) } }
    }

    /// A volume whose state nobody changes just now.
    func isSettled(_ uuid: VolumeUUID) -> Bool { !books.moving.contains(uuid) }

    private mutating func compareDisks() {
        let disks = Set(observation.stores.map(\.disk))
        for volume in books.journal where !disks.contains(volume.disk) {
            findings.append(
                StorageFinding(
                    .diskMissing, volume.uuid.value, uuid: volume.uuid, disk: volume.disk,
                    "its disk '\(volume.disk)' is none of this agent's"))
        }
        for store in observation.stores {
            for problem in store.problems {
                findings.append(
                    StorageFinding(.unreadable, problem, disk: store.disk, "can't be looked at"))
            }
        }
        var homes: [VolumeUUID: [String]] = [:]
        for store in observation.stores {
            for volume in store.known where volume.record.state != .deleting {
                homes[volume.record.uuid, default: []].append(store.disk)
            }
        }
        for uuid in homes.keys.sorted() where isSettled(uuid) {
            guard let disks = homes[uuid], disks.count > 1, let volume = booked[uuid] else {
                continue
            }
            for disk in disks where disk != volume.disk {
                findings.append(
                    StorageFinding(
                        .uuidDuplicated, uuid.value, uuid: uuid, disk: disk,
                        "also on '\(disk)'; the journal has it on '\(volume.disk)'",
                        .setAside(nil)))
            }
        }
    }

    private mutating func compareContainers() {
        for mount in observation.containerMounts {
            let isUsed = books.containerPlaces.contains {
                MountTable.isBelowOrSame(mount.mountPoint, $0)
            }
            guard !isUsed else { continue }
            findings.append(
                StorageFinding(
                    .containerMountStale, mount.mountPoint, disk: "",
                    "\(mount.fileSystem) from \(mount.source); no container is there",
                    .unmount(mount.mountPoint, id: mount.id)))
        }
    }

    private mutating func compareRegistry() {
        guard let registry = books.registry else { return }
        var seen: Set<VolumeUUID> = []
        for row in registry where isSettled(row.uuid) {
            guard seen.insert(row.uuid).inserted else {
                findings.append(
                    StorageFinding(
                        .uuidDuplicated, row.uuid.value, uuid: row.uuid, disk: "",
                        "twice in the master's registry"))
                continue
            }
            compare(row)
        }
        for volume in books.journal where isSettled(volume.uuid) && !seen.contains(volume.uuid) {
            findings.append(missing(volume))
        }
    }

    private mutating func compare(_ row: RegistryVolume) {
        guard let volume = booked[row.uuid] else {
            // What the master has been told of and has in no book is found on the disk.
            if row.state == "unclaimed" { return }
            findings.append(
                StorageFinding(
                    .registryLost, row.uuid.value, uuid: row.uuid, disk: "",
                    "\(row.state) in the registry ('\(row.persistenceID)' of \(row.role)), and not "
                        + "in the agent's journal"))
            return
        }
        if row.state == "unclaimed" { return findings.append(missing(volume)) }
        var differences: [String] = []
        if row.role != volume.role { differences.append("role \(row.role), not \(volume.role)") }
        if row.persistenceID != volume.persistenceID {
            differences.append("id \(row.persistenceID), not \(volume.persistenceID)")
        }
        if row.bytes != volume.bytes {
            differences.append("\(row.bytes) bytes, not \(volume.bytes)")
        }
        guard !differences.isEmpty else { return }
        findings.append(
            StorageFinding(
                .registryDiffers, row.uuid.value, uuid: row.uuid, disk: volume.disk,
                "the registry has \(differences.joined(separator: ", "))"))
    }

    private func missing(_ volume: BookedVolume) -> StorageFinding {
        StorageFinding(
            .registryMissing, volume.uuid.value, uuid: volume.uuid, disk: volume.disk,
            "in the agent's journal ('\(volume.persistenceID)' of \(volume.role)), and not in the "
                + "master's registry")
    }
}
