import MachineCore
import Model
import Testing

@testable import MasterCore

/// A master with fake agents and schedulers around it; time stands still unless it is told to pass.
/// Every event is followed by a check of all invariants.
final class Cluster {
    var master: Master
    var now = Instant(nanoseconds: 1_700_000_000_000_000_000)
    /// Everything ever stored, in order.
    var records: [MasterRecord] = []
    var answers: [RequestID: Answer] = [:]
    var events: [StreamID: [SchedulerEvent]] = [:]
    var closedStreams: Set<StreamID> = []
    var refusedSubscriptions: [StreamID: String] = [:]
    /// What the last `handle` asked for.
    var lastActions: [Master.Action] = []
    var drops: [Master.DropReason] = []
    var published: [OperatorEvent] = []
    var closedSubscribers: [SubscriberID] = []
    var agents: [FakeAgent] = []
    private var handled = 0
    /// After the first violation more of them tell nothing.
    private var isBroken = false
    private var numbers: UInt64 = 0
    private var toMaster: [(ConnectionID, AgentMessage)] = []

    init(options: MasterOptions = MasterOptions(), seed: UInt64 = 1) {
        master = Master(options: options)
        handle(.started(entropy: [seed], records: []))
    }

    func number() -> UInt64 {
        numbers += 1
        return numbers
    }

    func handle(_ event: Master.Event) {
        var outbox = Outbox<Master.Action>()
        master.handle(event, at: now, into: &outbox)
        lastActions = outbox.drain()
        for action in lastActions { take(action) }
        handled += 1
        guard !isBroken else { return }
        let violations = master.violations() + master.touchedViolations()
        isBroken = !violations.isEmpty
        for violation in violations {
            Issue.record("\(violation) after event \(handled): \(event)")
        }
    }

    private func take(_ action: Master.Action) {
        switch action {
        case .store(let record):
            records.append(record)
        case .answer(let request, let answer):
            #expect(answers[request] == nil, "answered twice")
            answers[request] = answer
        case .refuseSubscription(let stream, let message):
            refusedSubscriptions[stream] = message
        case .sendEvent(let stream, let event):
            #expect(!closedStreams.contains(stream))
            events[stream, default: []].append(event)
        case .closeStream(let stream):
            closedStreams.insert(stream)
        case .send(let connection, let message):
            guard let agent = agents.first(where: { $0.connection == connection }) else { return }
            for answer in agent.hear(message) { toMaster.append((connection, answer)) }
        case .closeConnection(let connection):
            agents.first { $0.connection == connection }?.connection = nil
        case .drop(let reason, _):
            drops.append(reason)
        case .publish(let event):
            published.append(event)
        case .closeSubscriber(let id):
            closedSubscribers.append(id)
        }
    }

    /// Hands the agents' answers to the master until nobody has anything to say.
    func settle() {
        while !toMaster.isEmpty {
            let (connection, message) = toMaster.removeFirst()
            guard agents.contains(where: { $0.connection == connection }) else { continue }
            handle(.agentSaid(connection, message))
        }
    }

    /// Lets time pass, waking the master whenever it wants to be.
    func pass(seconds: Double) {
        let end = now + .seconds(seconds)
        while let deadline = master.deadline, deadline <= end {
            now = max(now, deadline)
            handle(.ticked)
            settle()
        }
        now = end
        handle(.ticked)
        settle()
    }

    /// The master's process ends and another one starts from what was stored.
    func restartMaster(options: MasterOptions? = nil) {
        for agent in agents { agent.connection = nil }
        toMaster = []
        master = Master(options: options ?? master.options)
        handle(.started(entropy: [number()], records: rows))
    }

    /// The stored records reduced to rows, as a registry would return them.
    var rows: [MasterRecord] {
        var ledger = Ledger()
        for record in records { ledger.apply(record) }
        return ledger.rows
    }
}

// MARK: agents

extension Cluster {
    @discardableResult
    func addAgent(_ resources: String = "cpus:8;mem:8192;disk:10240") throws -> FakeAgent {
        let agent = try FakeAgent(resources)
        agents.append(agent)
        connect(agent)
        return agent
    }

    func connect(_ agent: FakeAgent) {
        let connection = ConnectionID(number())
        agent.connection = connection
        handle(.agentConnected(connection, address: "10.0.0.1:1"))
        handle(.agentSaid(connection, .register(agent.registration)))
        settle()
    }

    func disconnect(_ agent: FakeAgent) {
        guard let connection = agent.connection else { return }
        agent.connection = nil
        handle(.agentDisconnected(connection))
    }

    func say(_ agent: FakeAgent, _ message: AgentMessage) {
        guard let connection = agent.connection else { return }
        handle(.agentSaid(connection, message))
        settle()
    }
}

// MARK: calls

extension Cluster {
    @discardableResult
    func operate(
        _ kind: OfferOperation.Kind, on agent: AgentID, principal: String? = nil
    ) -> Answer? {
        call(.apply(kind, agent: agent), principal: principal)
    }

    @discardableResult
    func call(_ call: OperatorCall, principal: String? = nil) -> Answer? {
        let request = RequestID(number())
        handle(.operatorCalled(request, call, principal: principal))
        settle()
        return answers[request]
    }

    func subscribe(
        _ framework: FrameworkDescription, suppressed: [String] = []
    ) -> FakeScheduler {
        let stream = StreamID(number())
        let uuid = "stream-\(stream.value)"
        handle(
            .frameworkSubscribed(
                stream,
                Subscription(
                    framework: framework, suppressedRoles: suppressed, streamUUID: uuid)))
        let scheduler = FakeScheduler(cluster: self, stream: stream, uuid: uuid)
        settle()
        return scheduler
    }
}
