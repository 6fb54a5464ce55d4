import Model
import OrderedCollections

/// Who subscribed to the operator API, and what they know. There is none of it while nobody does.
///
/// What a record changes is noted before it is applied (`note`), and told at the end of the event
/// that is being handled, after everything that was stored: see `Master+Subscribers.swift`.
struct Subscribers: Sendable {
    /// Where an agent is, as subscribers know.
    struct Presence: Equatable {
        /// Nil: not admitted, and not listed.
        var isRegistered: Bool?
        /// As inventories show it.
        var absence: String?
    }

    /// In the order of their coming.
    var wishes: OrderedDictionary<SubscriberID, Inventories> = [:]
    /// Those of all subscribers.
    var inventories: Inventories = []

    var frameworks: [FrameworkID: FrameworkListing] = [:]
    var presences: [AgentID: Presence] = [:]
    /// What each agent has under each stack of reservations.
    var held: [AgentID: [[Reservation]: Resources]] = [:]
    var reservations: [ReservationUUID: ReservationListing] = [:]

    // What the event that is being handled has changed.
    var changedFrameworks: OrderedSet<FrameworkID> = []
    var changedAgents: OrderedSet<AgentID> = []
    var changedReservations: OrderedSet<ReservationUUID> = []
    /// As they were before; nil: there was none.
    var volumesBefore: OrderedDictionary<VolumeUUID, VolumeRow?> = [:]
    /// What was said of agents whose absence has changed.
    var absencesBefore: [AgentID: String?] = [:]
    var taskEvents: [OperatorEvent] = []

    mutating func uniteWishes() {
        inventories = wishes.values.reduce(into: Inventories()) { $0.formUnion($1) }
    }

    mutating func forgetChanges() {
        changedFrameworks.removeAll(keepingCapacity: true)
        changedAgents.removeAll(keepingCapacity: true)
        changedReservations.removeAll(keepingCapacity: true)
        volumesBefore.removeAll(keepingCapacity: true)
        absencesBefore.removeAll(keepingCapacity: true)
        taskEvents.removeAll(keepingCapacity: true)
    }

    /// Notes what a record is about to change. Every change of what is listed is a record.
    mutating func note(_ record: MasterRecord, before ledger: Ledger) {
        switch record {
        case .agentStored(let row): changedAgents.append(row.id)
        case .agentRemoved(let id):
            changedAgents.append(id)
            guard inventories.contains(.reservations) else { return }
            for row in ledger.reservations(of: id) { changedReservations.append(row.uuid) }
            held[id] = nil
        case .piecesStored(let agent, let set, let removed):
            if inventories.contains(.reservations) { note(agent, set, removed, ledger) }
        case .volumeStored(let row): noteVolume(row.volume.uuid, ledger)
        case .volumeRemoved(let uuid): noteVolume(uuid, ledger)
        case .reservationStored(let row): changedReservations.append(row.uuid)
        case .reservationRemoved(let uuid): changedReservations.append(uuid)
        case .frameworkStored(let row):
            if let id = row.description.id { changedFrameworks.append(id) }
        case .frameworkRemoved(let id): changedFrameworks.append(id)
        // A policy's protection is no part of an event: only what a volume itself says of it.
        case .clusterCreated, .operationStored, .operationRemoved, .audited, .transactionStored,
            .transactionRemoved, .policyStored, .policyRemoved:
            break
        }
    }

    private mutating func noteVolume(_ uuid: VolumeUUID, _ ledger: Ledger) {
        guard inventories.contains(.volumes), !volumesBefore.keys.contains(uuid) else { return }
        volumesBefore.updateValue(ledger.volumes[uuid], forKey: uuid)
    }

    private mutating func note(
        _ agent: AgentID, _ set: [Resource], _ removed: [Resource], _ ledger: Ledger
    ) {
        let books = ledger.confirmed(agent)
        for piece in removed + set where !piece.reservations.isEmpty {
            if let old = books.entry(ResourceKey(piece)) {
                held[agent]?[piece.reservations]?.subtract(old.resource, copies: old.copies)
            }
            if let row = ledger.reservation(on: agent, piece.reservations) {
                changedReservations.append(row.uuid)
            }
        }
        for piece in set where !piece.reservations.isEmpty {
            held[agent, default: [:]][piece.reservations, default: Resources()].add(piece)
        }
        for piece in removed where held[agent]?[piece.reservations]?.isEmpty == true {
            held[agent]?[piece.reservations] = nil
        }
    }
}
