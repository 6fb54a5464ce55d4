import AgentCore
import Linux
import MachineCore
import Model
import Synchronization
import Volumes

/// Counts what sandboxes and volumes use that the kernel does not limit, as Mesos's `disk/du` does:
/// one after the other, an interval of rest after each round. A burst in between passes. Only what
/// has changed since the round before is looked at.
///
/// It tells the agent of each container that is over a limit, where limits are enforced or a rule
/// says that it is to be ended; else what it has counted is only shown.
final class DiskWatch: Sendable {
    private let host: MachineHost<Agent>
    private let volumes: AgentVolumes
    private let isEnforced: Bool
    /// One thread, which reads the disk only when nobody else wants it.
    private let thread = BlockingThreads("disk-watch", limit: 1)
    private let monitor: UsageMonitor
    private let counters: Mutex<Counters>
    private let isStopping = Atomic<Bool>(false)

    /// What remembers the trees: of the thread alone.
    private struct Counters {
        let watch: DirectoryWatch
        let pollers: [UsagePoller]
        var sandboxes: [ContainerID: TreeCounter] = [:]
    }

    init(
        host: MachineHost<Agent>, volumes: AgentVolumes, monitor: UsageMonitor, isEnforced: Bool
    ) {
        self.host = host
        self.volumes = volumes
        self.monitor = monitor
        self.isEnforced = isEnforced
        let watch = DirectoryWatch()
        counters = Mutex(Counters(watch: watch, pollers: volumes.makePollers(watch)))
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
        let limits = await host.read { agent, _ in DiskLimits.all(of: agent) }
        let use: DiskUse = await withCheckedContinuation { continuation in
            thread.run { [self] in continuation.resume(returning: count(limits)) }
        }
        guard isWanted else { return }
        // Counting takes its time: limits may have grown meanwhile, containers ended.
        for limits in await host.read({ agent, _ in DiskLimits.all(of: agent) }) {
            guard let excess = use.excess(of: limits, isEnforced: isEnforced) else { continue }
            host.send(
                .diskLimitReached(
                    limits.container, message: excess.message, status: excess.status))
        }
    }

    private func count(_ limits: [DiskLimits]) -> DiskUse {
        // A kernel that refuses it counts no worse, only in others' way.
        try? DiskPriority.setIdle()
        try? ProcessorPriority.setLowest()
        let start = ContinuousClock.now
        var use = DiskUse()
        counters.withLock { counters in
            let samples = counters.pollers.flatMap { $0.advance(entries: .max) { isWanted } }
            for sample in samples {
                use.volumes[sample.uuid] = DiskUse.Volume(
                    usedBytes: sample.usedBytes, limitBytes: sample.limitBytes)
            }
            volumes.note(samples)
            let found = count(limits, &counters)
            use.sandboxes = found.mapValues(\.usedBytes)
            monitor.note(
                sandboxes: found, walkSeconds: (ContinuousClock.now - start) / .seconds(1))
        }
        return use
    }

    /// What is in the sandboxes, those without a limit, too.
    private func count(
        _ limits: [DiskLimits], _ counters: inout Counters
    ) -> [ContainerID: UsageAmounts] {
        counters.watch.deliver()
        var trees: [ContainerID: TreeCounter] = [:]
        var found: [ContainerID: UsageAmounts] = [:]
        for limits in limits {
            let tree =
                counters.sandboxes[limits.container]
                ?? TreeCounter(limits.sandbox, watch: counters.watch)
            trees[limits.container] = tree
            guard let usage = count(tree) else { continue }
            found[limits.container] = UsageAmounts(
                usedBytes: usage.bytes, limitBytes: limits.sandboxBytes,
                usedInodes: usage.inodes, source: .walk, at: .now)
        }
        counters.sandboxes = trees
        return found
    }

    /// Nil: it is gone, or nobody wants to know any more.
    private func count(_ tree: TreeCounter) -> UsageWalk.Usage? {
        while isWanted {
            do throws(SystemError) {
                if let found = try tree.advance(entries: 1_000, isWanted: { isWanted }) {
                    return found
                }
            } catch {
                return nil
            }
        }
        return nil
    }
}
