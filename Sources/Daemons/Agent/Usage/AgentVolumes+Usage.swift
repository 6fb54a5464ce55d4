import Linux
import Model
import Synchronization
import Volumes

// How full the volumes are. What the kernel counts is read: a call or a small file each. What has
// to be counted is the poller's (`DiskWatch`), and here its last count.

extension AgentVolumes {
    /// Count the volumes that nothing else limits; all belong to the watch's thread.
    func makePollers(_ watch: DirectoryWatch) -> [UsagePoller] {
        named.map { UsagePoller($0.1, watch: watch) }
    }

    /// Takes and reports what a poller has counted.
    func note(_ samples: [UsagePoller.Sample]) {
        counted.withLock { counted in
            for sample in samples {
                counted[sample.uuid] = UsageAmounts(
                    usedBytes: sample.usedBytes, limitBytes: sample.limitBytes,
                    usedInodes: sample.usedInodes, source: .walk, at: .now)
            }
        }
        report(samples.map(\.uuid))
    }

    /// Reads all volumes, by UUID, and reports those that the kernel limits; blocks.
    func readUsage() -> [UsageSnapshot.Volume] {
        var volumes: [UsageSnapshot.Volume] = []
        var reports: [VolumeReport] = []
        for (name, store) in named {
            for status in store.inventory() where status.record.state == .ready {
                let record = status.record
                var volume = UsageSnapshot.Volume(
                    uuid: record.uuid, persistenceID: record.spec.persistenceID,
                    role: record.spec.role, disk: name, backend: record.backend.rawValue)
                do throws(VolumeError) {
                    if let usage = try usage(status, store) {
                        volume.amounts = UsageAmounts(usage, record.backend.usageSource)
                        if status.enforcement != .poll {
                            reports.append(Self.report(status, usage))
                        }
                    }
                    if status.enforcement == .poll {
                        volume.amounts = counted.withLock { $0[record.uuid] }
                        volume.amounts?.limitBytes = record.spec.bytes
                    }
                } catch {
                    // Given up meanwhile: no problem of the disk.
                    if case .notFound = error { continue }
                    volume.problem = "\(error)"
                    reports.append(Self.report(status, nil))
                }
                if volume.problem == nil { volume.traffic = traffic(of: status) }
                volumes.append(volume)
            }
        }
        if !reports.isEmpty { reported(reports) }
        return volumes.sorted { $0.uuid < $1.uuid }
    }

    /// What a device of the volume's own has done for it. A loop device goes on counting from what
    /// it did for others: the count begins when the volume is made, or at the agent's start.
    func traffic(of status: VolumeStatus) -> BlockTraffic? {
        guard status.record.backend.hasOwnDevice,
            let device = (try? FileStatus.of(status.path))?.deviceNumber,
            let now = BlockTraffic.of(device)
        else { return nil }
        guard device.isLoop, status.record.backend != .mountDisk else { return now }
        return baselines.withLock { baselines in
            let uuid = status.record.uuid
            let known = baselines[uuid].flatMap { $0.device == device ? $0 : nil }
            let baseline = known ?? TrafficBaseline(device: device, traffic: now)
            baselines[uuid] = baseline
            return now.since(baseline.traffic)
        }
    }

    /// Those that are being made or given up, too.
    var allUUIDs: Set<VolumeUUID> {
        Set(named.flatMap { $0.1.inventory().map(\.record.uuid) })
    }

    /// Each disk's name and where it is.
    var places: [(name: String, path: String)] {
        named.map { name, store in
            switch store.layout.disk {
            case .root(let directory), .path(let directory): (name, directory)
            case .mount(let root, _): (name, root)
            }
        }
    }

    /// The volumes on a disk, for those who hear that it is suspect.
    func concerned(_ disk: String) -> [UsageEvent.Volume] {
        guard let store = store(named: disk) else { return [] }
        return store.inventory().filter { $0.record.state != .deleting }.prefix(1000).map {
            let spec = $0.record.spec
            return UsageEvent.Volume(
                uuid: spec.uuid, persistenceID: spec.persistenceID, role: spec.role,
                usedBytes: counted.withLock { $0[spec.uuid]?.usedBytes } ?? 0,
                limitBytes: spec.bytes)
        }
    }

    /// Refuses a new volume on a disk that may fail.
    func requireSound(_ disk: String) throws(VolumeError) {
        guard let reasons = suspicions.withLock({ $0[disk] }) else { return }
        throw .conflict(
            "the disk '\(disk)' takes no new volumes: " + reasons.joined(separator: "; "))
    }

    /// Reads the disks that volumes are on, the agent's own first; blocks.
    func readDisks() -> [UsageSnapshot.Disk] {
        let mounts = (try? MountTable.current()) ?? MountTable(text: "")
        let suspicions = suspicions.withLock { $0 }
        return places.map { name, path in
            var disk = UsageSnapshot.Disk(
                name: name, path: path, device: mounts.containing(path)?.source ?? "",
                suspicions: suspicions[name] ?? [])
            guard let space = try? DiskSpace.of(path) else { return disk }
            disk.amounts = UsageAmounts(
                usedBytes: space.usedBytes, limitBytes: space.totalBytes,
                usedInodes: space.usedInodes, limitInodes: space.limitInodes, source: .statvfs,
                at: .now)
            disk.traffic = mounts.containing(path).flatMap { BlockTraffic.of($0.device) }
            return disk
        }
    }

    /// To count a tree takes long: that is the poller's, and here its last count.
    func usage(
        _ status: VolumeStatus, _ store: VolumeStore
    ) throws(VolumeError) -> VolumeUsage? {
        guard status.enforcement == .poll else { return try store.usage(status.record.uuid) }
        guard let last = counted.withLock({ $0[status.record.uuid] }) else { return nil }
        return VolumeUsage(
            usedBytes: last.usedBytes, usedInodes: last.usedInodes,
            usableBytes: status.record.spec.bytes)
    }

    static func report(_ status: VolumeStatus, _ usage: VolumeUsage?) -> VolumeReport {
        VolumeReport(
            uuid: status.record.uuid, backend: status.record.backend.rawValue,
            enforcement: VolumeReport.Enforcement(rawValue: status.enforcement.rawValue) ?? .none,
            growsWhileMounted: status.growsWhileMounted, usableBytes: usage?.usableBytes,
            usedBytes: usage?.usedBytes, bookedBytes: status.record.spec.bytes)
    }
}
