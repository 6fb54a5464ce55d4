import Linux
import Model
import Synchronization
import Volumes

// What `fsck` asks of the disks.

extension AgentVolumes {
    /// What is on every disk; blocks.
    func observe(_ mounts: MountTable) -> [StoreObservation] {
        named.map { $1.observe(disk: $0, mounts: mounts) }
    }

    /// Mends a finding that was just confirmed; blocks.
    func repair(_ finding: StorageFinding) throws(VolumeError) {
        guard let store = store(named: finding.disk) else {
            throw .conflict("this agent has no disk at '\(finding.disk)'")
        }
        try store.repair(finding)
        guard let uuid = finding.uuid else { return }
        settleHome(uuid)
        report([uuid])
    }

    /// Where a volume is after its owner file was written or moved away.
    private func settleHome(_ uuid: VolumeUUID) {
        let home = named.first { (try? $0.1.status(uuid)) != nil }
        guard let home else { return forget(uuid) }
        homes.withLock { homes in
            let isRight = homes[uuid].flatMap { store(named: $0) }
                .map { (try? $0.status(uuid)) != nil }
            if isRight != true { homes[uuid] = home.0 }
        }
    }
}
