import MasterCore
import Model
import OrderedCollections

/// What a subscriber of the operator API makes of the events: it never asks again.
struct InventoryMirror: Equatable {
    var volumes: [VolumeUUID: VolumeListing] = [:]
    var reservations: [ReservationUUID: ReservationListing] = [:]
    var agents: Set<AgentID> = []
    var frameworks: [FrameworkID: Bool] = [:]
    /// States of tasks that have not ended, by what was told of them.
    var tasks: [TaskKey: TaskState] = [:]
    /// What could not have been meant.
    var faults: [String] = []

    /// What SUBSCRIBED tells.
    init(_ master: Master) {
        for row in master.volumeRows {
            volumes[row.volume.uuid] =
                VolumeListing(row: row, agentState: master.absence(of: row.agent)).withoutUse
        }
        for view in master.reservationViews {
            reservations[view.row.uuid] = ReservationListing(
                row: view.row, resources: view.resources,
                agentState: master.absence(of: view.row.agent))
        }
        for view in master.agentViews where view.agent != nil && !view.isRecovered {
            agents.insert(view.row.id)
        }
        for framework in master.activeFrameworks {
            frameworks[framework.id] = framework.isConnected
        }
        for framework in master.activeFrameworks + master.removedFrameworks {
            for task in framework.sortedTasks where !task.state.isTerminal {
                tasks[task.key] = task.state
            }
        }
    }

    mutating func take(_ event: OperatorEvent, counting counts: inout OccurrenceCounts) {
        switch event {
        case .heartbeat: break
        case .usageAlarm: counts[.usageAlarm] += 1
        case .taskAdded(let task):
            counts[.taskEvent] += 1
            tasks[task.key] = task.state.isTerminal ? nil : task.state
        case .taskUpdated(let update, let state):
            counts[.taskEvent] += 1
            tasks[update.key] = state.isTerminal || state == .unreachable ? nil : state
        case .framework(let change, let listing):
            counts[.frameworkEvent] += 1
            guard let id = listing.description.id else { return }
            check(change, frameworks[id] != nil, "framework \(id)")
            frameworks[id] = change == .removed ? nil : listing.isConnected
        case .agentAdded(let listing):
            counts[.agentEvent] += 1
            agents.insert(listing.row.id)
        case .agentRemoved(let id):
            counts[.agentEvent] += 1
            agents.remove(id)
        case .volume(let change, let listing):
            counts[.volumeEvent] += 1
            let uuid = listing.row.volume.uuid
            check(change, volumes[uuid] != nil, "volume \(uuid)")
            volumes[uuid] = change == .removed ? nil : listing.withoutUse
        case .reservation(let change, let listing):
            counts[.reservationEvent] += 1
            check(change, reservations[listing.row.uuid] != nil, "\(listing.row.uuid)")
            reservations[listing.row.uuid] = change == .removed ? nil : listing
        }
    }

    private mutating func check(
        _ change: OperatorEvent.Change, _ isKnown: Bool, _ what: String
    ) {
        guard isKnown != (change != .added) else { return }
        faults.append("\(what) was \(change), and \(isKnown ? "known" : "not known")")
    }

    /// Where it differs from what the master says.
    func differences(from master: Master) -> [String] {
        let truth = InventoryMirror(master)
        var found = faults
        for uuid in Set(volumes.keys).union(truth.volumes.keys).sorted()
        where volumes[uuid] != truth.volumes[uuid] {
            found.append("volume \(uuid)")
        }
        for uuid in Set(reservations.keys).union(truth.reservations.keys).sorted()
        where reservations[uuid] != truth.reservations[uuid] {
            found.append("reservation \(uuid)")
        }
        if agents != truth.agents { found.append("agents") }
        if frameworks != truth.frameworks { found.append("frameworks") }
        for key in Set(tasks.keys).union(truth.tasks.keys).sorted()
        where tasks[key] != truth.tasks[key] {
            found.append("task \(key): \(tasks[key]?.rawValue ?? "-")")
        }
        return found
    }
}

extension Simulation {
    /// A master that has just started gets one subscriber, which stays.
    mutating func subscribeToMaster() {
        guard isMasterUp else { return }
        mirror = nil
        let id = SubscriberID(number())
        tell(.operatorSubscribed(id, [.volumes, .reservations, .usageAlarms]))
        guard isMasterUp else { return }
        if !master.isSubscribed(id) { violate("a subscriber was not taken") }
        mirror = InventoryMirror(master)
    }

    /// What the subscriber knows is what the master would list.
    mutating func checkMirror() {
        guard let mirror else { return }
        for text in mirror.differences(from: master).prefix(3) {
            violate("a subscriber does not know of \(text)")
        }
    }

    /// The master dies: whatever was told is stored, and `missing` is all that was not told.
    mutating func checkMirror(missing: some Collection<Master.Action>) {
        guard var mirror else { return }
        self.mirror = nil
        for action in missing {
            if case .publish(let event) = action { mirror.take(event, counting: &report.counts) }
        }
        var told = mirror.volumes.values.map(\.row)
        told.sort { $0.volume.uuid < $1.volume.uuid }
        let stored = registry.volumes.keys.sorted().compactMap { registry.volumes[$0] }
        for (row, other) in zip(told, stored) where row.volume != other.volume {
            violate("a subscriber was told of \(row.volume.uuid) what a crash took back")
        }
        if told.count != stored.count {
            violate("a subscriber knows \(told.count) volumes, the registry \(stored.count)")
        }
    }
}
