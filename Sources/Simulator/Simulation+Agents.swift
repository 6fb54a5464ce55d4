import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// The agents' processes and the machines under them.

extension Simulation {
    mutating func startAgent(_ index: Int) {
        guard !agents[index].isUp else { return }
        agents[index].isUp = true
        agents[index].agent = Agent(options: AgentHost.options(index))
        let report = agents[index].startReport(at: now)
        // Ends that nobody was told of are told by the report.
        for (id, container) in agents[index].containers {
            agents[index].containers[id]?.isTold = container.state != .running
        }
        tell(index, .started(entropy: [chance.next()], report))
        guard agents[index].isUp else { return }
        add(.connect(agent: index, life: agents[index].life), within: 50)
        add(.volumeReports(agent: index, life: agents[index].life), within: 500)
    }

    /// Hands an event to an agent; now and then it dies in the middle of what comes of it.
    mutating func tell(_ index: Int, _ event: Agent.Event) {
        guard agents[index].isUp else { return }
        report.events += 1
        var outbox = Outbox<Agent.Action>()
        agents[index].agent.handle(event, at: now, into: &outbox)
        let actions = outbox.drain()
        digest.add(UInt64(bitPattern: now.nanoseconds))
        digest.add(UInt64(index) << 32 + UInt64(actions.count))
        checkCheaply(index)
        if report.events.isMultiple(of: options.fullCheckEvery) {
            for violation in checkEverything() { violate(violation) }
        }
        guard isFaulty, chance.oneIn(options.crashOneIn) else {
            for action in actions { perform(action, on: index) }
            return
        }
        let life = agents[index].life
        let count = chance.below(actions.count + 1)
        if count > 0 {
            // One commit: all records of an event are there, or none.
            for action in actions where action.isRecord { perform(action, on: index) }
        }
        for action in actions.prefix(count) where !action.isRecord { perform(action, on: index) }
        if agents[index].life == life { crashAgent(index) }
    }

    // MARK: the end of a process

    mutating func crashAgent(_ index: Int) {
        guard agents[index].isUp else { return }
        count(.agentCrash)
        loseWaitingRecords(index)
        stop(index)
        add(.startAgent(index), within: chance.oneIn(4) ? 9_000 : 800)
    }

    /// What the agent's journal syncs with the next record only may not have come to the disk.
    private mutating func loseWaitingRecords(_ index: Int) {
        guard chance.oneIn(2) else { return }
        while case .resultAcknowledged? = agents[index].journal.last {
            agents[index].journal.removeLast()
        }
    }

    private mutating func stop(_ index: Int) {
        agents[index].isUp = false
        agents[index].life += 1
        closeAtAgent(index)
        // What was under way may have come to its end, or not.
        for (uuid, changes) in agents[index].work where chance.oneIn(2) {
            if agents[index].agent.state.begun?.uuid == uuid {
                leaveInTheMiddle(changes, on: index)
                continue
            }
            let grown = agents[index].grownInUse(changes)
            if grown.allSatisfy(AgentHost.growsWhileMounted) { agents[index].change(changes) }
        }
        agents[index].work = [:]
        for (id, volumes) in agents[index].updates where chance.oneIn(2) {
            agents[index].containers[id]?.executor?.volumes = volumes
        }
        agents[index].updates = [:]
        for id in agents[index].containers.keys {
            agents[index].containers[id]?.executor?.stream = nil
        }
        for (id, container) in agents[index].containers where container.state == .starting {
            if chance.oneIn(2) {
                setRunning(id, on: index)
                add(.container(agent: index, boot: agents[index].boot, id), within: 8_000)
            } else {
                agents[index].containers[id] = nil
            }
        }
    }

    mutating func restartMachine(_ index: Int) {
        count(.machineRestart)
        if agents[index].isUp {
            stop(index)
            add(.startAgent(index), within: chance.oneIn(4) ? 9_000 : 800)
        }
        agents[index].boot += 1
        agents[index].containers = [:]
    }

    /// The master wanted no more of this agent: another machine takes its place.
    private mutating func replace(_ index: Int) {
        stop(index)
        var host = AgentHost(number: index)
        host.boot = agents[index].boot + 1
        host.life = agents[index].life
        agents[index] = host
        add(.startAgent(index), within: 2_000)
    }

    // MARK: actions

    private mutating func perform(_ action: Agent.Action, on index: Int) {
        switch action {
        case .store(let record):
            note(record, of: index)
            agents[index].journal.append(record)
        case .compactJournal(let records):
            count(.compaction)
            agents[index].journal = records
        case .send(let message): send(message, from: index)
        case .reconnect:
            closeAtAgent(index)
            add(.connect(agent: index, life: agents[index].life), within: 300)
        case .changeVolumes(let uuid, let changes):
            let isSlow = isFaulty && chance.oneIn(6)
            if isSlow { count(.volumeWorkSlow) }
            agents[index].work[uuid] = changes
            add(
                .volumeWork(agent: index, life: agents[index].life, uuid),
                within: isSlow ? 6_000 : 60)
        case .eraseVolume(let uuid, _): wipe(uuid, on: index)
        case .launchContainer(let launch): start(launch, on: index)
        case .signalContainer(let container, let signal): self.signal(container, signal, on: index)
        case .removeContainer(let container):
            if agents[index].containers[container]?.state == .running {
                violate("container \(container) runs and is forgotten")
            }
            agents[index].containers[container] = nil
        case .drop(let reason, _): digest.add(reason.rawValue)
        case .exit(let text): exited(index, text)
        case .updateContainer(let container, _, let volumes, _):
            update(container, volumes, on: index)
        case .sendExecutorEvent(let stream, let event): hear(event, on: stream, of: index)
        case .refuseExecutorStream(let stream, _), .closeExecutorStream(let stream):
            closeExecutorStream(stream, of: index)
        case .startChecks, .stopChecks, .answer: break
        }
    }

    private mutating func exited(_ index: Int, _ text: String) {
        let standing = agents[index].agent.state.id.flatMap { registry.agents[$0]?.standing }
        if standing != .gone { violate("agent \(index) ended: \(text)") }
        replace(index)
    }

    private mutating func note(_ record: AgentRecord, of index: Int) {
        digest.add(UInt64(index))
        switch record {
        case .operationEnded(let operation, let result):
            digest.add(result.uuid.value)
            guard agents[index].ended[result.uuid] == nil else { return }
            count(result.state == .finished ? .operationFinished : .operationFailed)
            if operation.isTransaction {
                count(result.state == .finished ? .transactionFinished : .transactionFailed)
            }
            agents[index].ended[result.uuid] = AgentHost.EndedOperation(
                operation: operation, result: result)
        case .updateStored(let update):
            digest.add(update.task.value)
            digest.add(update.state.rawValue)
            if update.state == .running { count(.taskStarted) }
            if update.state.isTerminal { count(.taskEnded) }
        case .identified(let id): digest.add(id.value)
        case .taskStored(let row): checkLaunch(row, on: index)
        case .transactionBegun(let operation): digest.add(operation.uuid.value)
        case .volumesDiscarded(let uuid): digest.add(uuid.value)
        case .started, .resultAcknowledged, .frameworkStored, .frameworkRemoved, .executorStored,
            .executorRemoved, .taskRemoved, .updateAcknowledged, .volumesPrepared,
            .volumesDoomed, .snapshot:
            break
        }
    }
}
