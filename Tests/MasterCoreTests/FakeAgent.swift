import Model
import Testing

@testable import MasterCore

/// An agent as the master's messages see it: keeps its books, and answers at once unless it is
/// silent. It forgets nothing over disconnections.
final class FakeAgent {
    var connection: ConnectionID?
    var id: AgentID?
    var base: Resources
    var total: Resources
    var lastSequence: UInt64 = 0
    var results: [OperationResult] = []
    var volumes: [VolumeDescription] = []
    var tasks: [TaskKey: TaskReport] = [:]
    var executors: [ExecutorReport] = []
    var frameworks: [FrameworkID: FrameworkDescription] = [:]
    var bootID = "boot-1"
    /// Of its next registration; 0: it gives none.
    var registrationNumber: UInt64 = 0
    /// Takes messages and says nothing.
    var isSilent = false
    /// Operations of this type fail with the text.
    var failures: [OperationType: String] = [:]
    /// Why it can't erase a volume's data.
    var eraseFailure: String?
    /// Kills of whole frameworks are not answered.
    var ignoresShutdown = false
    var heard: [MasterMessage] = []
    /// Operations that it has received and not ended.
    var inFlight: [AgentOperation] = []
    /// Those that have ended, also after their results are acknowledged.
    var ended: [OperationUUID: AgentOperation] = [:]
    var gaps = 0
    private var updates = 0

    init(_ resources: String) throws {
        base = try Resources.parse(text: resources)
        total = base
    }

    var registration: AgentRegistration {
        AgentRegistration(
            description: AgentDescription(
                id: id, hostname: "host", address: "10.0.0.1", port: 5051, resources: base,
                version: "1", bootID: bootID),
            total: total, lastSequence: lastSequence, results: results,
            operations: results.compactMap { ended[$0.uuid] } + inFlight, volumes: volumes,
            frameworks: frameworks.keys.sorted().compactMap { frameworks[$0] },
            executors: executors,
            tasks: tasks.keys.sorted().compactMap { tasks[$0] }, number: registrationNumber)
    }

    func hear(_ message: MasterMessage) -> [AgentMessage] {
        heard.append(message)
        if case .registered(let given, _) = message { id = given }
        guard !isSilent else { return [] }
        switch message {
        case .ping(let number):
            return [.pong(number)]
        case .applyOperation(let operation):
            return perform(operation)
        case .acknowledgeResult(let uuid):
            results.removeAll { $0.uuid == uuid }
        case .launch(let launch):
            return launch.tasks.flatMap { start($0, launch) }
        case .kill(let framework, let task, _):
            return end(TaskKey(framework, task), .killed)
        case .acknowledge(let framework, let task, let uuid):
            acknowledge(TaskKey(framework, task), uuid)
        case .shutdownFramework(let framework):
            guard !ignoresShutdown else { return [] }
            let keys = tasks.keys.filter { $0.framework == framework }.sorted()
            let ended = executors.filter { $0.framework == framework }
            executors.removeAll { $0.framework == framework }
            return keys.flatMap { end($0, .killed) }
                + ended.map { .executorExited(framework, $0.executor.id, status: 0) }
        case .shutdownExecutor(let framework, let executor):
            executors.removeAll { $0.framework == framework && $0.executor.id == executor }
            return [.executorExited(framework, executor, status: 0)]
        case .eraseVolume(let uuid, _):
            return [.volumeErased(uuid, failure: eraseFailure)]
        case .registered, .refused, .frameworkMessage, .diskRules:
            break
        }
        return []
    }

    private func perform(_ operation: AgentOperation) -> [AgentMessage] {
        guard operation.sequence > lastSequence else { return [] }
        guard operation.sequence == lastSequence + 1 else {
            gaps += 1
            return []
        }
        lastSequence = operation.sequence
        var message = failures[operation.type]
        if message == nil {
            do throws(Refusal) {
                try total.apply(operation.conversion)
                for change in operation.volumeChanges { make(change) }
            } catch {
                message = error.message
            }
        }
        let result = OperationResult(
            uuid: operation.uuid, sequence: operation.sequence,
            state: message == nil ? .finished : .failed, message: message)
        results.append(result)
        ended[result.uuid] = operation
        inFlight.removeAll { $0.uuid == result.uuid }
        return [.operationResult(result)]
    }

    private func make(_ change: VolumeChange) {
        switch change {
        case .create(let volume):
            volumes.append(volume)
        case .destroy(let uuid):
            volumes.removeAll { $0.uuid == uuid }
        case .resize(let uuid, let amount):
            for index in volumes.indices where volumes[index].uuid == uuid {
                let volume = volumes[index].resource
                volumes[index].resource = volume.with(amount: amount)
                resizeHeld(volume, to: amount)
            }
        }
    }

    private func resizeHeld(_ volume: Resource, to amount: Amount) {
        for key in tasks.keys.sorted() {
            let resources = tasks[key]?.task.resources ?? []
            tasks[key]?.task.resources = resources.map {
                $0.with(allocationRole: nil).isSameStuff(as: volume)
                    ? $0.with(amount: amount) : $0
            }
        }
    }

    private func start(_ task: TaskDescription, _ launch: TaskLaunch) -> [AgentMessage] {
        guard let framework = launch.framework.id else { return [] }
        frameworks[framework] = launch.framework
        let key = TaskKey(framework, task.id)
        let wanted = Resources(task.resources.filter { !$0.isRevocable })
        guard total.contains(wanted.allocated(to: nil)) else {
            return [update(key, .dropped)]
        }
        if let executor = launch.executor,
            !executors.contains(where: {
                $0.framework == framework && $0.executor.id == executor.id
            })
        {
            executors.append(ExecutorReport(framework: framework, executor: executor))
        }
        tasks[key] = TaskReport(framework: framework, task: task, state: .running)
        return [update(key, .running)]
    }

    /// Ends a task and tells it.
    func end(_ key: TaskKey, _ state: TaskState) -> [AgentMessage] {
        guard tasks[key]?.state.isTerminal == false else { return [] }
        tasks[key]?.state = state
        return [update(key, state)]
    }

    private func update(_ key: TaskKey, _ state: TaskState) -> AgentMessage {
        updates += 1
        let update = StatusUpdate(
            uuid: UpdateUUID("update-\(id?.value ?? "")-\(updates)"), framework: key.framework,
            task: key.task, state: state, source: .executor, timestampNanoseconds: 0)
        tasks[key]?.unacknowledged = update
        return .statusUpdate(update, latestState: tasks[key]?.state ?? state)
    }

    private func acknowledge(_ key: TaskKey, _ uuid: UpdateUUID) {
        guard tasks[key]?.unacknowledged?.uuid == uuid else { return }
        tasks[key]?.unacknowledged = nil
        if tasks[key]?.state.isTerminal == true { tasks[key] = nil }
    }
}
