import AgentCore
import Linux
import MachineCore
import Model
import Synchronization
import Volumes

/// Counts what sandboxes and volumes use that the kernel does not limit, as Mesos's `disk/du` does:
/// one after the other, an interval of rest after each round. A burst in between passes.
///
/// Where limits are enforced it tells the agent of each container that is over one; else what it
/// has counted is only shown.
final class DiskWatch: Sendable {
    private let host: MachineHost<Agent>
    private let volumes: AgentVolumes
    private let isEnforced: Bool
    /// One thread, which reads the disk only when nobody else wants it.
    private let thread = BlockingThreads("disk-watch", limit: 1)
    private let pollers: Mutex<[UsagePoller]>
    private let latest = Mutex(DiskUse())
    private let isStopping = Atomic<Bool>(false)

    init(host: MachineHost<Agent>, volumes: AgentVolumes, isEnforced: Bool) {
        self.host = host
        self.volumes = volumes
        self.isEnforced = isEnforced
        pollers = Mutex(volumes.makePollers())
    }

    /// What the last round has counted in a container's sandbox, in bytes.
    func sandboxBytes(_ container: ContainerID) -> Int64? {
        latest.withLock { $0.sandboxes[container] }
    }

    /// Rounds until the task is cancelled, which cuts a long count off.
    func run(intervalMilliseconds: Int64) async {
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                await round()
                try? await Task.sleep(for: .milliseconds(intervalMilliseconds))
            }
        } onCancel: {
            isStopping.store(true, ordering: .relaxed)
        }
    }

    private var isWanted: Bool { !isStopping.load(ordering: .relaxed) }

    private func round() async {
        volumes.reportLimited()
        let limits = await host.read { agent, _ in DiskLimits.all(of: agent) }
        let use: DiskUse = await withCheckedContinuation { continuation in
            thread.run { [self] in continuation.resume(returning: count(limits)) }
        }
        guard isWanted else { return }
        latest.withLock { $0 = use }
        guard isEnforced else { return }
        // Counting takes its time: limits may have grown meanwhile, containers ended.
        for limits in await host.read({ agent, _ in DiskLimits.all(of: agent) }) {
            guard let excess = use.excess(of: limits) else { continue }
            host.send(
                .diskLimitReached(
                    limits.container, message: excess.message, status: excess.status))
        }
    }

    private func count(_ limits: [DiskLimits]) -> DiskUse {
        // A kernel that refuses it counts no worse, only in others' way.
        try? DiskPriority.setIdle()
        var use = DiskUse()
        let samples = pollers.withLock { pollers in
            pollers.flatMap { $0.advance(entries: .max) { isWanted } }
        }
        for sample in samples {
            use.volumes[sample.uuid] = DiskUse.Volume(
                usedBytes: sample.usedBytes, limitBytes: sample.limitBytes)
        }
        volumes.note(samples)
        for limits in limits where limits.sandboxBytes != nil {
            use.sandboxes[limits.container] = count(limits.sandbox)
        }
        return use
    }

    /// Bytes in a directory; nil: it is gone, or nobody wants to know any more.
    private func count(_ directory: String) -> Int64? {
        let walk = UsageWalk(directory)
        while isWanted {
            do throws(SystemError) {
                if let found = try walk.advance(entries: 1_000) { return found.bytes }
            } catch {
                return nil
            }
        }
        return nil
    }
}
