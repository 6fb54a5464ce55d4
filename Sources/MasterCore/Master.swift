package import AllocatorCore
package import MachineCore
package import Model
package import OrderedCollections

/// The pure master: admits agents and frameworks, offers, converts, launches, and knows every
/// volume. It talks to agents by `MasterMessage`, to schedulers by `SchedulerEvent`.
///
/// Invariants are in `Master+Invariants.swift`. It renders no JSON, reads no clock and authorizes
/// nobody: these are the shell's.
package struct Master: Machine {
    package let options: MasterOptions

    package internal(set) var ledger = Ledger()
    /// Admitted ones; unreachable and gone ones are rows of the ledger only.
    package internal(set) var agents: OrderedDictionary<AgentID, MasterAgent> = [:]
    /// Also those that end; completed ones are apart.
    package internal(set) var frameworks: OrderedDictionary<FrameworkID, MasterFramework> = [:]
    /// The newest last.
    package internal(set) var completedFrameworks: [MasterFramework] = []
    package internal(set) var offers: [OfferID: Offer] = [:]
    package internal(set) var volumeReports: [VolumeUUID: VolumeReport] = [:]
    package internal(set) var allocator: Allocator
    package internal(set) var isStarted = false
    package internal(set) var isStorageLow = false
    /// Whom the last event concerned, for the check of invariants.
    package internal(set) var touchedAgents: Set<AgentID> = []

    var connections: [ConnectionID: Connection] = [:]
    /// Of agents in the ledger, also of unreachable ones.
    var lastRegistrations: [AgentID: LastRegistration] = [:]
    var streams: [StreamID: FrameworkID] = [:]
    /// Operators' calls that wait for an agent.
    var waiting: [OperationUUID: RequestID] = [:]
    /// Operators' calls that wait for a transaction: several where a key is used again meanwhile.
    var transactionCallers: [OperationUUID: [RequestID]] = [:]
    var timers = Timers()
    var generator = SeededGenerator(seed: 0)
    var nextAgent: UInt64 = 0
    var nextFramework: UInt64 = 0
    var nextOffer: UInt64 = 0
    var nextTask: UInt64 = 0
    /// When agents that have not come back since the start count as unreachable.
    var reregistrationDue: Instant?

    /// When the master's life began: no deadline is met too early after it.
    var startedAt = Instant(nanoseconds: 0)
    /// The next look at a reservation's lease, so that renewals need no entries of their own.
    var leaseTimers: [ReservationUUID: Instant] = [:]
    /// Reservations whose lease ran out and that are not given back, with the time of the next
    /// attempt.
    var overdue: OrderedDictionary<AgentID, OrderedDictionary<ReservationUUID, Instant>> = [:]
    /// Agents whose overdue reservations are looked at soon.
    var reviews: Set<AgentID> = []
    /// Nil: nobody subscribes to the operator API.
    var subscribers: Subscribers?
    /// Who subscribes by the event that is being handled.
    var newSubscriber: (id: SubscriberID, wish: Inventories)?
    var subscribersHeartbeatDue: Instant?
    var collectionDue: Instant?
    var lastCollection = Instant(nanoseconds: 0)
    /// The volumes in the trash whose DESTROY its framework has not acknowledged.
    var destroyedBy: [OperationUUID: VolumeUUID] = [:]
    /// Volumes that their rule wants larger, and that could not grow.
    var stalledGrowths: [VolumeUUID: StalledGrowth] = [:]

    /// Of the event that is being handled.
    var now = Instant(nanoseconds: 0)
    var outbox = Outbox<Action>()

    package init(options: MasterOptions = MasterOptions()) {
        self.options = options
        allocator = Allocator(options: options.allocator)
    }

    package var deadline: Instant? {
        guard isStarted else { return nil }
        return [timers.next, allocator.deadline].compactMap(\.self).min()
    }

    package mutating func handle(
        _ event: Event, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        self.now = now
        touchedAgents.removeAll(keepingCapacity: true)
        swap(&self.outbox, &outbox)
        take(event)
        if isStarted {
            runTimers()
            scheduleReviews()
            settleLending()
            allocate()
            publishChanges()
            admitSubscriber()
        }
        swap(&self.outbox, &outbox)
    }

    private mutating func take(_ event: Event) {
        guard isStarted else {
            takeBeforeStart(event)
            return
        }
        switch event {
        case .started:
            emit(.drop(.notStarted, "started twice"))
        case .ticked:
            break
        case .frameworkSubscribed(let stream, let subscription):
            subscribe(stream, subscription)
        case .streamClosed(let stream):
            streamClosed(stream)
        case .schedulerCalled(let request, let framework, let call, let stream):
            schedulerCalled(request, framework, call, stream: stream)
        case .operatorCalled(let request, let call, let principal):
            operatorCalled(request, call, principal: principal)
        case .agentConnected(let connection, let address):
            connections[connection] = Connection(address: address)
        case .agentDisconnected(let connection):
            agentDisconnected(connection)
        case .agentSaid(let connection, let message):
            agentSaid(connection, message)
        case .storageLow(let isLow):
            isStorageLow = isLow
        case .operatorSubscribed(let id, let wish):
            newSubscriber = (id, wish)
        case .operatorUnsubscribed(let id):
            operatorUnsubscribed(id)
        }
    }

    /// Nothing can be served before the registry is read.
    private mutating func takeBeforeStart(_ event: Event) {
        let refusal = Refusal(.unavailable, "the master has not recovered yet")
        switch event {
        case .started(let entropy, let records):
            start(entropy: entropy, records: records)
        case .frameworkSubscribed(let stream, _):
            emit(.refuseSubscription(stream, refusal.message))
        case .schedulerCalled(let request, _, _, _), .operatorCalled(let request, _, _):
            emit(.answer(request, .refused(refusal)))
        case .agentConnected(let connection, _), .agentSaid(let connection, _):
            emit(.closeConnection(connection))
        case .storageLow(let isLow):
            isStorageLow = isLow
        case .ticked, .streamClosed, .agentDisconnected, .operatorSubscribed,
            .operatorUnsubscribed:
            break
        }
    }

    mutating func emit(_ action: Action) { outbox.append(action) }

    /// The only way by which durable state changes.
    mutating func store(_ record: MasterRecord) {
        subscribers?.note(record, before: ledger)
        ledger.apply(record)
        outbox.append(.store(record))
    }

    mutating func touch(_ agent: AgentID) { touchedAgents.insert(agent) }
}

/// A connection to the agents' port.
struct Connection: Sendable {
    /// For messages only.
    let address: String
    /// Nil until its agent has registered.
    var agent: AgentID?
}
