import MachineCore
import Model
import OrderedCollections
import Testing

@testable import AgentCore

/// Everything around an agent: a master, frameworks, disks, a launcher and executors, which do at
/// random what they may do. A crash may cut any batch of actions anywhere.
struct World {
    enum Container: Equatable { case starting, running, ended(Int32) }

    /// An executor's own memory, which outlives the agent.
    struct Executor {
        var key: ExecutorKey
        var stream: ExecutorStreamID?
        var tasks: OrderedDictionary<TaskID, TaskDescription> = [:]
        var updates: [StatusUpdate] = []
        var seen: Set<TaskID> = []
        /// What its container holds of tasks' volumes.
        var volumes: [VolumeMount] = []
    }

    var agent: Agent
    var chance: SeededGenerator
    var now = Instant(nanoseconds: 1)
    var boot = 1
    var counter = 0
    var eventCount = 0

    // What survives a crash.
    var journal: [AgentRecord] = []
    var disk: OrderedDictionary<VolumeUUID, Amount> = [:]
    var containers: OrderedDictionary<ContainerID, Container> = [:]
    var launches: OrderedDictionary<ContainerID, ContainerLaunch> = [:]
    var executors: OrderedDictionary<ContainerID, Executor> = [:]
    // What does not.
    var work: OrderedDictionary<OperationUUID, [VolumeChange]> = [:]
    /// What running containers are to hold, not answered yet.
    var updates: OrderedDictionary<ContainerID, [VolumeMount]> = [:]
    var requests: [ExecutorRequestID] = []

    // The master.
    var isConnected = false
    var intents: [AgentOperation] = []
    var outcomes: OrderedDictionary<UInt64, OperationResult> = [:]
    var tasks: OrderedDictionary<TaskKey, TaskState> = [:]
    var outstanding: OrderedDictionary<TaskKey, StatusUpdate> = [:]
    var seenUpdates: [TaskKey: [UpdateUUID]] = [:]
    var counts: OrderedDictionary<String, Int> = [:]

    init(seed: UInt64) {
        chance = SeededGenerator(seed: seed)
        var options = AgentOptions.example
        options.compactionThreshold = 200
        agent = Agent(options: options)
        start()
    }

    mutating func count(_ what: String) { counts[what, default: 0] += 1 }

    mutating func fresh(_ prefix: String) -> String {
        counter += 1
        return "\(prefix)\(counter)"
    }

    /// Hands an event over; with `mayCrash` the batch is cut somewhere now and then.
    mutating func send(_ event: Agent.Event, mayCrash: Bool = true) {
        var outbox = Outbox<Agent.Action>()
        agent.handle(event, at: now, into: &outbox)
        let actions = outbox.drain()
        eventCount += 1
        if eventCount % 8 == 0 {
            for violation in agent.violations() { Issue.record("\(violation), after \(event)") }
        }
        if mayCrash, chance.oneIn(150) {
            for action in actions.prefix(chance.below(actions.count + 1)) { perform(action) }
            crash()
        } else {
            for action in actions { perform(action) }
            if eventCount % 64 == 0 { checkJournal() }
        }
    }

    /// What is stored must say what is known.
    private func checkJournal() {
        do {
            var replayed = AgentState()
            for record in journal { try replayed.apply(record) }
            #expect(replayed == agent.state)
        } catch {
            Issue.record("the journal contradicts itself: \(error)")
        }
    }

    mutating func hear(_ message: MasterMessage, mayCrash: Bool = true) {
        if isConnected { send(.masterSaid(message), mayCrash: mayCrash) }
    }

    // MARK: crashes

    mutating func crash() {
        count("crash")
        // What was under way may have come to its end, or not.
        for (uuid, changes) in work where chance.oneIn(2) {
            _ = uuid
            change(changes)
        }
        work = [:]
        for (container, volumes) in updates where chance.oneIn(2) {
            executors[container]?.volumes = volumes
        }
        updates = [:]
        for (container, state) in containers where state == .starting {
            if chance.oneIn(2) { setRunning(container) } else { forget(container) }
        }
        for container in executors.keys { executors[container]?.stream = nil }
        requests = []
        isConnected = false
        outstanding = [:]
        if chance.oneIn(5) { reboot() }
        start()
    }

    private mutating func reboot() {
        count("reboot")
        boot += 1
        containers = [:]
        launches = [:]
        executors = [:]
    }

    private mutating func start() {
        agent = Agent(options: agent.options)
        let found = containers.map { container, state in
            switch state {
            case .starting, .running:
                StartReport.FoundContainer(container, .running(status: Payload()))
            case .ended(let status):
                StartReport.FoundContainer(
                    container, .ended(ContainerEnd(waitStatus: status)))
            }
        }
        let report = StartReport(
            bootID: "boot\(boot)", resources: .example, records: journal, containers: found,
            volumes: disk.keys.map { .init($0) })
        send(.started(entropy: [chance.next()], report), mayCrash: false)
    }

    mutating func forget(_ container: ContainerID) {
        updates[container] = nil
        containers[container] = nil
        launches[container] = nil
        executors[container] = nil
    }

    mutating func setRunning(_ container: ContainerID) {
        containers[container] = .running
        guard let launch = launches[container], launch.kind == .executor else { return }
        executors[container] = Executor(
            key: ExecutorKey(Harness.framework, launch.executor.id))
    }

    /// Changes the disks as a backend would: all or nothing, idempotent by UUID.
    mutating func change(_ changes: [VolumeChange]) {
        for change in changes {
            switch change {
            case .create(let volume): disk[volume.uuid] = volume.resource.amount
            case .destroy(let uuid): disk[uuid] = nil
            case .resize(let uuid, let amount): disk[uuid] = amount
            }
        }
    }

    // MARK: the agent's actions

    private mutating func perform(_ action: Agent.Action) {
        switch action {
        case .store(let record): journal.append(record)
        case .compactJournal(let records):
            journal = records
            count("compaction")
        case .send(let message): if isConnected { hear(of: message) }
        case .reconnect: isConnected = false
        case .changeVolumes(let uuid, let changes): work[uuid] = changes
        case .eraseVolume(let uuid, _): Issue.record("nobody has asked for erasing \(uuid)")
        case .launchContainer(let launch):
            #expect(containers[launch.container] == nil)
            for mount in launch.volumes {
                #expect(disk[mount.volume] != nil, "a container has a volume that is gone")
            }
            containers[launch.container] = .starting
            launches[launch.container] = launch
        case .updateContainer(let container, _, let volumes, _): update(container, volumes)
        case .signalContainer(let container, .kill): end(container, 9)
        case .signalContainer(let container, .terminate):
            if chance.oneIn(2) { end(container, 15) }
        case .removeContainer(let container):
            #expect(containers[container] != .running)
            forget(container)
        case .sendExecutorEvent(let stream, let event): deliver(event, on: stream)
        case .refuseExecutorStream(let stream, _), .closeExecutorStream(let stream):
            for (container, executor) in executors where executor.stream == stream {
                executors[container]?.stream = nil
            }
        case .answer(let request, let refusal):
            #expect(requests.contains(request))
            #expect(refusal == nil)
            requests.removeAll { $0 == request }
        case .drop(let reason, _): count(reason.rawValue)
        case .startChecks, .stopChecks: break
        case .exit(let text): Issue.record("the agent ended: \(text)")
        }
    }

    private mutating func update(_ container: ContainerID, _ volumes: [VolumeMount]) {
        #expect(updates[container] == nil, "two updates of a container at once")
        #expect(containers[container] != .starting)
        for mount in volumes {
            #expect(disk[mount.volume] != nil, "a container is given a volume that is gone")
        }
        for task in executors[container]?.seen.sorted() ?? [] {
            guard let entry = agent.state.tasks[TaskKey(Harness.framework, task)],
                entry.isHolding
            else { continue }
            let held = agent.mounts(of: entry.row.task.resources)
            #expect(held.allSatisfy(volumes.contains), "a running task loses its volume")
        }
        updates[container] = volumes
    }

    private mutating func end(_ container: ContainerID, _ status: Int32) {
        switch containers[container] {
        case .running, .starting: containers[container] = .ended(status)
        case .ended, nil: break
        }
    }

    private mutating func deliver(_ event: ExecutorEvent, on stream: ExecutorStreamID) {
        guard let container = executors.first(where: { $0.value.stream == stream })?.key else {
            return
        }
        switch event {
        case .launch(let task):
            let isNew = executors[container]?.seen.insert(task.id).inserted == true
            #expect(isNew, "a task was launched twice")
            #expect(updates[container] == nil, "a task was launched during an update")
            let mounted = executors[container]?.volumes ?? []
            let wanted = agent.mounts(of: task.resources)
            #expect(wanted.allSatisfy(mounted.contains), "a task lacks its volume")
            executors[container]?.tasks[task.id] = task
            update(task.id, .running, in: container)
        case .kill(let task, _):
            guard executors[container]?.seen.contains(task) == true else { return }
            update(task, .killed, in: container)
        case .acknowledged(let task, let uuid):
            let rest = executors[container]?.updates.filter { $0.uuid != uuid }
            executors[container]?.updates = rest ?? []
            executors[container]?.tasks[task] = nil
        case .shutdown: end(container, 0)
        case .subscribed, .message, .error, .heartbeat: break
        }
    }

    /// Notes an update that the executor will send until it is acknowledged.
    mutating func update(_ task: TaskID, _ state: TaskState, in container: ContainerID) {
        guard let key = executors[container]?.key else { return }
        let update = StatusUpdate(
            uuid: UpdateUUID(fresh("u")), framework: key.framework, task: task,
            executor: key.executor, state: state, source: .executor,
            timestampNanoseconds: now.nanoseconds)
        executors[container]?.updates.append(update)
    }

    // MARK: the agent's messages

    private mutating func hear(of message: AgentMessage) {
        switch message {
        case .register(let registration): take(registration)
        case .operationResult(let result): take(result)
        case .statusUpdate(let update, latestState: _):
            take(update)
        case .executorMessage, .executorExited, .pong, .volumeReport, .volumeErased, .usageAlarm:
            break
        }
    }

    private mutating func take(_ result: OperationResult) {
        #expect(result.uuid == intents[Int(result.sequence) - 1].uuid)
        if let earlier = outcomes[result.sequence] { #expect(earlier == result) }
        outcomes[result.sequence] = result
    }

    private mutating func take(_ update: StatusUpdate) {
        let key = update.key
        outstanding[key] = update
        guard let uuid = update.uuid, seenUpdates[key]?.contains(uuid) != true else { return }
        seenUpdates[key, default: []].append(uuid)
        if let known = tasks[key] {
            #expect(!known.isTerminal, "\(key.task): \(update.state) after \(known)")
            tasks[key] = update.state
            count(update.state.rawValue)
        }
    }

    private mutating func take(_ registration: AgentRegistration) {
        for result in registration.results { take(result) }
        #expect(registration.lastSequence <= UInt64(intents.count))
        let there = Set(registration.tasks.map { TaskKey($0.framework, $0.task.id) })
        for (key, state) in tasks where !state.isTerminal && !there.contains(key) {
            // Only a launch that was never stored may be forgotten by the agent.
            #expect(state == .staging, "\(key.task) is lost")
            tasks[key] = .dropped
        }
    }
}
