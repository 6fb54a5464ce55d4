import MachineCore
import MasterCore
import Model
import OrderedCollections

// Streams of events to the schedulers, and what schedulers do with them.

extension Simulation {
    mutating func subscribe(_ index: Int) {
        guard schedulers[index].stream == nil else { return }
        guard isMasterUp else { return add(.subscribe(framework: index), within: 1_000) }
        count(.subscribe)
        let id = StreamID(number())
        streams[id] = EventStream(framework: index)
        schedulers[index].stream = id
        schedulers[index].offers = [:]
        schedulers[index].isSubscribed = false
        let subscription = Subscription(
            framework: schedulers[index].description, streamUUID: "stream-\(id.value)")
        tell(.frameworkSubscribed(id, subscription))
    }

    mutating func send(_ event: SchedulerEvent, on id: StreamID) {
        guard streams[id]?.isOpenAtMaster == true else { return }
        streams[id]?.toScheduler.append(.message(event))
        add(.streamToScheduler(id), within: delay())
    }

    mutating func closeAtMaster(_ id: StreamID) {
        guard streams[id]?.isOpenAtMaster == true else { return }
        streams[id]?.isOpenAtMaster = false
        guard streams[id]?.isOpenAtScheduler == true else { return streams[id] = nil }
        streams[id]?.toScheduler.append(.closed)
        add(.streamToScheduler(id), within: delay())
    }

    /// The scheduler's end is gone; the master learns it some time.
    mutating func closeAtScheduler(_ index: Int) {
        guard let id = schedulers[index].stream else { return }
        schedulers[index].stream = nil
        schedulers[index].isSubscribed = false
        schedulers[index].offers = [:]
        streams[id]?.isOpenAtScheduler = false
        streams[id]?.toScheduler = []
        guard streams[id]?.isOpenAtMaster == true else { return streams[id] = nil }
        add(.streamClosed(id), within: 1_500)
    }

    mutating func noticeClosed(_ id: StreamID) {
        guard streams.removeValue(forKey: id)?.isOpenAtMaster == true else { return }
        tell(.streamClosed(id))
    }

    mutating func deliverToScheduler(_ id: StreamID) {
        guard let stream = streams[id], let first = stream.toScheduler.first else { return }
        streams[id]?.toScheduler.removeFirst()
        guard schedulers[stream.framework].stream == id else { return }
        switch first {
        case .message(let event): hear(event, stream.framework)
        case .closed:
            streams[id] = nil
            closeAtScheduler(stream.framework)
            add(.subscribe(framework: stream.framework), within: 500)
        }
    }

    // MARK: events

    private mutating func hear(_ event: SchedulerEvent, _ index: Int) {
        switch event {
        case .subscribed(let id, _):
            schedulers[index].id = id
            schedulers[index].isSubscribed = true
            reconcile(index)
        case .offers(let messages):
            for message in messages {
                digest.add(message.offer.id.value)
                schedulers[index].offers[message.offer.id] = message.offer
            }
        case .rescind(let id): schedulers[index].offers[id] = nil
        case .update(let update, _): hear(update, index)
        case .updateOperationStatus(let status): hear(status, index)
        case .transaction(let result): hear(result)
        case .error:
            // Its id is taken no more, or another stream has it.
            if isRemoved(index) { schedulers[index].renew() }
        case .message, .failure, .heartbeat: break
        }
    }

    private func isRemoved(_ index: Int) -> Bool {
        guard let id = schedulers[index].id else { return false }
        return registry.frameworks[id]?.isRemoved ?? true
    }

    private mutating func hear(_ update: StatusUpdate, _ index: Int) {
        digest.add(update.task.value)
        digest.add(update.state.rawValue)
        if update.reason == .preempted { count(.taskPreempted) }
        if let known = schedulers[index].tasks[update.task] {
            if known.hasEnded, !update.state.isTerminal, update.source != .master {
                violate("task \(update.task) is \(update.state) after \(known.state)")
            }
            if !known.hasEnded {
                schedulers[index].tasks[update.task]?.state = update.state
                schedulers[index].tasks[update.task]?.hasEnded =
                    update.state.isTerminal && update.source != .master
            }
        }
        guard let uuid = update.uuid, let agent = update.agent else { return }
        guard !(isFaulty && chance.oneIn(10)) else { return count(.acknowledgementSkipped) }
        call(index, .acknowledge(agent: agent, task: update.task, uuid: uuid))
    }

    private mutating func hear(_ status: OperationStatus, _ index: Int) {
        digest.add(status.operation.value)
        digest.add(status.state.rawValue)
        if status.state.isTerminal { schedulers[index].told[status.operation] = status.state }
        guard let uuid = status.uuid else { return }
        call(
            index,
            .acknowledgeOperationStatus(status.operation, agent: status.agent, uuid: uuid))
    }

    // MARK: calls

    /// Each call has a connection of its own: it may be lost, come twice, or overtake another.
    mutating func call(_ index: Int, _ call: SchedulerCall) {
        guard let id = schedulers[index].id, let stream = schedulers[index].stream else { return }
        schedulers[index].calls += 1
        let call = ScheduledCall(
            framework: index, id: id, stream: "stream-\(stream.value)", call: call,
            number: schedulers[index].calls)
        guard isFaulty else { return add(.call(call), within: 10) }
        guard !chance.oneIn(40) else { return count(.callLost) }
        add(.call(call), within: chance.oneIn(10) ? 400 : 20)
        if chance.oneIn(30) {
            count(.callDuplicated)
            add(.call(call), within: 400)
        }
    }

    mutating func arrive(_ call: ScheduledCall) {
        guard isMasterUp else { return }
        if call.number < schedulers[call.framework].arrived { count(.callReordered) }
        schedulers[call.framework].arrived = max(schedulers[call.framework].arrived, call.number)
        count(call.call.occurrence)
        let request = RequestID(number())
        if case .renewLeases(let renewal) = call.call { expectAnswer(request, to: renewal) }
        tell(.schedulerCalled(request, call.id, call.call, stream: call.stream))
    }

    /// Asks for all tasks that it believes to be alive.
    mutating func reconcile(_ index: Int) {
        let alive = schedulers[index].tasks.filter { !$0.value.state.isTerminal }
        if !alive.isEmpty {
            call(
                index, .reconcile(alive.map { TaskQuery(task: $0.key, agent: $0.value.agent) }))
        }
        call(index, .reconcile([]))
    }
}

extension SchedulerCall {
    /// What it counts as.
    fileprivate var occurrence: Occurrence {
        switch self {
        case .teardown: .teardown
        case .accept: .accept
        case .decline: .decline
        case .revive: .revive
        case .suppress: .suppress
        case .kill: .kill
        case .acknowledge: .acknowledge
        case .reconcile, .shutdown, .message, .updateFramework, .ignored: .reconcile
        case .acknowledgeOperationStatus: .acknowledgeOperation
        case .reconcileOperations: .reconcileOperations
        case .renewLeases: .renewLease
        case .transact: .transact
        }
    }
}
