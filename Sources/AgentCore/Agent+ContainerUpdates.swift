import MachineCore
import Model

// What an executor's container holds follows its tasks. One update of a container is outstanding at
// a time: what changes meanwhile goes into the next one, so that the newest wins. A task is handed
// to its executor once an update that brought it has succeeded and none is outstanding.
//
//     task: waiting -> in an update -> prepared -> delivered
//                          |
//                          +--failed--> TASK_FAILED; or alone in a next update, if it was not

extension Agent {
    /// What an executor's container is to hold has changed: the launcher is told once it can be.
    mutating func requestUpdate(
        of container: ContainerID, into outbox: inout Outbox<Action>
    ) {
        runs[container]?.needsUpdate = true
        askForUpdate(of: container, into: &outbox)
    }

    /// Asks for the update that a container needs, unless it starts, ends, or has one outstanding.
    mutating func askForUpdate(
        of container: ContainerID, into outbox: inout Outbox<Action>
    ) {
        guard var run = runs[container], run.needsUpdate, run.update == nil,
            run.phase == .running, run.cause == nil, let entry = state.executors[run.key]
        else { return }
        let waiting = entry.tasks.filter { !run.has($0) }
        let brought = run.isStepwise ? Array(waiting.prefix(1)) : waiting
        run.update = brought
        run.needsUpdate = brought.count < waiting.count
        run.isStepwise = run.needsUpdate
        runs[container] = run
        let next = Set(brought)
        var held: [Resource] = []
        var payloads: [Payload] = []
        for id in entry.tasks where run.has(id) || next.contains(id) {
            guard let task = state.tasks[TaskKey(run.key.framework, id)]?.row.task else { continue }
            held += task.resources
            payloads.append(task.payload)
        }
        outbox.append(
            .updateContainer(
                container, resources: entry.row.executor.resources + held,
                volumes: mounts(of: held), tasks: payloads))
    }

    mutating func containerUpdated(
        _ container: ContainerID, failure: String?, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard let run = runs[container], let brought = run.update else {
            return outbox.append(.drop(.containerUnknown, "container \(container) was updated"))
        }
        if let failure {
            updateFailed(container, run, failure, at: now, into: &outbox)
        } else {
            runs[container]?.prepared.formUnion(brought)
        }
        runs[container]?.update = nil
        deliverPrepared(in: container, into: &outbox)
        askForUpdate(of: container, into: &outbox)
        stopIfUseless(container, at: now, into: &outbox)
    }

    /// Fails the task that an update could not bring. An executor that has not come back may run
    /// it already: then its subscription decides. Without a waiting task, there is nobody to tell.
    private mutating func updateFailed(
        _ container: ContainerID, _ run: ContainerRun, _ failure: String, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard run.cause == nil, !run.isRecovering else { return }
        let waiting = (run.update ?? []).filter { !run.delivered.contains($0) }
        guard waiting.count <= 1 else {
            runs[container]?.isStepwise = true
            runs[container]?.needsUpdate = true
            return
        }
        for task in waiting {
            report(
                TaskKey(run.key.framework, task),
                Report(
                    .failed, .agent, reason: .containerUpdateFailed,
                    message: "Failed to update container: \(failure)"),
                at: now, into: &outbox)
        }
    }

    /// Hands the tasks that are prepared to an executor that listens.
    mutating func deliverPrepared(
        in container: ContainerID, into outbox: inout Outbox<Action>
    ) {
        guard let run = runs[container], let stream = run.stream, run.cause == nil,
            run.update == nil
        else { return }
        for task in state.executors[run.key]?.tasks ?? []
        where run.prepared.contains(task) && !run.delivered.contains(task) {
            guard let row = state.tasks[TaskKey(run.key.framework, task)]?.row else { continue }
            runs[container]?.delivered.insert(task)
            runs[container]?.hasWorked = true
            outbox.append(.sendExecutorEvent(stream, .launch(row.task)))
        }
    }

    /// Whether a task waits for an update that is not under way.
    func hasUnprepared(_ container: ContainerID) -> Bool {
        guard let run = runs[container], run.update == nil else { return false }
        return state.executors[run.key]?.tasks.contains { !run.has($0) } == true
    }
}

extension ContainerRun {
    /// Whether the container must hold what a task holds: it may run.
    func has(_ task: TaskID) -> Bool { prepared.contains(task) || delivered.contains(task) }
}
