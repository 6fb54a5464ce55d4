import AllocatorCore
import MachineCore
import Model
import OrderedCollections

extension Master {
    mutating func schedulerCalled(
        _ request: RequestID, _ id: FrameworkID, _ call: SchedulerCall, stream: String?
    ) {
        do throws(Refusal) {
            try checkCaller(id, stream: stream)
            emit(.answer(request, try perform(call, for: id)))
        } catch {
            emit(.answer(request, .refused(error)))
        }
    }

    private func checkCaller(_ id: FrameworkID, stream: String?) throws(Refusal) {
        guard let framework = frameworks[id], !framework.isEnding else {
            throw Refusal(.invalid, "Framework cannot be found")
        }
        guard framework.isConnected else {
            throw Refusal(.forbidden, "Framework is not subscribed")
        }
        guard let stream else {
            throw Refusal(
                .invalid, "All non-subscribe calls should include the 'Mesos-Stream-Id' header")
        }
        guard stream == framework.streamUUID else {
            throw Refusal(
                .invalid,
                "The stream ID '\(stream)' included in this request didn't match the stream ID"
                    + " currently associated with framework ID \(id)")
        }
    }

    private mutating func perform(
        _ call: SchedulerCall, for id: FrameworkID
    ) throws(Refusal) -> Answer {
        switch call {
        case .teardown:
            removeFramework(id)
        case .accept(let offers, let operations, let seconds):
            try accept(id, offers, operations, filter: filter(seconds))
        case .decline(let offers, let seconds):
            try checkCount(offers.count, options.limits.offersPerFramework, "offers")
            for offer in offers { decline(id, offer, filter: filter(seconds)) }
        case .revive(let roles):
            revive(id, roles)
        case .suppress(let roles):
            suppress(id, roles)
        case .kill(let task, let agent, let grace):
            kill(TaskKey(id, task), agent: agent, graceMilliseconds: grace)
        case .shutdown(let executor, let agent):
            shutDown(ExecutorKey(framework: id, agent: agent, executor: executor))
        case .acknowledge(let agent, let task, let uuid):
            acknowledge(TaskKey(id, task), agent: agent, uuid)
        case .reconcile(let tasks):
            try checkCount(tasks.count, options.limits.operationsPerCall, "tasks")
            reconcile(id, tasks)
        case .message(let agent, let executor, let data):
            sendMessage(id, agent, executor, data)
        case .acknowledgeOperationStatus(let operation, _, let uuid):
            acknowledgeOperation(id, operation, uuid)
        case .reconcileOperations(let operations):
            try checkCount(operations.count, options.limits.operationsPerCall, "operations")
            reconcileOperations(id, operations)
        case .updateFramework(let description, let suppressed):
            try updateFramework(id, description, suppressed: suppressed)
            return .done
        case .renewLeases(let renewal):
            try renewLeases(renewal, by: id)
        case .transact(let offers, let request, let seconds):
            try transact(id, offers, request, filter: filter(seconds))
        case .ignored:
            break
        }
        return .accepted
    }

    func checkCount(_ count: Int, _ limit: Int, _ what: String) throws(Refusal) {
        guard count <= limit else {
            throw Refusal(.tooLarge, "a call names at most \(limit) \(what), this one \(count)")
        }
    }

    /// What a declined offer's resources are kept back for. Mesos takes its default for negative
    /// numbers and for what is none, and caps at a year.
    private func filter(_ seconds: Double?) -> Span {
        guard let seconds, seconds >= 0 else {
            return .milliseconds(options.defaultRefuseMilliseconds)
        }
        return .seconds(seconds)
    }

    /// Its own ones among the named; nil: some are named and none is its own.
    private func chosenRoles(_ roles: [String], of framework: MasterFramework) -> [String]? {
        if roles.isEmpty { return framework.description.roles }
        let chosen = framework.description.roles.filter(roles.contains)
        return chosen.isEmpty ? nil : chosen
    }

    private mutating func revive(_ id: FrameworkID, _ roles: [String]) {
        guard let framework = frameworks[id], let roles = chosenRoles(roles, of: framework) else {
            return
        }
        frameworks[id]?.suppressedRoles.removeAll { roles.contains($0) }
        allocator.revive(id, roles: roles)
    }

    private mutating func suppress(_ id: FrameworkID, _ roles: [String]) {
        guard let framework = frameworks[id], let roles = chosenRoles(roles, of: framework) else {
            return
        }
        frameworks[id]?.suppressedRoles = Set(framework.suppressedRoles + roles).sorted()
        allocator.suppress(id, roles: roles)
    }

    /// Best effort, as in Mesos.
    private mutating func sendMessage(
        _ id: FrameworkID, _ agent: AgentID, _ executor: ExecutorID, _ data: Payload
    ) {
        guard let connection = agents[agent]?.connection else {
            emit(.drop(.agentNotRegistered, "message of \(id) to agent \(agent)"))
            return
        }
        emit(.send(connection, .frameworkMessage(id, executor, data)))
    }

    private mutating func shutDown(_ key: ExecutorKey) {
        guard frameworks[key.framework]?.executors[key] != nil,
            let connection = agents[key.agent]?.connection
        else {
            emit(.drop(.executorUnknown, "shutdown of \(key.executor) on \(key.agent)"))
            return
        }
        emit(.send(connection, .shutdownExecutor(key.framework, key.executor)))
    }
}
