package import Linux
internal import Model
internal import Synchronization

extension VolumeStore {
    private static let namesAtMost = 200_000
    private static let projectsAtMost = 100_000

    /// Looks at everything on the disk and changes nothing; blocks.
    ///
    /// `disk` is the name that the books have for it; `mounts` is this process's table.
    package func observe(disk: String, mounts: MountTable) -> StoreObservation {
        var result = StoreObservation(disk: disk, layout: layout)
        (result.known, result.erasing) = index.withLock { ($0.volumes, $0.erasing) }
        result.mounts = mounts.below(layout.roles)
        observeOwners(&result)
        observePlaces(&result)
        observeImages(&result)
        for name in list(layout.deleting, &result) {
            result.deleting.append("\(layout.deleting)/\(name)")
        }
        for volume in result.known where volume.record.state == .ready {
            if let thin = try? backend(volume.record.backend) as? LVMThinBackend {
                result.thin[volume.record.uuid] = thin.place(of: volume)
            }
            guard let backend = try? backend(volume.record.backend),
                let limit = try? backend.limit(of: volume)
            else { continue }
            result.limits[volume.record.uuid] = limit
        }
        if let backend = try? backend(.projectQuota) as? ProjectQuotaBackend {
            result.projects = backend.projects(at: layout.base, atMost: Self.projectsAtMost)
        }
        return result
    }

    private func list(_ directory: String, _ result: inout StoreObservation) -> [String] {
        do {
            let names = try Files.list(directory, limit: Self.namesAtMost)
            if names.count == Self.namesAtMost {
                result.problems.append("\(directory) (beyond \(names.count) names)")
            }
            return names
        } catch {
            result.problems.append(directory)
            return []
        }
    }

    private func observeOwners(_ result: inout StoreObservation) {
        for name in list(layout.owners, &result) {
            guard name.hasSuffix(".json") || name.hasSuffix(".retired") else { continue }
            let path = "\(layout.owners)/\(name)"
            // One that is gone since was there for the next look to miss.
            guard FileStatus.exists(path) else { continue }
            let bytes = try? DurableFile.read(path)
            result.owners.append(
                StoreObservation.OwnerFile(
                    path: path, record: bytes.flatMap { VolumeRecord(decoding: $0) }))
        }
    }

    private func observePlaces(_ result: inout StoreObservation) {
        if case .mount(let root, _) = layout.disk {
            observePlace(root, isKnown: true, &result)
            return
        }
        let known = Set(result.known.map(\.paths.data))
        for role in list(layout.roles, &result) {
            let directory = "\(layout.roles)/\(role)"
            guard (try? FileStatus.of(directory))?.kind == .directory else {
                observePlace(directory, isKnown: false, &result)
                continue
            }
            for name in list(directory, &result) {
                let path = "\(directory)/\(name)"
                observePlace(path, isKnown: known.contains(path), &result)
            }
        }
    }

    private func observePlace(_ path: String, isKnown: Bool, _ result: inout StoreObservation) {
        guard let status = try? FileStatus.ifPresent(path) else { return }
        let isDirectory = status.kind == .directory
        let isEmpty = !isKnown && isDirectory && (try? Files.isEmptyDirectory(path)) == true
        result.places.append(
            StoreObservation.DataPlace(
                path: path, isDirectory: isDirectory, inode: status.inode, isEmpty: isEmpty))
    }

    private func observeImages(_ result: inout StoreObservation) {
        for name in list(layout.images, &result) where !name.hasPrefix(Self.scratchPrefix) {
            let path = "\(layout.images)/\(name)"
            guard let status = try? FileStatus.ifPresent(path), status.kind == .file else {
                continue
            }
            result.images.append(
                StoreObservation.ImageFile(
                    path: path, device: status.device, inode: status.inode, bytes: status.size,
                    fileSystem: (try? ImageFileSystem(ofImage: path)) ?? nil))
        }
    }
}

extension StorageObservation {
    /// What containers may have mounted: in sandboxes below `sandboxes`, and as roots of images
    /// below `roots`.
    package mutating func observeMachine(
        _ mounts: MountTable, sandboxes: String, roots: String
    ) throws(VolumeError) {
        containerMounts = mounts.below(sandboxes) + mounts.below(roots)
        // Only root can have made one, or look at it.
        guard Privilege.isRoot else { return }
        loops = try VolumeError.wrap { () throws(SystemError) in try LoopDevice.attached() }
    }
}
