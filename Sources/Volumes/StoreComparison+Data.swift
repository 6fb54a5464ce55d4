internal import Linux
internal import Model

// What limits a volume and what makes it reachable.
extension StoreComparison {
    func compareImage(
        _ volume: BookedVolume, _ paths: VolumePaths, _ findings: inout [StorageFinding]
    ) {
        guard let image = images[paths.image] else { return }
        let wanted = LoopImageBackend.imageBytes(forBooked: volume.bytes)
        let inside = image.fileSystem?.bytes ?? 0
        if image.bytes < inside {
            findings.append(
                finding(
                    .imageTruncated, volume,
                    "\(image.path) has \(image.bytes) bytes, its file system \(inside)"))
            return
        }
        if image.bytes < wanted {
            findings.append(
                finding(
                    .imageShort, volume,
                    "\(image.path) has \(image.bytes) bytes, \(wanted) are booked", .growImage))
        }
        if image.bytes > wanted {
            findings.append(
                finding(
                    .imageLong, volume,
                    "\(image.path) has \(image.bytes) bytes, \(wanted) are booked",
                    inside <= wanted ? .cutImage : nil))
        }
        guard !isMounted(image, at: paths.data) else { return }
        let top = mounts[paths.data]?.first
        let evidence =
            top.map { "\(paths.data) shows \($0.source), not \(image.path)" }
            ?? "\(image.path) is not mounted at \(paths.data)"
        // Its own mount below another one is to be uncovered, not made anew.
        let isCovered = mounts[paths.data]?.contains { isOwn($0, image) } ?? false
        let cover = isCovered ? top.map { StorageRepair.unmount($0.mountPoint, id: $0.id) } : nil
        findings.append(finding(.volumeUnmounted, volume, evidence, cover ?? .mount))
    }

    func compareThin(
        _ volume: BookedVolume, _ paths: VolumePaths, _ findings: inout [StorageFinding]
    ) {
        guard store.thin[volume.uuid]?.isMounted == false else { return }
        findings.append(
            finding(
                .volumeUnmounted, volume, "its thin volume is not mounted at \(paths.data)", .mount)
        )
    }

    private func isMounted(_ image: StoreObservation.ImageFile, at path: String) -> Bool {
        mounts[path]?.first.map { isOwn($0, image) } ?? false
    }

    private func isOwn(_ mount: MountEntry, _ image: StoreObservation.ImageFile) -> Bool {
        guard let loop = whole.loops[mount.device] else { return false }
        return loop.device == image.device && loop.inode == image.inode
    }

    func compareLimit(_ volume: BookedVolume, _ findings: inout [StorageFinding]) {
        guard let limit = store.limits[volume.uuid] else { return }
        if !limit.isCounted {
            findings.append(
                finding(
                    .quotaMissing, volume, "its root is not counted in \(limit.group)", .mount))
        } else if limit.bytes != limit.wantedBytes {
            findings.append(
                finding(
                    .quotaLimit, volume,
                    "\(limit.group) is limited to \(limit.bytes) bytes, not \(limit.wantedBytes)",
                    .mount))
        }
    }

    /// Something mounted over a volume that is a directory hides it.
    func compareCovers(
        _ paths: VolumePaths, _ volume: BookedVolume, _ findings: inout [StorageFinding]
    ) {
        for mount in mounts[paths.data] ?? [] {
            findings.append(
                StorageFinding(
                    .mountStale, mount.mountPoint, uuid: volume.uuid, disk: store.disk,
                    "\(mount.source) is mounted over volume \(volume.uuid)",
                    .unmount(mount.mountPoint, id: mount.id)))
        }
    }

    // MARK: what no book accounts for

    func appendLeftovers(to findings: inout [StorageFinding]) {
        appendUnclaimed(to: &findings)
        appendDeleting(to: &findings)
        appendMounts(to: &findings)
        appendLoops(to: &findings)
        let used = Set(store.known.compactMap(\.record.projectID))
        for project in store.projects
        where project.isUnused && project.limitBytes != 0 && !used.contains(project.id) {
            findings.append(
                StorageFinding(
                    .quotaLeaked, "\(project.id)", disk: store.disk,
                    "limited to \(project.limitBytes) bytes; no file and no volume has it",
                    .clearProject(project.id)))
        }
    }

    /// What images, data places and owner files volumes account for, known or booked.
    private var claimed: (images: Set<String>, places: Set<String>, owners: Set<String>) {
        var paths = store.known.filter { $0.record.state != .deleting }.map(\.paths)
        for volume in whole.books.journal + whole.books.arriving where volume.disk == store.disk {
            if let own = self.paths(of: volume) { paths.append(own) }
        }
        let retired = store.known.filter { $0.record.state == .deleting }.map(\.paths)
        return (
            Set((paths + retired).map(\.image)), Set(paths.map(\.data)),
            Set((paths + retired).flatMap { [$0.owner, $0.retired] })
        )
    }

    private func isMoving(path: String) -> Bool {
        let name = Files.name(of: path).split(separator: ".").first.map(String.init) ?? ""
        return !whole.isSettled(VolumeUUID(name))
    }

    private func appendUnclaimed(to findings: inout [StorageFinding]) {
        for volume in store.known where volume.record.state != .deleting {
            let uuid = volume.record.uuid
            guard whole.isSettled(uuid), whole.booked[uuid] == nil else { continue }
            findings.append(
                StorageFinding(
                    .volumeUnclaimed, uuid.value, uuid: uuid, disk: store.disk,
                    "'\(volume.record.spec.persistenceID)' of \(volume.record.spec.role) at "
                        + "\(volume.paths.data); the journal does not have it",
                    .setAside(nil)))
        }
        let claimed = claimed
        let add = {
            (findings: inout [StorageFinding], code: FindingCode, path: String, text: String) in
            findings.append(
                StorageFinding(code, path, disk: store.disk, text, .setAside(path)))
        }
        for place in store.places where !claimed.places.contains(place.path) {
            // The root of a MOUNT disk without a volume may hold anything.
            if case .mount = store.layout.disk { continue }
            if place.isDirectory && place.isEmpty || mounts[place.path] != nil { continue }
            add(&findings, .directoryUnclaimed, place.path, "no volume belongs there")
        }
        for image in store.images
        where !claimed.images.contains(image.path) && !isMoving(path: image.path) {
            add(&findings, .imageUnclaimed, image.path, "\(image.bytes) bytes of no volume")
        }
        for file in store.owners
        where !claimed.owners.contains(file.path) && !isMoving(path: file.path) {
            let text = file.record.map { "of volume \($0.uuid), not of its name" }
            add(&findings, .ownerUnclaimed, file.path, text ?? "no owner file can be read there")
        }
    }

    private func appendDeleting(to findings: inout [StorageFinding]) {
        let retired = store.known.filter { $0.record.state == .deleting }
        for volume in retired {
            let uuid = volume.record.uuid
            guard whole.isSettled(uuid), whole.booked[uuid] == nil,
                !store.erasing.contains(uuid)
            else { continue }
            findings.append(
                StorageFinding(
                    .erasurePending, uuid.value, uuid: uuid, disk: store.disk,
                    "given up, and its data is not erased yet", .erase))
        }
        let accounted = Set(retired.map(\.paths.deleting))
        for path in store.deleting where !accounted.contains(path) && !isMoving(path: path) {
            findings.append(
                StorageFinding(
                    .deletingLeftover, path, disk: store.disk,
                    "no volume that was given up belongs there", .setAside(path)))
        }
    }

    /// Second mounts of a volume, and mounts of volumes that are no more.
    private func appendMounts(to findings: inout [StorageFinding]) {
        var seen: Set<String> = []
        let moving = Set(
            store.known.filter { !whole.isSettled($0.record.uuid) }.map(\.paths.data)
                + whole.books.arriving.compactMap { paths(of: $0)?.data })
        // An unclaimed volume's mount is its own as well.
        let volumes = whole.books.journal.filter { $0.disk == store.disk }
        let accounted =
            store.known.filter { $0.record.state != .deleting }.map(\.paths)
            + volumes.compactMap { paths(of: $0) }
        var own: [String: StoreObservation.ImageFile] = [:]
        for paths in accounted { own[paths.data] = images[paths.image] }
        for mount in store.mounts where !moving.contains(mount.mountPoint) {
            guard let loop = whole.loops[mount.device],
                loop.file.hasPrefix(store.layout.images + "/")
            else { continue }
            if let image = own[mount.mountPoint], isOwn(mount, image),
                seen.insert(mount.mountPoint).inserted
            {
                continue
            }
            findings.append(
                StorageFinding(
                    .mountStale, mount.mountPoint, disk: store.disk,
                    "\(loop.file) is mounted there by \(loop.path)",
                    .unmount(mount.mountPoint, id: mount.id)))
        }
    }

    /// Devices of our images that make no volume reachable.
    private func appendLoops(to findings: inout [StorageFinding]) {
        let mounted = Set(store.mounts.map(\.device))
        let waiting = Set(
            store.known.filter { $0.record.state != .ready || !whole.isSettled($0.record.uuid) }
                .map(\.paths.image))
        for loop in whole.observation.loops
        where loop.file.hasPrefix(store.layout.images + "/") && !mounted.contains(loop.number) {
            let suffix = " (deleted)"
            let isDeleted = loop.file.hasSuffix(suffix)
            let path = isDeleted ? String(loop.file.dropLast(suffix.count)) : loop.file
            guard !waiting.contains(path), !isMoving(path: path) else { continue }
            findings.append(
                StorageFinding(
                    .loopStale, loop.path, disk: store.disk,
                    isDeleted
                        ? "it stands on \(path), which is deleted"
                        : "it stands on \(path), and is not what is mounted of it",
                    .detachLoop(loop.path)))
        }
    }
}
