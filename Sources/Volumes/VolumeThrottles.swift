package import Linux
package import Model

/// Holds the rates of volumes that have a device of their own.
///
/// A device's limits are set once its file system is mounted, for replaying a journal must not take
/// hours, and before anyone is told of the volume. They go after the device has gone: what is
/// written back while it goes is limited, too. A crash between the two leaves limits on the number
/// of a loop device that is free again: the next device of ours that gets the number begins without
/// any, and each start of an agent takes away what is left of those that are free.
package struct VolumeThrottles: Hashable, Sendable {
    private let devices: DeviceThrottles?

    /// Nil: this machine can limit no device.
    package init(_ devices: DeviceThrottles?) { self.devices = devices }

    /// This machine's; `containers` as in `DeviceThrottles`.
    package static func current(containers: String? = nil) -> VolumeThrottles {
        guard let layout = try? CgroupLayout.current() else { return VolumeThrottles(nil) }
        // In v2 only containers that are in the group would be limited.
        if layout.version == .v2, containers == nil { return VolumeThrottles(nil) }
        return VolumeThrottles(DeviceThrottles(layout, containers: containers ?? "/"))
    }

    package static let unavailable =
        "this machine has no cgroup controller that limits devices (v1 blkio with throttling, or v2"
        + " io under runc)"

    var canLimit: Bool { devices != nil }

    /// As `DeviceThrottles.startCounting`, of the disk that a path is on; what fails is left.
    package func startCounting(at path: String) {
        guard let mount = try? MountTable.current().containing(path),
            let device = mount.device.wholeDisk
        else { return }
        try? devices?.startCounting(on: device)
    }

    /// Makes a device's limits exactly these.
    func hold(_ rates: DiskRates, on device: DeviceNumber) throws(VolumeError) {
        guard let devices else {
            guard rates.isEmpty else { throw .unsupported(Self.unavailable) }
            return
        }
        do throws(SystemError) { try devices.set(DeviceRates(rates), of: device) } catch {
            throw .system(error)
        }
    }

    /// Takes all limits off a device.
    func clear(_ device: DeviceNumber) throws(SystemError) {
        try devices?.set(DeviceRates(), of: device)
    }

    /// Takes away what is left of loop devices that are gone. What fails is tried again with the
    /// next one that goes, and at the next start.
    package func clearStale() { try? devices?.clearStale() }
}

extension DeviceRates {
    package init(_ rates: DiskRates) {
        self.init(
            readBytes: rates.readBytes, writtenBytes: rates.writtenBytes, reads: rates.reads,
            writes: rates.writes)
    }
}
