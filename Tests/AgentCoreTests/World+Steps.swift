import MachineCore
import Model
import OrderedCollections
import Testing

@testable import AgentCore

extension World {
    /// One thing that may happen.
    mutating func step() {
        now = now + .milliseconds(Int64(chance.below(400)))
        switch chance.below(22) {
        case 0...3: operate()
        case 4...5: finishWork()
        case 6...8: launch()
        case 9...10: progress()
        case 11...13: acknowledge()
        case 14: kill()
        case 15...16: executorStep()
        case 20...21: finishUpdate()
        case 17: repeatSomething()
        case 18: if chance.oneIn(4) { disconnect() } else { connect() }
        default: pass()
        }
        connect()
    }

    mutating func connect() {
        guard !isConnected else { return }
        isConnected = true
        send(.masterConnected)
        hear(.registered(Harness.agentID, pingTimeoutMilliseconds: 0))
        for intent in intents where intent.sequence > agent.state.lastSequence {
            hear(.applyOperation(intent))
        }
    }

    private mutating func disconnect() {
        isConnected = false
        count("disconnect")
        send(.masterDisconnected)
    }

    private mutating func pass() {
        now = now + .seconds(Double(chance.below(12)))
        if let deadline = agent.deadline, deadline <= now { send(.ticked) }
    }

    // MARK: operations

    private mutating func operate() {
        guard isConnected else { return }
        let sequence = UInt64(intents.count + 1)
        let disk = Resource.disk(Int64(50 * (1 + chance.below(4))))
        let uuid = VolumeUUID(fresh("v"))
        let volume = Resource.volume("id\(chance.below(8))", 0).with(disk.value)
        let known = agent.state.sortedVolumes
        let one = known.isEmpty ? nil : known[chance.below(known.count)]
        var type = OperationType.reserve
        var conversion = ResourceConversion(disk, disk.reserved)
        var changes: [VolumeChange] = []
        switch chance.below(8) {
        case 0, 1: break
        case 2:
            type = .unreserve
            conversion = conversion.reversed
        case 3, 4, 5:
            type = .create
            conversion = .init(disk.reserved, volume)
            changes = [
                .create(
                    VolumeDescription(uuid: uuid, resource: volume, createdNanoseconds: 0))
            ]
        case 6:
            guard let one else { return }
            type = .destroy
            conversion = .init(
                one.resource, Resource.disk(0).with(one.resource.value).reserved)
            changes = [.destroy(one.uuid)]
        default:
            guard let one else { return }
            type = .grow
            let grown = one.resource.with(amount: one.resource.amount + disk.amount)
            conversion = .init(one.resource, disk.reserved, to: [grown])
            changes = [.resize(one.uuid, to: grown.amount)]
        }
        let operation = AgentOperation(
            uuid: OperationUUID(fresh("op")), sequence: sequence, type: type,
            conversion: conversion, volumeChanges: changes)
        intents.append(operation)
        count(type.rawValue)
        hear(.applyOperation(operation))
    }

    private mutating func finishWork() {
        guard !work.isEmpty else { return }
        finish(at: chance.below(work.count), isFailing: chance.oneIn(8))
    }

    mutating func finish(at index: Int, isFailing: Bool) {
        let (uuid, changes) = work.elements[index]
        work[uuid] = nil
        // What a crash left done does not fail any more.
        if isFailing, !isDone(changes) {
            count("volume work failed")
            send(.volumesChanged(uuid, failure: "bad disk"))
        } else {
            change(changes)
            send(.volumesChanged(uuid, failure: nil))
        }
    }

    private mutating func finishUpdate() {
        guard let container = updates.keys.first else { return }
        finishUpdate(of: container, isFailing: chance.oneIn(6))
    }

    mutating func finishUpdate(of container: ContainerID, isFailing: Bool) {
        guard let volumes = updates.removeValue(forKey: container) else { return }
        count(isFailing ? "container update failed" : "container update")
        if !isFailing || chance.oneIn(2) { executors[container]?.volumes = volumes }
        send(.containerUpdated(container, failure: isFailing ? "bad mount" : nil))
    }

    private func isDone(_ changes: [VolumeChange]) -> Bool {
        changes.contains { change in
            switch change {
            case .create(let volume): disk[volume.uuid] != nil
            case .destroy(let uuid): disk[uuid] == nil
            case .resize(let uuid, let amount): disk[uuid] == amount
            }
        }
    }

    // MARK: tasks

    private mutating func launch() {
        guard isConnected else { return }
        let executor: ExecutorDescription? =
            chance.oneIn(2) ? .example("e\(chance.below(2))") : nil
        var resources = [Resource.cpus(1)]
        let known = agent.state.sortedVolumes
        if !known.isEmpty, chance.oneIn(2) {
            resources.append(known[chance.below(known.count)].resource)
        }
        let task = TaskDescription.example(fresh("t"), resources, executor: executor)
        tasks[TaskKey(Harness.framework, task.id)] = .staging
        count(executor == nil ? "command task" : "executor task")
        hear(.launch(TaskLaunch(framework: .example(), executor: executor, tasks: [task])))
    }

    mutating func progress() {
        guard !containers.isEmpty else { return }
        let (container, state) = containers.elements[chance.below(containers.count)]
        switch state {
        case .starting:
            if chance.oneIn(8) {
                forget(container)
                send(.containerFailed(container, reason: "no image"))
            } else {
                setRunning(container)
                send(.containerStarted(container, status: Payload([1])))
            }
        case .running:
            if chance.oneIn(3) { containers[container] = .ended(Int32(chance.below(3)) << 8) }
        case .ended(let status):
            send(.containerEnded(container, ContainerEnd(waitStatus: status)))
        }
    }

    mutating func acknowledge() {
        if !outstanding.isEmpty, chance.oneIn(2) {
            let (key, update) = outstanding.elements[chance.below(outstanding.count)]
            acknowledge(key, update)
        }
        if !outcomes.isEmpty, isConnected {
            let result = outcomes.elements[chance.below(outcomes.count)].value
            hear(.acknowledgeResult(result.uuid))
        }
    }

    mutating func acknowledge(_ key: TaskKey, _ update: StatusUpdate) {
        guard isConnected, let uuid = update.uuid else { return }
        outstanding[key] = nil
        hear(.acknowledge(key.framework, key.task, uuid))
    }

    private mutating func kill() {
        guard !tasks.isEmpty else { return }
        let key = tasks.elements[chance.below(tasks.count)].key
        hear(.kill(key.framework, key.task, graceMilliseconds: chance.oneIn(2) ? 0 : nil))
    }

    private mutating func repeatSomething() {
        switch chance.below(3) {
        case 0:
            guard !intents.isEmpty else { return }
            hear(.applyOperation(intents[chance.below(intents.count)]))
        case 1:
            guard let (key, update) = outstanding.elements.first else { return }
            acknowledge(key, update)
            acknowledge(key, update)
        default:
            guard let (uuid, _) = work.elements.first else { return }
            finish(at: 0, isFailing: false)
            send(.volumesChanged(uuid, failure: nil))
        }
    }

    mutating func executorStep() {
        let live = executors.keys.filter { containers[$0] == .running }
        guard !live.isEmpty else { return }
        let container = live[chance.below(live.count)]
        guard let executor = executors[container] else { return }
        guard let stream = executor.stream else {
            let stream = ExecutorStreamID(chance.next())
            executors[container]?.stream = stream
            return send(
                .executorSubscribed(
                    stream, executor.key.framework, executor.key.executor,
                    unacknowledgedTasks: Array(executor.tasks.values),
                    unacknowledgedUpdates: executor.updates))
        }
        if chance.oneIn(12) {
            executors[container]?.stream = nil
            count("executor disconnect")
            return send(.executorStreamClosed(stream))
        }
        if let update = executor.updates.first {
            let request = ExecutorRequestID(chance.next())
            requests.append(request)
            send(
                .executorCalled(
                    request, executor.key.framework, executor.key.executor, .update(update)))
        } else if let task = executor.seen.sorted().last, chance.oneIn(2) {
            update(task, .finished, in: container)
        }
    }
}
