import MachineCore
package import Model

extension Agent {
    /// The problem of a volume of the journal that lies on no disk.
    static let missingVolume = "the volume is missing on this agent's disks"
    private static let reportsPerMessage = 1_000

    mutating func keep(_ reports: [VolumeReport], into outbox: inout Outbox<Action>) {
        // A new volume's report may come before its operation has ended.
        let bound = options.limits.volumesPerAgent + options.limits.pendingOperationsPerAgent
        var kept: [VolumeReport] = []
        for report in reports
        where volumeReports[report.uuid] != nil || volumeReports.count < bound {
            volumeReports[report.uuid] = report
            kept.append(report)
        }
        let prepared = kept.map(\.uuid).filter(state.unprepared.contains)
        if !prepared.isEmpty { store(.volumesPrepared(prepared), into: &outbox) }
        if isRegistered, !kept.isEmpty { outbox.append(.send(.volumeReport(kept))) }
        takeBack(kept.map(\.uuid), into: &outbox)
    }

    /// Volumes of the books that were missing at the start and are there now, after a repair: the
    /// master hears of them as at any registration.
    private mutating func takeBack(_ found: [VolumeUUID], into outbox: inout Outbox<Action>) {
        let missed = found.filter {
            volumeProblems[$0] == Self.missingVolume && state.volumes[$0] != nil
        }
        guard !missed.isEmpty else { return }
        for uuid in missed { volumeProblems[uuid] = nil }
        guard connection != .disconnected else { return }
        reconnect("\(missed.count) volumes that were missing are there again", into: &outbox)
    }

    /// Tells a master that may know nothing yet how all volumes fare.
    func tellVolumes(into outbox: inout Outbox<Action>) {
        let known = state.sortedVolumes.compactMap { volumeReports[$0.uuid] }
        var rest = known[...]
        while !rest.isEmpty {
            outbox.append(.send(.volumeReport(Array(rest.prefix(Self.reportsPerMessage)))))
            rest = rest.dropFirst(Self.reportsPerMessage)
        }
    }

    /// Where the persistent volumes among `resources` belong in a container.
    func mounts(of resources: [Resource]) -> [VolumeMount] {
        resources.compactMap { resource in
            guard let uuid = volume(of: resource) else { return nil }
            return VolumeMount(
                volume: uuid, containerPath: resource.disk?.volume?.containerPath ?? "",
                isReadOnly: resource.disk?.volume?.mode == .readOnly,
                isShared: resource.isShared)
        }
    }

    /// The volume that a resource names, if it names one of the books.
    package func volume(of resource: Resource) -> VolumeUUID? {
        guard resource.isPersistentVolume else { return nil }
        return state.volumesByKey[ResourceKey(resource.with(allocationRole: nil))]
    }

    /// Why a volume among `resources` can't be used, or nil.
    func volumeProblem(of resources: [Resource]) -> String? {
        for mount in mounts(of: resources) {
            if erasing.contains(mount.volume) { return "volume \(mount.volume) is being erased" }
            if let problem = volumeProblems[mount.volume] {
                return "volume \(mount.volume): \(problem)"
            }
        }
        return nil
    }
}
