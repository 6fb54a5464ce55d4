import AgentCore
import Containers
import Linux
import Logging
import MachineCore
import Model
import Synchronization

/// Gives back the disk that sandboxes of ended containers use: looks at it at times, and deletes
/// what is due on a thread that reads and writes the disk only when nobody else wants it.
final class SandboxHousekeeping: Sendable {
    private let host: MachineHost<Agent>
    private let containers: AgentContainers
    private let workDirectory: String
    private let logger: Logger
    /// One that does not jump.
    private let clock = ProcessClock()
    private let thread = BlockingThreads("sandboxes", limit: 1)
    private let collector: Mutex<SandboxCollector>
    private let isStopping = Atomic<Bool>(false)

    init(
        host: MachineHost<Agent>, containers: AgentContainers, workDirectory: String,
        policy: SandboxCollector.Policy, logger: Logger
    ) {
        self.host = host
        self.containers = containers
        self.workDirectory = workDirectory
        self.logger = logger
        collector = Mutex(
            SandboxCollector(directory: workDirectory + "/slaves", policy: policy))
    }

    /// Rounds until the task is cancelled, which cuts a long deletion off.
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

    private func round() async {
        let found = await onThread { $0.sandboxes() }
        // Asked after the list: a container that comes later is not in it.
        let core = await host.read { agent, _ in agent.livingContainers }
        let living = Set((core + containers.living).map(\.value))
        let outcomes = await onThread { [self] collector in
            collector.collect(
                found, living: living, now: clock.now.seconds,
                wallClock: ProcessClock().now.seconds,
                isWanted: { !isStopping.load(ordering: .relaxed) }, usage: usage)
        }
        for (path, age, outcome) in outcomes {
            var details: Logger.Metadata = ["path": "\(path)", "ended": "\(Int(age)) s ago"]
            switch outcome {
            case .deleted: logger.info("sandbox deleted", metadata: details)
            case .kept(let reason):
                details["reason"] = "\(reason)"
                logger.warning("sandbox not deleted", metadata: details)
            }
        }
    }

    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable (inout SandboxCollector) -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            thread.run { [self] in
                // A kernel that refuses it deletes no worse, only in others' way.
                try? DiskPriority.setIdle()
                continuation.resume(returning: collector.withLock { body(&$0) })
            }
        }
    }

    /// The share of the disk that is used, 0 to 1; a disk that does not say is none.
    private func usage() -> Double {
        guard let space = try? DiskSpace.of(workDirectory) else { return 0 }
        let all = Double(space.usedBytes + space.availableBytes)
        return all > 0 ? Double(space.usedBytes) / all : 0
    }
}
