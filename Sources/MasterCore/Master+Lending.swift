import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// Lending: cpus and memory that are reserved and that no task uses are offered to frameworks of
// other roles as revocable resources, beside the offer to their own role. When a task of their own
// role is to use them, the tasks of the borrowers are killed, the newest first, and the launch
// waits here until they have ended: a moment with more memory in use than there is could end any
// task of the machine.
//
//     idle --offer, launch--> lent --owner's launch--> recalled --ended--> idle --> owner's task
//
// Law: what is lent to tasks that are not recalled is at most what is reserved and idle. Nothing of
// this is stored: after a restart all follows from the tasks that the agents bring. Launches that
// wait are as lost as any that a master has not sent.

/// A launch that waits for what is lent to come back.
struct HeldLaunch: Sendable {
    let launch: TaskLaunch
    /// The executor that it is the first one of.
    let newExecutor: ExecutorKey?
}

extension Master {
    static let lentNames = ["cpus", "mem"]

    /// After each event: everything that it changed is in the books.
    mutating func settleLending() {
        guard options.lendsIdle else { return }
        for id in touchedAgents.sorted() where agents[id]?.isRegistered == true {
            settleLending(on: id)
        }
    }

    private mutating func settleLending(on id: AgentID) {
        forgetReturned(on: id)
        recall(on: id)
        let idle = idleReserved(on: id)
        allocator.setLendable(
            id,
            Resources(
                Self.lentNames.map { Resource($0, .scalar(idle[$0]), isRevocable: true) }
                    .filter { $0.amount > .zero }))
        sendHeld(to: id)
    }

    /// Sends tasks that are booked, or lets them wait for what is lent.
    mutating func deliver(
        _ launch: TaskLaunch, to id: AgentID, newExecutor: ExecutorKey?
    ) {
        guard agents[id]?.isConnected == true else { return }
        agents[id]?.heldLaunches.append(HeldLaunch(launch: launch, newExecutor: newExecutor))
        if options.lendsIdle { recall(on: id) }
        sendHeld(to: id)
    }

    private mutating func sendHeld(to id: AgentID) {
        guard agents[id]?.recalled.isEmpty == true, let connection = agents[id]?.connection,
            let held = agents[id]?.heldLaunches, !held.isEmpty
        else { return }
        agents[id]?.heldLaunches = []
        for launch in held { emit(.send(connection, .launch(launch.launch))) }
    }

    // MARK: recalling

    /// Reserved and used by no task, with what is lent of it.
    func idleReserved(on id: AgentID) -> ResourceQuantities {
        guard let agent = agents[id] else { return ResourceQuantities() }
        var idle = ResourceQuantities()
        let total = agent.total.reservedQuantities
        for name in Self.lentNames { idle[name] = total[name] }
        for booked in holdings(of: agent) {
            let used = booked.reservedQuantities
            for name in Self.lentNames { idle[name] = max(.zero, idle[name] - used[name]) }
        }
        return idle
    }

    /// The tasks that hold what is lent and may keep it, by age.
    private func borrowers(on agent: MasterAgent) -> [MasterTask] {
        agent.tasks.compactMap { frameworks[$0.framework]?.tasks[$0.task] }
            .filter { task in
                !agent.recalled.contains(task.key) && task.booked.contains { $0.isRevocable }
            }
            .sorted { $0.number < $1.number }
    }

    private func lent(_ name: String, in resources: Resources) -> Amount {
        resources.reduce(into: Amount.zero) { sum, resource in
            if resource.isRevocable, resource.name == name { sum += resource.amount }
        }
    }

    /// How much more is lent to tasks than may be; for the check of invariants.
    func lentTooMuch(on id: AgentID) -> [String] {
        guard options.lendsIdle, let agent = agents[id], agent.isRegistered else {
            return []
        }
        let idle = idleReserved(on: id)
        let tasks = borrowers(on: agent)
        return Self.lentNames.compactMap { name in
            let sum = tasks.reduce(into: Amount.zero) { $0 += lent(name, in: $1.booked) }
            return sum > idle[name]
                ? "agent \(id): \(sum) of \(name) is lent, and \(idle[name]) is idle" : nil
        }
    }

    /// Takes back what is lent and not idle any more: offers at once, tasks by killing the newest.
    private mutating func recall(on id: AgentID) {
        guard let agent = agents[id] else { return }
        let idle = idleReserved(on: id)
        var tasks = borrowers(on: agent)
        for name in Self.lentNames {
            var sum = tasks.reduce(into: Amount.zero) { $0 += lent(name, in: $1.booked) }
            let offered = agent.offers.sorted().filter {
                offers[$0].map { lent(name, in: $0.resources) > .zero } ?? false
            }
            let inOffers = offered.compactMap { offers[$0] }
                .reduce(into: Amount.zero) { $0 += lent(name, in: $1.resources) }
            if sum + inOffers > idle[name] {
                for offer in offered { removeOffer(offer, isRescinded: true) }
            }
            while sum > idle[name],
                let newest = tasks.lastIndex(where: { lent(name, in: $0.booked) > .zero })
            {
                let task = tasks.remove(at: newest)
                sum -= lent(name, in: task.booked)
                recall(task)
            }
        }
    }

    private mutating func recall(_ task: MasterTask) {
        let id = task.agent
        if dropHeld(task.key, on: id, .preempted, Self.preemptedText) { return }
        agents[id]?.recalled.insert(task.key)
        let grace = min(
            task.description.killGraceMilliseconds ?? options.recallGraceMilliseconds,
            options.longestRecallGraceMilliseconds)
        frameworks[task.framework]?.tasks[task.key.task]?.isKillRequested = true
        frameworks[task.framework]?.tasks[task.key.task]?.killGraceMilliseconds = grace
        sendKill(task.key, to: id, graceMilliseconds: grace)
    }

    private static let preemptedText =
        "the cpus or memory that were lent to it are used by the role that they are reserved for"

    /// The end of a task that was recalled tells its framework why.
    func withPreemption(_ update: StatusUpdate, on id: AgentID) -> StatusUpdate {
        guard update.state == .killed, agents[id]?.recalled.contains(update.key) == true else {
            return update
        }
        var update = update
        update.reason = .preempted
        update.message = Self.preemptedText
        return update
    }

    private mutating func forgetReturned(on id: AgentID) {
        guard let recalled = agents[id]?.recalled, !recalled.isEmpty else { return }
        let rest = recalled.filter { key in
            frameworks[key.framework]?.tasks[key.task].map { task in
                task.agent == id && !task.booked.isEmpty
            } ?? false
        }
        agents[id]?.recalled = rest
    }

    // MARK: launches that wait

    /// Ends a task that was not sent yet, and those of its group. False: it was sent.
    @discardableResult
    mutating func dropHeld(
        _ key: TaskKey, on id: AgentID, _ reason: StatusReason, _ message: String
    ) -> Bool {
        guard
            let index = agents[id]?.heldLaunches.firstIndex(where: { held in
                held.launch.framework.id == key.framework
                    && held.launch.tasks.contains { $0.id == key.task }
            }), let held = agents[id]?.heldLaunches.remove(at: index)
        else { return false }
        touch(id)
        for task in held.launch.tasks {
            endTask(TaskKey(key.framework, task.id), as: .killed, reason, message)
        }
        guard let executor = held.newExecutor else { return true }
        let next = agents[id]?.heldLaunches.firstIndex { other in
            other.launch.framework.id == executor.framework
                && other.launch.executor?.id == executor.executor
        }
        if let next, let other = agents[id]?.heldLaunches[next] {
            agents[id]?.heldLaunches[next] = HeldLaunch(
                launch: other.launch, newExecutor: executor)
        } else {
            removeExecutor(executor)
        }
        return true
    }

    // MARK: what may be borrowed for

    /// Throws `invalid` in Mesos's words where it has some.
    func validateBorrowing(_ task: TaskDescription) throws(Refusal) {
        let lent = task.resources.filter(\.isRevocable)
        if let executor = task.executor, executor.resources.contains(where: \.isRevocable) {
            throw Refusal(
                .invalid, "an executor cannot use revocable resources here; its tasks can")
        }
        for resource in lent
        where task.resources.contains(where: { $0.name == resource.name && !$0.isRevocable }) {
            throw Refusal(
                .invalid,
                "Task and its executor use both revocable and non-revocable \(resource.name)")
        }
    }
}
