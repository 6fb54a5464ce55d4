import MachineCore
import Model
import OrderedCollections

// The operator API's event stream. What an event changes is told once it is handled, after all that
// was stored for it: nobody hears of what a crash could take back. Changes of what is listed are
// found by the records that make them; only tasks, of which there are none, are told where they
// change.
//
// A subscriber's first state is this master's at the end of the event by which it came: the shell
// reads it there, and everything later is an event.

extension Master {
    package func isSubscribed(_ id: SubscriberID) -> Bool { subscribers?.wishes[id] != nil }

    /// Takes in who subscribed by the event that was handled. Beyond the limit the oldest
    /// subscriber has to go, as in Mesos.
    mutating func admitSubscriber() {
        guard let (id, wish) = newSubscriber else { return }
        newSubscriber = nil
        var known = subscribers ?? newSubscribers()
        subscribers = nil
        let had = known.inventories
        known.wishes[id] = wish
        known.uniteWishes()
        if known.inventories.contains(.reservations), !had.contains(.reservations) {
            readReservations(&known)
        }
        while known.wishes.count > max(1, options.subscribersAtMost) {
            let oldest = known.wishes.removeFirst()
            emit(.closeSubscriber(oldest.key))
        }
        subscribers = known
    }

    mutating func operatorUnsubscribed(_ id: SubscriberID) {
        subscribers?.wishes[id] = nil
        subscribers?.uniteWishes()
        if subscribers?.wishes.isEmpty == true { subscribers = nil }
    }

    private mutating func newSubscribers() -> Subscribers {
        var known = Subscribers()
        for framework in activeFrameworks {
            known.frameworks[framework.id] = FrameworkListing(framework)
        }
        for agent in ledger.agents.keys { known.presences[agent] = presence(of: agent) }
        let due = now + .milliseconds(options.heartbeatMilliseconds)
        subscribersHeartbeatDue = due
        timers.add(.subscribersHeartbeat, at: due)
        return known
    }

    private func readReservations(_ known: inout Subscribers) {
        known.held = [:]
        known.reservations = [:]
        for view in reservationViews {
            known.held[view.row.agent, default: [:]][view.row.stack] = view.resources
            known.reservations[view.row.uuid] = ReservationListing(
                row: view.row, resources: Resources(), agentState: absence(of: view.row.agent))
        }
    }

    private func presence(of agent: AgentID) -> Subscribers.Presence {
        Subscribers.Presence(
            isRegistered: agents[agent]?.isRegistered, absence: absence(of: agent))
    }

    mutating func heartbeatSubscribers() {
        guard subscribers != nil else { return }
        emit(.publish(.heartbeat))
        let due = now + .milliseconds(options.heartbeatMilliseconds)
        subscribersHeartbeatDue = due
        timers.add(.subscribersHeartbeat, at: due)
    }

    // MARK: what is noted where it changes

    /// A framework's connection has changed, which may change nothing that is stored.
    mutating func noteConnection(of id: FrameworkID) {
        subscribers?.changedFrameworks.append(id)
    }

    mutating func noteNewTask(_ key: TaskKey) {
        guard subscribers != nil, let task = frameworks[key.framework]?.tasks[key.task] else {
            return
        }
        subscribers?.taskEvents.append(.taskAdded(task))
    }

    /// Where a task stood before an update: what was told of it last, and what it really was.
    func standing(of key: TaskKey) -> TaskStanding? {
        guard subscribers != nil, let task = frameworks[key.framework]?.tasks[key.task] else {
            return nil
        }
        return TaskStanding(told: task.toldState, state: task.state)
    }

    /// An update is an event if it brings a new state, or the result of a check. `old` is where the
    /// task stood before it; nil: no such task. Mesos never tells the end of a task whose agent has
    /// told it ahead of the update; here it is told.
    mutating func noteUpdate(
        _ update: StatusUpdate, since old: TaskStanding?, by state: TaskState
    ) {
        guard subscribers != nil, let old else { return }
        let isCheck =
            update.reason == .checkStatusUpdated || update.reason == .healthCheckStatusUpdated
        guard isCheck || update.state != old.told || state != old.state else { return }
        subscribers?.taskEvents.append(.taskUpdated(update, by: state))
    }

    /// A task as an agent brings it; `old` is its state up to now, nil where it was not known.
    mutating func note(_ report: TaskReport, since old: TaskState?) {
        guard let old else { return noteNewTask(TaskKey(report.framework, report.task.id)) }
        var update =
            report.unacknowledged
            ?? StatusUpdate(
                uuid: nil, framework: report.framework, task: report.task.id,
                state: report.state, source: .agent, timestampNanoseconds: now.nanoseconds)
        update.agent = report.task.agent
        update.state = report.state
        noteUpdate(
            update, since: TaskStanding(told: old, state: old), by: report.state)
    }

    // MARK: what is told at the end of an event

    /// Tells what the event that was handled has changed: what comes before what belongs to it,
    /// what goes after it.
    mutating func publishChanges() {
        guard var known = subscribers else { return }
        subscribers = nil
        for agent in touchedAgents.sorted() { known.changedAgents.append(agent) }
        let agents = changedAgents(&known)
        let frameworks = changedFrameworks(&known)
        let reservations = changedReservations(&known)
        let volumes = changedVolumes(known)
        let events = agents + frameworks + reservations + known.taskEvents + volumes
        for event in events where !event.isRemoval { emit(.publish(event)) }
        for event in (volumes + reservations + frameworks + agents) where event.isRemoval {
            emit(.publish(event))
        }
        known.forgetChanges()
        subscribers = known
    }

    private func changedAgents(_ known: inout Subscribers) -> [OperatorEvent] {
        var events: [OperatorEvent] = []
        for id in known.changedAgents {
            let old = known.presences[id] ?? Subscribers.Presence(absence: nil)
            let new = presence(of: id)
            guard old != new else { continue }
            known.presences[id] = ledger.agents[id] == nil ? nil : new
            if new.isRegistered == true, old.isRegistered != true {
                if let view = agentView(id) { events.append(.agentAdded(AgentListing(view))) }
            } else if new.isRegistered == nil, old.isRegistered != nil {
                events.append(.agentRemoved(id))
            }
            guard old.absence != new.absence else { continue }
            if known.inventories.contains(.volumes) {
                for uuid in ledger.volumes(of: id)
                where !known.volumesBefore.keys.contains(uuid) {
                    known.volumesBefore.updateValue(ledger.volumes[uuid], forKey: uuid)
                }
                known.absencesBefore[id] = .some(old.absence)
            }
            guard known.inventories.contains(.reservations) else { continue }
            for row in ledger.reservations(of: id) { known.changedReservations.append(row.uuid) }
        }
        return events
    }

    private func changedFrameworks(_ known: inout Subscribers) -> [OperatorEvent] {
        var events: [OperatorEvent] = []
        for id in known.changedFrameworks {
            let old = known.frameworks[id]
            let active = frameworks[id].flatMap { $0.isEnding ? nil : $0 }
            let new = active.map { FrameworkListing($0) }
            known.frameworks[id] = new
            if let new {
                if old != new { events.append(.framework(old == nil ? .added : .updated, new)) }
            } else if let old {
                events.append(.framework(.removed, old))
            }
        }
        return events
    }

    private func changedVolumes(_ known: Subscribers) -> [OperatorEvent] {
        known.volumesBefore.compactMap { uuid, old in
            let before = old.map { row in
                VolumeListing(
                    row: row,
                    agentState: known.absencesBefore[row.agent] ?? absence(of: row.agent))
            }
            guard var row = ledger.volumes[uuid] else {
                return before.map { .volume(.removed, $0) }
            }
            row.report = volumeReports[uuid] ?? row.report
            let listing = VolumeListing(row: row, agentState: absence(of: row.agent))
            guard let before else { return .volume(.added, listing) }
            guard before.withoutUse != listing.withoutUse else { return nil }
            return .volume(.updated, listing)
        }
    }

    private func changedReservations(_ known: inout Subscribers) -> [OperatorEvent] {
        guard known.inventories.contains(.reservations) else { return [] }
        var events: [OperatorEvent] = []
        for uuid in known.changedReservations {
            let old = known.reservations[uuid]
            guard let row = ledger.reservation(uuid) else {
                known.reservations[uuid] = nil
                if let old { events.append(.reservation(.removed, old)) }
                continue
            }
            var listing = ReservationListing(
                row: row, resources: Resources(), agentState: absence(of: row.agent))
            known.reservations[uuid] = listing
            listing.resources = known.held[row.agent]?[row.stack] ?? Resources()
            events.append(.reservation(old == nil ? .added : .updated, listing))
        }
        return events
    }
}

/// Where a task stands: what its framework was told last, and what is known by now.
struct TaskStanding {
    let told: TaskState
    let state: TaskState
}

extension OperatorEvent {
    fileprivate var isRemoval: Bool {
        switch self {
        case .framework(.removed, _), .volume(.removed, _), .reservation(.removed, _),
            .agentRemoved:
            true
        case .heartbeat, .taskAdded, .taskUpdated, .agentAdded, .framework(.added, _),
            .framework(.updated, _), .volume(.added, _), .volume(.updated, _),
            .reservation(.added, _), .reservation(.updated, _), .usageAlarm:
            false
        }
    }
}
