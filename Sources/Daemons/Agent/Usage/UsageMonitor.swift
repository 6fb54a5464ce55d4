import Linux
import Model
import Synchronization

/// Keeps what volumes, sandboxes and disks use, read in the background: who asks never waits for a
/// disk, and is told how old the answer is.
final class UsageMonitor: Sendable {
    private let volumes: AgentVolumes
    let recorder: UsageRecorder
    private let health: DiskHealth
    private let thread = BlockingThreads("usage", limit: 1)
    private let latest = Mutex(UsageSnapshot())

    /// For so long after the start nothing is told unless a master has said what its policies want.
    private static let patience = Duration.seconds(300)
    private let startedAt = ContinuousClock.now
    private let prunedAt = Mutex<ContinuousClock.Instant?>(nil)

    init(volumes: AgentVolumes, recorder: UsageRecorder) {
        self.volumes = volumes
        self.recorder = recorder
        health = DiskHealth(volumes: volumes, emit: recorder.emit)
    }

    /// What was read last.
    var snapshot: UsageSnapshot { latest.withLock { $0 } }

    /// Takes what was counted in sandboxes, and how long the whole count took.
    func note(sandboxes: [ContainerID: UsageAmounts], walkSeconds: Double) {
        latest.withLock { latest in
            latest.sandboxes = sandboxes
            latest.walkSeconds = walkSeconds
        }
    }

    /// Reads all again and again until the task is cancelled; `rules` are those of the roles'
    /// policies, nil as long as no master has said them.
    func run(
        intervalMilliseconds: Int64, rules: @Sendable () async -> [RoleDiskRule]?
    ) async {
        health.start()
        while !Task.isCancelled {
            var known = await rules()
            if known == nil, ContinuousClock.now - startedAt > Self.patience { known = [] }
            let rules = known
            await withCheckedContinuation { continuation in
                thread.run { [self] in
                    read(rules)
                    continuation.resume()
                }
            }
            try? await Task.sleep(for: .milliseconds(intervalMilliseconds))
        }
    }

    private func read(_ rules: [RoleDiskRule]?) {
        health.check()
        let start = ContinuousClock.now
        var volumes = volumes.readUsage()
        let disks = self.volumes.readDisks()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let before = snapshot
        for index in volumes.indices where volumes[index].amounts == nil {
            // What can't be read now was right once: its age tells.
            let uuid = volumes[index].uuid
            volumes[index].amounts = before.volume(uuid)?.amounts ?? recorder.lastKnown(uuid)
        }
        latest.withLock { latest in
            latest.volumes = volumes
            latest.disks = disks
            latest.readSeconds = seconds
        }
        recorder.record(volumes, rules: rules)
        prune()
    }

    /// Once an hour: histories of volumes that are gone.
    private func prune() {
        let now = ContinuousClock.now
        let isDue = prunedAt.withLock { last in
            guard last.map({ now - $0 > .seconds(3600) }) ?? true else { return false }
            last = now
            return true
        }
        if isDue { recorder.prune(keeping: volumes.allUUIDs) }
    }
}
