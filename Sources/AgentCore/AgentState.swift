package import Model

/// An executor of a framework; an executor id is unique within its framework only.
package struct ExecutorKey: Hashable, Comparable, Sendable {
    package let framework: FrameworkID
    package let executor: ExecutorID

    package init(_ framework: FrameworkID, _ executor: ExecutorID) {
        self.framework = framework
        self.executor = executor
    }

    package static func < (left: ExecutorKey, right: ExecutorKey) -> Bool {
        (left.framework, left.executor) < (right.framework, right.executor)
    }
}

/// The durable part of an agent: what its journal says. Only `apply` changes it.
///
/// An operation's record moves the books by one sequence number; one that grows a volume in use
/// moves what its task holds with them. A task lives from `taskStored`
/// over its updates to `taskRemoved`; it holds its resources until a terminal update is stored.
/// An executor's row lives as long as its container.
package struct AgentState: Equatable, Sendable {
    package struct TaskEntry: Equatable, Sendable {
        package var row: TaskRow
        /// Not acknowledged yet, in order; the first one is on its way to the framework.
        package var pending: [StatusUpdate] = []
        /// Acknowledged ones: the first two, and the last of the others.
        package var acknowledged: [StatusUpdate] = []
        /// Whether its resources count as used.
        package var isHolding = false

        package var latest: StatusUpdate? { pending.last ?? acknowledged.last }
        package var state: TaskState { latest?.state ?? .staging }
    }

    package struct ExecutorEntry: Equatable, Sendable {
        package var row: ExecutorRow
        /// Those that have not ended, as they arrived.
        package var tasks: [TaskID] = []
    }

    package struct EndedOperation: Equatable, Sendable {
        package var operation: AgentOperation
        package var result: OperationResult
    }

    /// How many acknowledged updates a task keeps.
    static let acknowledgedAtMost = 16

    package internal(set) var id: AgentID?
    package internal(set) var bootID = ""
    /// From `--resources`.
    package internal(set) var resources = Resources()
    /// The books: `resources` after all conversions.
    package internal(set) var total = Resources()
    package internal(set) var lastSequence: UInt64 = 0
    package internal(set) var volumes: [VolumeUUID: VolumeDescription] = [:]
    /// Volumes that were never used: nothing is in them, so one that a crash has taken can be made
    /// again.
    package internal(set) var unprepared: Set<VolumeUUID> = []
    /// Ended operations whose result the master has not acknowledged.
    package internal(set) var results: [OperationUUID: EndedOperation] = [:]
    /// A transaction whose work on the disk has begun and that has not ended.
    package internal(set) var begun: AgentOperation?
    /// Volumes that finished transactions have given up and that are not retired yet.
    package internal(set) var doomed: [OperationUUID: [VolumeUUID]] = [:]
    package internal(set) var frameworks: [FrameworkID: FrameworkDescription] = [:]
    package internal(set) var executors: [ExecutorKey: ExecutorEntry] = [:]
    package internal(set) var tasks: [TaskKey: TaskEntry] = [:]

    /// What executors and tasks hold, without allocation.
    package internal(set) var used = Resources()
    var volumesByKey: [ResourceKey: VolumeUUID] = [:]
    /// How many executors and tasks each framework has.
    var holdings: [FrameworkID: Int] = [:]

    package init() {}

    /// Takes a record, live and on recovery alike; throws what a sound journal cannot contain.
    package mutating func apply(_ record: AgentRecord) throws(Refusal) {
        switch record {
        case .identified(let id): self.id = id
        case .started(let bootID, let resources): try start(bootID: bootID, resources)
        case .operationEnded(let operation, let result): try end(operation, result)
        case .resultAcknowledged(let uuid): results[uuid] = nil
        case .frameworkStored(let framework):
            if let id = framework.id { frameworks[id] = framework }
        case .frameworkRemoved(let id): frameworks[id] = nil
        case .executorStored(let row): store(row)
        case .executorRemoved(let framework, let executor):
            removeExecutor(ExecutorKey(framework, executor))
        case .taskStored(let row): store(row)
        case .taskRemoved(let key): removeTask(key)
        case .updateStored(let update): store(update)
        case .updateAcknowledged(let key, let uuid): acknowledge(key, uuid)
        case .volumesPrepared(let uuids): unprepared.subtract(uuids)
        case .transactionBegun(let operation): try begin(operation)
        case .volumesDoomed(let operation, let uuids): doomed[operation] = uuids
        case .volumesDiscarded(let operation): doomed[operation] = nil
        case .snapshot(let lastSequence, let total, let volumes, let unprepared):
            self.lastSequence = lastSequence
            self.total = total
            self.volumes = [:]
            volumesByKey = [:]
            for volume in volumes { change(.create(volume)) }
            self.unprepared = Set(unprepared)
        }
    }

    private mutating func end(
        _ operation: AgentOperation, _ result: OperationResult
    ) throws(Refusal) {
        if result.sequence > lastSequence {
            guard result.sequence == lastSequence + 1 else {
                throw Refusal(
                    .conflict,
                    "operation \(result.sequence) follows operation \(lastSequence)")
            }
            if result.state == .finished {
                try total.apply(operation.conversion)
                for volumeChange in operation.volumeChanges { change(volumeChange) }
            }
            leaveVolumes(of: operation, isDone: result.state == .finished)
            lastSequence = result.sequence
        }
        results[result.uuid] = EndedOperation(operation: operation, result: result)
    }

    /// What an ended transaction leaves on the disk: what it destroys, or what it may have made.
    private mutating func leaveVolumes(of operation: AgentOperation, isDone: Bool) {
        let isBegun = begun?.uuid == operation.uuid
        if isBegun { begun = nil }
        let left = isDone ? operation.volumesGivenUp : isBegun ? operation.volumesMade : []
        if !left.isEmpty { doomed[operation.uuid] = left }
    }

    /// A sound journal has the beginning of the transaction whose turn it is only.
    private mutating func begin(_ operation: AgentOperation) throws(Refusal) {
        guard operation.sequence == lastSequence + 1 else {
            throw Refusal(
                .conflict, "transaction \(operation.sequence) begins after \(lastSequence)")
        }
        begun = operation
    }

    private mutating func change(_ volumeChange: VolumeChange) {
        switch volumeChange {
        case .create(let volume):
            volumes[volume.uuid] = volume
            unprepared.insert(volume.uuid)
            volumesByKey[ResourceKey(volume.resource)] = volume.uuid
        case .destroy(let uuid):
            guard let volume = volumes.removeValue(forKey: uuid) else { return }
            unprepared.remove(uuid)
            volumesByKey[ResourceKey(volume.resource)] = nil
        case .resize(let uuid, let amount):
            guard let resource = volumes[uuid]?.resource else { return }
            volumes[uuid]?.resource = resource.with(amount: amount)
            resizeHeld(resource, to: amount)
        }
    }

    /// A task that holds the volume holds it in its new size from now on.
    private mutating func resizeHeld(_ volume: Resource, to amount: Amount) {
        guard let key = holder(of: volume), let row = tasks[key]?.row else { return }
        release(row.task.resources)
        let resources = row.task.resources.map {
            $0.with(allocationRole: nil).isSameStuff(as: volume) ? $0.with(amount: amount) : $0
        }
        hold(resources)
        tasks[key]?.row.task.resources = resources
    }

    // MARK: executors and tasks

    private mutating func store(_ row: ExecutorRow) {
        let key = ExecutorKey(row.framework, row.executor.id)
        removeExecutor(key)
        executors[key] = ExecutorEntry(row: row)
        hold(row.executor.resources)
        holdings[key.framework, default: 0] += 1
    }

    private mutating func removeExecutor(_ key: ExecutorKey) {
        guard let entry = executors.removeValue(forKey: key) else { return }
        release(entry.row.executor.resources)
        count(key.framework, minus: 1)
    }

    private mutating func store(_ row: TaskRow) {
        guard tasks[row.key] == nil else {
            tasks[row.key]?.row = row
            return
        }
        var entry = TaskEntry(row: row)
        let executor = ExecutorKey(row.framework, row.executor)
        // A task that was refused is told of, but holds nothing.
        if executors[executor] != nil, missing(bare(row.task.resources), isSharing: true) == nil {
            executors[executor]?.tasks.append(row.task.id)
            hold(row.task.resources)
            entry.isHolding = true
        }
        tasks[row.key] = entry
        holdings[row.framework, default: 0] += 1
    }

    private mutating func removeTask(_ key: TaskKey) {
        endHolding(key)
        if tasks.removeValue(forKey: key) != nil { count(key.framework, minus: 1) }
    }

    private mutating func store(_ update: StatusUpdate) {
        tasks[update.key]?.pending.append(update)
        if update.state.isTerminal { endHolding(update.key) }
    }

    private mutating func acknowledge(_ key: TaskKey, _ uuid: UpdateUUID) {
        guard var entry = tasks[key], let first = entry.pending.first, first.uuid == uuid else {
            return
        }
        entry.pending.removeFirst()
        entry.acknowledged.append(first)
        if entry.acknowledged.count > Self.acknowledgedAtMost { entry.acknowledged.remove(at: 2) }
        tasks[key] = entry
    }

    private mutating func endHolding(_ key: TaskKey) {
        guard let row = tasks[key]?.row, tasks[key]?.isHolding == true else { return }
        tasks[key]?.isHolding = false
        release(row.task.resources)
        executors[ExecutorKey(row.framework, row.executor)]?.tasks.removeAll { $0 == key.task }
    }

    private mutating func hold(_ resources: [Resource]) {
        for resource in resources { used.add(resource.with(allocationRole: nil)) }
    }

    private mutating func release(_ resources: [Resource]) {
        for resource in resources { used.subtract(resource.with(allocationRole: nil)) }
    }

    private mutating func count(_ framework: FrameworkID, minus number: Int) {
        let rest = (holdings[framework] ?? 0) - number
        holdings[framework] = rest > 0 ? rest : nil
    }
}
