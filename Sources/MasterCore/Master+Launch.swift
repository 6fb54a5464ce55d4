import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// LAUNCH and LAUNCH_GROUP. Each task of a LAUNCH stands alone; a group starts whole or not at all.

extension Master {
    mutating func launch(
        _ tasks: [TaskDescription], _ operation: OfferOperation, from pool: inout AcceptedPool
    ) {
        for task in tasks {
            let task = allocated(task, to: pool)
            do throws(Refusal) {
                guard operation.id == nil else {
                    throw Refusal(
                        .invalid, "The `id` field cannot be set on LAUNCH operations")
                }
                try validate(task, in: pool)
                try launch([task], executor: task.executor, isGroup: false, from: &pool)
            } catch {
                tell(
                    pool.framework, task.id, agent: task.agent, .error, .taskInvalid,
                    error.message)
            }
        }
    }

    /// A task as it holds resources of a pool.
    func allocated(_ task: TaskDescription, to pool: AcceptedPool) -> TaskDescription {
        var task = task
        task.resources = task.resources.allocated(to: pool.role)
        if var executor = task.executor {
            executor.resources = executor.resources.allocated(to: pool.role)
            executor.framework = executor.framework ?? pool.framework
            task.executor = executor
        }
        return task
    }

    mutating func launchGroup(
        _ executor: ExecutorDescription, _ tasks: [TaskDescription],
        _ operation: OfferOperation, from pool: inout AcceptedPool
    ) {
        var executor = executor
        executor.resources = executor.resources.allocated(to: pool.role)
        executor.framework = executor.framework ?? pool.framework
        var group: [TaskDescription] = []
        do throws(Refusal) {
            guard operation.id == nil else {
                throw Refusal(
                    .invalid, "The `id` field cannot be set on LAUNCH_GROUP operations")
            }
            guard !tasks.isEmpty else { throw Refusal(.invalid, "Task group cannot be empty") }
            guard executor.kind == .custom else {
                throw Refusal(
                    .invalid,
                    "a task group needs an executor of type CUSTOM here; this cluster has no"
                        + " built-in one")
            }
            var names: Set<TaskID> = []
            for var task in tasks {
                task.resources = task.resources.allocated(to: pool.role)
                guard task.executor == nil else {
                    throw Refusal(.invalid, "'TaskInfo.executor' must not be set")
                }
                task.executor = executor
                guard names.insert(task.id).inserted else {
                    throw Refusal(.invalid, "Task has duplicate ID: \(task.id)")
                }
                do throws(Refusal) {
                    try validate(task, in: pool, isGroup: true)
                } catch {
                    throw Refusal(
                        error.kind, "Task '\(task.id)' is invalid: \(error.message)")
                }
                group.append(task)
            }
            try launch(group, executor: executor, isGroup: true, from: &pool)
        } catch {
            for task in tasks {
                tell(
                    pool.framework, task.id, agent: task.agent, .error, .taskGroupInvalid,
                    error.message)
            }
        }
    }

    /// Books what the tasks and their executor need, and sends them. Throws `invalid` if that is
    /// more than the pool has.
    private mutating func launch(
        _ tasks: [TaskDescription], executor: ExecutorDescription?, isGroup: Bool,
        from pool: inout AcceptedPool
    ) throws(Refusal) {
        let key = executor.map {
            ExecutorKey(framework: pool.framework, agent: pool.agent, executor: $0.id)
        }
        let isNew = key.map { frameworks[pool.framework]?.executors[$0] == nil } ?? false
        let needs = try needs(of: tasks, newExecutor: isNew ? executor : nil, in: pool)
        pool.rest = needs.rest
        book(needs, of: pool.framework, on: pool.agent)
        for task in tasks { addTask(task, of: pool.framework) }
        guard let description = frameworks[pool.framework]?.description else { return }
        let launch = TaskLaunch(
            framework: description, executor: executor, tasks: tasks, isGroup: isGroup)
        deliver(launch, to: pool.agent, newExecutor: isNew ? key : nil)
    }

    /// What tasks and a new executor take of a pool. Throws `invalid` if it does not have that.
    func needs(
        of tasks: [TaskDescription], newExecutor: ExecutorDescription?, in pool: AcceptedPool
    ) throws(Refusal) -> LaunchNeeds {
        var needs = tasks.map { Resources($0.resources) }
        if let newExecutor { needs.append(Resources(newExecutor.resources)) }
        var result = LaunchNeeds(rest: pool.rest, newExecutor: newExecutor)
        for need in needs where !result.rest.take(need, countingShared: &result.shared) {
            let all = needs.reduce(into: Resources()) { $0.add($1) }
            throw Refusal(
                .invalid,
                "Total resources \(all.detailedText) required by task and its executor is more"
                    + " than available \(pool.rest.detailedText)")
        }
        return result
    }

    /// Books what a launch takes besides its tasks' own: shared volumes and a new executor.
    mutating func book(
        _ needs: LaunchNeeds, of framework: FrameworkID, on agent: AgentID
    ) {
        if !needs.shared.isEmpty { allocator.allocateUsed(agent, framework, needs.shared) }
        guard let executor = needs.newExecutor else { return }
        let key = ExecutorKey(framework: framework, agent: agent, executor: executor.id)
        addExecutor(key, executor, booked: Resources(executor.resources))
    }

    /// With a transaction the task is sent, and uses its volumes, once that is done.
    mutating func addTask(
        _ description: TaskDescription, of framework: FrameworkID,
        in transaction: OperationUUID? = nil
    ) {
        nextTask += 1
        var task = MasterTask(
            framework: framework, description: description, number: nextTask, state: .staging)
        task.booked = Resources(description.resources)
        task.transaction = transaction
        frameworks[framework]?.tasks[description.id] = task
        agents[description.agent]?.tasks.insert(task.key)
        noteNewTask(task.key)
        if transaction == nil { noteUse(by: task) }
        touch(description.agent)
    }

    mutating func addExecutor(
        _ key: ExecutorKey, _ description: ExecutorDescription, booked: Resources
    ) {
        frameworks[key.framework]?.executors[key] = MasterExecutor(
            description: description, booked: booked)
        agents[key.agent]?.executors.insert(key)
        touch(key.agent)
    }
}

/// What a launch takes of a pool.
struct LaunchNeeds {
    /// What is left of the pool; a shared volume stays in it.
    var rest: Resources
    var shared = Resources()
    var newExecutor: ExecutorDescription?

    init(rest: Resources, newExecutor: ExecutorDescription?) {
        self.rest = rest
        self.newExecutor = newExecutor
    }
}

extension [Resource] {
    /// What names no allocation role is held under the offers' role.
    fileprivate func allocated(to role: String) -> [Resource] {
        map { $0.allocationRole == nil ? $0.with(allocationRole: role) : $0 }
    }
}

extension Resources {
    /// Takes a task's needs; a shared volume only has to be there, and is counted in `shared`.
    /// False: they are not all there, and what is left is of no use.
    fileprivate mutating func take(
        _ needs: Resources, countingShared shared: inout Resources
    ) -> Bool {
        for entry in needs.entries {
            if entry.resource.isShared {
                guard contains(entry.resource) else { return false }
                shared.add(entry.resource)
            } else {
                guard subtract(entry.resource) else { return false }
            }
        }
        return true
    }

    /// Its pieces in Mesos's words, the first few of them.
    var detailedText: String {
        let pieces = entries.prefix(20).map(\.resource.detailedText)
        return pieces.joined(separator: "; ") + (count > 20 ? "; ..." : "")
    }
}
