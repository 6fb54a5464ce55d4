package import Linux

/// What a container may do on the disk of its sandbox and on its volumes' devices, by its own
/// control group.
///
/// In cgroup v1 that holds reads, direct I/O and what is synced; what the kernel writes back later
/// is done in the root group, where a volume's limit is set, too (`DeviceThrottles`).
package struct DiskIsolator: Isolator {
    private let disk: DeviceNumber?

    /// `disk` is the whole disk below the sandboxes; nil: it can't be limited.
    package init(disk: DeviceNumber?) { self.disk = disk }

    package func prepare(_ spec: ContainerSpec) throws(ContainerError) -> LaunchPlan {
        var plan = LaunchPlan()
        for volume in spec.volumes {
            guard let throttle = volume.throttle, !throttle.rates.isEmpty,
                !plan.throttles.contains(where: { $0.device == throttle.device })
            else { continue }
            plan.throttles.append(throttle)
        }
        let rates = spec.limits.diskRates.stricter(spec.limits.diskCeiling)
        guard !rates.isEmpty else { return plan }
        guard let disk else {
            throw ContainerError(
                "what a container does on its sandbox's disk can't be limited here: that needs a"
                    + " block device below it and cgroup v1 blkio or v2 io")
        }
        plan.throttles.append(DeviceThrottle(device: disk, rates: rates))
        return plan
    }

    /// The disk below a directory, where its groups can be limited on it.
    package static func disk(of directory: String, _ layout: CgroupLayout) -> DeviceNumber? {
        let controller = layout.version == .v2 ? "io" : "blkio"
        guard layout.controllers[controller] != nil,
            let mount = try? MountTable.current().containing(directory)
        else { return nil }
        return mount.device.wholeDisk
    }
}
