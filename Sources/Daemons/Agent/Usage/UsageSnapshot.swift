import Linux
import Model

/// What was read last of all volumes, sandboxes and disks.
struct UsageSnapshot: Sendable {
    /// A volume, in use or idle.
    struct Volume: Sendable {
        let uuid: VolumeUUID
        let persistenceID: String
        let role: String
        /// As `--resources` names its root; empty: the agent's own disk.
        let disk: String
        let backend: String
        var amounts: UsageAmounts?
        var traffic: BlockTraffic?
        /// Why it can't be read; its amounts are then those of before.
        var problem: String?
    }

    /// A file system with volumes.
    struct Disk: Sendable {
        let name: String
        let path: String
        let device: String
        /// Why it takes no new volumes; empty: it does.
        let suspicions: [String]
        var amounts: UsageAmounts?
        var traffic: BlockTraffic?
    }

    /// By UUID.
    var volumes: [Volume] = []
    var disks: [Disk] = []
    var sandboxes: [ContainerID: UsageAmounts] = [:]
    /// How long the last reading took, without what was counted.
    var readSeconds = 0.0
    /// How long the last count of what the kernel does not count took.
    var walkSeconds = 0.0

    func volume(_ uuid: VolumeUUID) -> Volume? {
        var low = 0
        var high = volumes.count
        while low < high {
            let middle = (low + high) / 2
            if volumes[middle].uuid < uuid { low = middle + 1 } else { high = middle }
        }
        guard low < volumes.count, volumes[low].uuid == uuid else { return nil }
        return volumes[low]
    }
}
