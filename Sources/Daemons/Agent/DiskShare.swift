import Linux
import Model
import Volumes

/// A container's share of the agent's own disk, of the resources `disk_bandwidth` (MiB a second)
/// and `disk_iops` (operations a second): each is given for reads and for writes alike.
struct DiskShare: Equatable {
    static let bandwidth = "disk_bandwidth"
    static let operations = "disk_iops"

    let rates: DeviceRates

    /// Nothing is limited of what the resources do not name.
    init(_ resources: [Resource]) {
        let sum = { (name: String) -> Amount? in
            let amounts = resources.filter { $0.name == name }.map(\.amount)
            return amounts.isEmpty ? nil : amounts.reduce(.zero) { $0 + $1 }
        }
        let bytes = sum(Self.bandwidth).map {
            max(DiskRates.leastBytes, AgentVolumes.bytes($0))
        }
        let operations = sum(Self.operations).map {
            max(DiskRates.leastOperations, $0.thousandths / 1000)
        }
        rates = DeviceRates(
            readBytes: bytes, writtenBytes: bytes, reads: operations, writes: operations)
    }
}

extension AgentVolumes {
    /// What may be done on the device of a mounted volume; nil: it has none of its own. Without
    /// limits it is empty, and takes away what the device's number had before.
    func throttle(_ uuid: VolumeUUID) -> DeviceThrottle? {
        guard let status = try? store(of: uuid)?.status(uuid), status.record.backend.hasOwnDevice,
            let device = (try? FileStatus.of(status.path))?.deviceNumber
        else { return nil }
        return DeviceThrottle(device: device, rates: DeviceRates(status.record.spec.limits.rates))
    }
}
