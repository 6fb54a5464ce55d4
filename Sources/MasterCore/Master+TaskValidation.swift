import MachineCore
import Model
import OrderedCollections

extension Master {
    /// Whether a task may be launched, but for the amount of its resources. Throws `invalid` in
    /// Mesos's words.
    func validate(
        _ task: TaskDescription, in pool: AcceptedPool, isGroup: Bool = false
    ) throws(Refusal) {
        try NameValidation.validate(task.id.value, limits: options.limits)
        if let fault = task.fault { throw fault }
        guard let framework = frameworks[pool.framework] else {
            throw Refusal(.invalid, "Framework cannot be found")
        }
        guard framework.tasks[task.id] == nil, framework.unreachableTasks[task.id] == nil else {
            throw Refusal(.invalid, "Task has duplicate ID: \(task.id)")
        }
        guard task.agent == pool.agent else {
            throw Refusal(
                .invalid,
                "Task uses invalid agent \(task.agent) while agent \(pool.agent) is expected")
        }
        if let grace = task.killGraceMilliseconds, grace < 0 {
            throw Refusal(
                .invalid, "Task's 'kill_policy.grace_period' must be non-negative")
        }
        if let longest = task.maxCompletionMilliseconds, longest < 0 {
            throw Refusal(.invalid, "Task's 'max_completion_time' must be non-negative")
        }
        guard !task.resources.isEmpty else {
            throw Refusal(.invalid, "Task uses no resources")
        }
        try validate(task.resources, role: pool.role, of: "Task")
        if isGroup {
            guard task.hasCommand else {
                throw Refusal(.invalid, "Task of a group must have CommandInfo present")
            }
        } else {
            guard task.hasCommand != (task.executor != nil) else {
                throw Refusal(
                    .invalid,
                    "Task should have at least one (but not both) of CommandInfo or ExecutorInfo"
                        + " present")
            }
        }
        try validateBorrowing(task)
        if let executor = task.executor { try validate(executor, in: pool) }
    }

    private func validate(
        _ resources: [Resource], role: String, of user: String
    ) throws(Refusal) {
        guard resources.count <= options.limits.resourcesPerMessage else {
            throw Refusal(.invalid, "\(user) names too many resources")
        }
        var volumes: Set<VolumeName> = []
        for resource in resources {
            do throws(Refusal) {
                try resource.with(allocationRole: nil).validate()
            } catch {
                throw Refusal(.invalid, "\(user) uses invalid resources: \(error.message)")
            }
            guard resource.allocationRole == role else {
                throw Refusal(
                    .invalid,
                    "\(user) uses resources allocated to role"
                        + " '\(resource.allocationRole ?? "")' while role '\(role)' is expected")
            }
            if let name = resource.volumeName {
                guard volumes.insert(name).inserted else {
                    throw Refusal(
                        .invalid,
                        "\(user) uses invalid resources: Persistence ID '\(name.id)' is not unique"
                    )
                }
            }
        }
    }

    private func validate(
        _ executor: ExecutorDescription, in pool: AcceptedPool
    ) throws(Refusal) {
        try NameValidation.validate(executor.id.value, limits: options.limits)
        if let framework = executor.framework, framework != pool.framework {
            throw Refusal(
                .invalid,
                "ExecutorInfo has an invalid FrameworkID (Actual: \(framework) vs Expected:"
                    + " \(pool.framework))")
        }
        guard executor.kind == .custom else {
            throw Refusal(.invalid, "'ExecutorInfo.type' must be 'CUSTOM'")
        }
        if let grace = executor.shutdownGraceMilliseconds, grace < 0 {
            throw Refusal(
                .invalid, "ExecutorInfo's 'shutdown_grace_period' must be non-negative")
        }
        try validate(executor.resources, role: pool.role, of: "Executor")
        let key = ExecutorKey(
            framework: pool.framework, agent: pool.agent, executor: executor.id)
        guard let running = frameworks[pool.framework]?.executors[key]?.description else { return }
        guard running.payload == executor.payload,
            Resources(running.resources) == Resources(executor.resources)
        else {
            throw Refusal(
                .invalid,
                "Task has invalid ExecutorInfo (existing ExecutorInfo with same ExecutorID is not"
                    + " compatible)")
        }
    }
}
