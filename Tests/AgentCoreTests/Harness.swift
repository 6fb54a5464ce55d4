import MachineCore
import Model
import Testing

@testable import AgentCore

/// An agent with a clock, a journal and everything that it ever asked for.
struct Harness {
    var agent: Agent
    var now = Instant(nanoseconds: 1_000_000_000)
    var journal: [AgentRecord] = []
    /// The actions of the last event.
    var last: [Agent.Action] = []
    var sequence: UInt64 = 0
    var updates: [StatusUpdate] = []
    /// Whether updates of containers stay unanswered; else each succeeds at once.
    var holdsContainerUpdates = false

    static let agentID = AgentID("S0")
    static let framework = FrameworkID("F")

    init(
        _ resources: Resources = .example, options: AgentOptions = .example,
        isRegistered: Bool = true
    ) {
        agent = Agent(options: options)
        send(.started(entropy: [1], StartReport(bootID: "boot", resources: resources)))
        if isRegistered { register() }
    }

    /// Hands an event over and keeps what comes of it; the invariants must hold after each.
    @discardableResult
    mutating func send(
        _ event: Agent.Event, _ location: SourceLocation = #_sourceLocation
    ) -> [Agent.Action] {
        var outbox = Outbox<Agent.Action>()
        agent.handle(event, at: now, into: &outbox)
        last = outbox.drain()
        var answered = 0
        while !holdsContainerUpdates, answered < last.count {
            if case .updateContainer(let container, _, _, _) = last[answered] {
                agent.handle(
                    .containerUpdated(container, failure: nil), at: now, into: &outbox)
                last += outbox.drain()
            }
            answered += 1
        }
        for action in last {
            if case .store(let record) = action { journal.append(record) }
            if case .compactJournal(let records) = action { journal = records }
        }
        for case .send(.statusUpdate(let update, latestState: _)) in last {
            updates.append(update)
        }
        #expect(agent.violations() == [], sourceLocation: location)
        return last
    }

    @discardableResult
    mutating func hear(
        _ message: MasterMessage, _ location: SourceLocation = #_sourceLocation
    ) -> [Agent.Action] {
        send(.masterSaid(message), location)
    }

    /// Of the registration that was just sent.
    var registrationNumber: UInt64? {
        for case .send(.register(let registration)) in last { return registration.number }
        return nil
    }

    mutating func register() {
        send(.masterConnected)
        hear(.registered(Self.agentID, pingTimeoutMilliseconds: 0))
    }

    /// Lets time pass, with every wake-up that the agent asks for.
    mutating func wait(_ span: Span) {
        let end = now + span
        var collected: [Agent.Action] = []
        while let deadline = agent.deadline, deadline <= end {
            now = max(now, deadline)
            collected += send(.ticked)
        }
        now = end
        last = collected
    }

    /// A kill -9 and a new process, which finds what is given.
    mutating func restart(
        _ containers: [StartReport.FoundContainer] = [], bootID: String = "boot",
        resources: Resources = .example, missing: [VolumeUUID] = []
    ) {
        let volumes = agent.state.sortedVolumes.map(\.uuid).filter { !missing.contains($0) }
        agent = Agent(options: agent.options)
        send(
            .started(
                entropy: [UInt64(journal.count)],
                StartReport(
                    bootID: bootID, uptimeNanoseconds: UInt64(now.nanoseconds),
                    resources: resources, records: journal,
                    containers: containers, volumes: volumes.map { .init($0) })))
    }

    /// The state that the journal's records rebuild.
    func replayed() throws -> AgentState {
        var state = AgentState()
        for record in journal { try state.apply(record) }
        return state
    }

    mutating func apply(
        _ type: OperationType, _ conversion: ResourceConversion, _ changes: [VolumeChange] = []
    ) -> AgentOperation {
        sequence += 1
        return AgentOperation(
            uuid: OperationUUID("op\(sequence)"), sequence: sequence, type: type,
            conversion: conversion, volumeChanges: changes)
    }

    /// Makes a reservation and a volume of 100 MiB, whole.
    mutating func makeVolume(_ name: String) -> Resource {
        let disk = Resource.disk(100)
        let volume = Resource.volume(name, 100)
        hear(.applyOperation(apply(.reserve, .init(disk, disk.reserved))))
        let create = apply(
            .create, .init(disk.reserved, volume), [.create(.example(name, volume))])
        hear(.applyOperation(create))
        send(.volumesChanged(create.uuid, failure: nil))
        return volume
    }

    /// The container of the last launch.
    var launched: ContainerLaunch? { launches.last }

    var launches: [ContainerLaunch] {
        last.compactMap { action in
            if case .launchContainer(let launch) = action { launch } else { nil }
        }
    }

    var results: [OperationResult] {
        last.compactMap { action in
            if case .send(.operationResult(let result)) = action { result } else { nil }
        }
    }

    var sent: [StatusUpdate] {
        last.compactMap { action in
            if case .send(.statusUpdate(let update, latestState: _)) = action {
                update
            } else {
                nil
            }
        }
    }

    /// What containers are to hold by the last actions: the names of the tasks' volumes.
    var mounted: [[String]] {
        last.compactMap { action in
            guard case .updateContainer(_, _, let volumes, _) = action else { return nil }
            return volumes.map(\.volume.value)
        }
    }

    var drops: [Agent.DropReason] {
        last.compactMap { action in
            if case .drop(let reason, _) = action { reason } else { nil }
        }
    }

    var exitText: String? {
        for case .exit(let text) in last { return text }
        return nil
    }

    func events(_ stream: UInt64) -> [ExecutorEvent] {
        last.compactMap { action in
            guard case .sendExecutorEvent(let to, let event) = action,
                to == ExecutorStreamID(stream)
            else { return nil }
            return event
        }
    }

    /// Acknowledges what is outstanding of a task until nothing is.
    mutating func acknowledgeAll(_ task: String) {
        let key = TaskKey(Self.framework, TaskID(task))
        while let uuid = agent.state.tasks[key]?.pending.first?.uuid {
            hear(.acknowledge(key.framework, key.task, uuid))
        }
    }

    /// Launches a command task and starts its container.
    mutating func run(
        _ task: TaskDescription, _ framework: FrameworkDescription = .example()
    ) -> ContainerID {
        hear(.launch(TaskLaunch(framework: framework, tasks: [task])))
        let container = launched?.container ?? ContainerID("none")
        send(.containerStarted(container, status: Payload([1])))
        return container
    }

    func entry(_ task: String) -> AgentState.TaskEntry? {
        agent.state.tasks[TaskKey(Self.framework, TaskID(task))]
    }
}

extension Harness {
    /// Acknowledges the one update of a task that is outstanding.
    mutating func acknowledgeFirst(_ task: String) {
        guard let uuid = entry(task)?.pending.first?.uuid else { return }
        hear(.acknowledge(Self.framework, TaskID(task), uuid))
    }
}
