internal import Foundation
internal import Linux

// Volumes of later tasks are mounted in the sandbox on the host, from where they reach the
// container, and are unmounted there. So every mount below a sandbox is such a one.

extension RuncLauncher {
    package func update(
        _ id: String, limits: ContainerSpec.Limits, volumes: [ContainerSpec.Volume]
    ) throws(ContainerError) {
        guard let record = containers.state(id).record(), containers.main(id) != nil else {
            throw ContainerError("container \(id) does not run")
        }
        let places = try SandboxPlaces(volumes, taken: record.places ?? [], record.sandbox)
        do throws(SystemError) {
            let kept = try removeUnwanted(places, record)
            for place in places.sorted where !kept.contains(place.path) {
                try mount(place.volume, at: place.path, record)
            }
        } catch {
            throw ContainerError("the volumes of container \(id): \(error)")
        }
        try updateLimits(id, limits)
        try updateRates(id, limits.diskRates, volumes.compactMap(\.throttle), record)
    }

    private func updateRates(
        _ id: String, _ share: DeviceRates, _ volumes: [DeviceThrottle],
        _ record: StateDirectory.Record
    ) throws(ContainerError) {
        // Elsewhere no group can limit a device, and no volume has limits.
        guard sandboxDisk != nil || volumes.contains(where: { !$0.rates.isEmpty }),
            let group = DeviceThrottles(cgroup(id))
        else { return }
        let rates = share.stricter(record.diskCeiling ?? DeviceRates())
        do throws(SystemError) {
            if let sandboxDisk { try group.set(rates, of: sandboxDisk) }
            for volume in volumes { try group.set(volume.rates, of: volume.device) }
        } catch {
            throw ContainerError("container \(id) keeps its limits of the disk: \(error)")
        }
    }

    /// Unmounts what is not wanted, or not so; returns the places that are as they should be.
    private func removeUnwanted(
        _ places: SandboxPlaces, _ record: StateDirectory.Record
    ) throws(SystemError) -> Set<[String]> {
        let table = try MountTable.current()
        let sandbox = try Files.realPath(record.sandbox)
        var kept: Set<[String]> = []
        for entry in table.below(sandbox) {
            let path = SandboxPlaces.components(entry.mountPoint, below: sandbox)
            if let volume = places[path], entry.shows(volume, in: table) {
                kept.insert(path)
                continue
            }
            try unmount(path, record)
        }
        return kept
    }

    /// A path that the task has changed meanwhile leads nowhere else: no link is followed.
    private func unmount(
        _ path: [String], _ record: StateDirectory.Record
    ) throws(SystemError) {
        let directory = try InsideDirectory(record.sandbox).makeDirectories(
            Array(path.dropLast()), uid: record.uid, gid: record.gid)
        try Mount.detach(
            "/proc/self/fd/\(directory.number)/\(path.last ?? "")", isLazy: true)
    }

    private func mount(
        _ volume: ContainerSpec.Volume, at path: [String], _ record: StateDirectory.Record
    ) throws(SystemError) {
        let directory = try InsideDirectory(record.sandbox).makeDirectories(
            path, uid: record.uid, gid: record.gid)
        let tree = try source(of: volume, record)
        var attributes: MountTree.Attributes = [.noSetID, .noDevices]
        if volume.isReadOnly { attributes.insert(.readOnly) }
        try tree.set(attributes)
        try tree.attach(to: directory, path.joined(separator: "/"))
    }

    /// The tasks of the executor may put links into its sandbox meanwhile.
    private func source(
        of volume: ContainerSpec.Volume, _ record: StateDirectory.Record
    ) throws(SystemError) -> MountTree {
        guard case .sandbox(let path) = volume.source else {
            return try MountTree.clone(volume.hostPath)
        }
        let sandbox = try InsideDirectory(record.sandbox)
        _ = try sandbox.makeDirectories(path, uid: record.uid, gid: record.gid)
        return try PinnedPath(path.joined(separator: "/"), in: sandbox).mounts(isRecursive: false)
    }

    /// Less memory than is used would be refused, or kill the container: it keeps the limit that it
    /// has then, as Mesos's does always. All else must succeed.
    private func updateLimits(
        _ id: String, _ limits: ContainerSpec.Limits
    ) throws(ContainerError) {
        let wanted = LimitsIsolator.limits(limits, hasSwapLimit: cgroups.hasSwapLimit)
        var arguments = ["--cpu-share", "\(wanted.cpuShares)"]
        if let quota = wanted.cpuQuotaMicroseconds {
            arguments += ["--cpu-quota", "\(quota)", "--cpu-period", "100000"]
        }
        if let processes = wanted.processes { arguments += ["--pids-limit", "\(processes)"] }
        let group = cgroup(id)
        var less: [String] = []
        if let memory = wanted.memoryBytes {
            var words = ["--memory", "\(memory)"]
            if wanted.hasSwapLimit { words += ["--memory-swap", "\(memory)"] }
            if let limit = group.memoryLimitBytes(), memory < limit {
                less = words
            } else {
                arguments += words
            }
        }
        do throws(SystemError) {
            try change(id, arguments)
        } catch {
            throw ContainerError("container \(id) keeps its limits: \(error)")
        }
        guard !less.isEmpty, let memory = wanted.memoryBytes, let used = group.memoryBytes(),
            used + used / 8 < memory
        else { return }
        _ = try? change(id, less)
    }

    private func change(_ id: String, _ arguments: [String]) throws(SystemError) {
        let outcome = try Command(
            runtime, ["--root", runtimeRoot, "update"] + arguments + [id],
            timeoutMilliseconds: 10_000
        ).run()
        if !outcome.isSuccess {
            throw SystemError("runc update", outcome.summary, errno: EINVAL)
        }
    }
}
