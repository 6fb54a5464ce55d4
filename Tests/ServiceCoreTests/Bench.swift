import MachineCore
import Model

@testable import ServiceCore

/// A scheduler with a clock that only moves when told, one agent, and short ways to say what
/// happens; every event's actions are in `actions`.
struct Bench {
    var scheduler = ServiceScheduler(principal: "holdfast")
    var now = Instant(nanoseconds: 0)
    var actions: [ServiceAction] = []
    private var count: UInt64 = 0

    static let role = "services"
    static let agent = AgentID("a1")

    init(rows: [ServiceRow] = []) {
        handle(.started(entropy: [1, 2], framework: nil, rows: rows))
    }

    mutating func handle(_ event: ServiceEvent) {
        var outbox = Outbox<ServiceAction>()
        scheduler.handle(event, at: now, into: &outbox)
        actions = outbox.actions
    }

    mutating func subscribe() { handle(.subscribed(FrameworkID("f"))) }

    /// Moves the clock and wakes the machine.
    mutating func wait(milliseconds: Int64) {
        now = now + .milliseconds(milliseconds)
        handle(.ticked)
    }

    @discardableResult
    mutating func request(_ what: ServiceRequest) -> ServiceAnswer? {
        count += 1
        handle(.requested(ServiceRequestID(count), what))
        return answer
    }

    mutating func offer(_ resources: [Resource], agent: AgentID = Bench.agent) {
        count += 1
        handle(
            .offersReceived([
                ServiceOffer(
                    id: OfferID("o\(count)"), agent: agent, hostname: "host", role: Bench.role,
                    resources: resources.map { $0.with(allocationRole: Bench.role) })
            ]))
    }

    mutating func report(_ state: TaskState, task: TaskID? = nil, message: String? = nil) {
        let task = task ?? service?.row.placement?.task ?? TaskID("none")
        handle(
            .statusReceived(
                StatusUpdate(
                    uuid: UpdateUUID("u"), framework: FrameworkID("f"), task: task,
                    agent: Bench.agent, state: state, source: .executor, message: message,
                    timestampNanoseconds: 0)))
    }

    /// A subscribed scheduler whose service "db" runs on its volume.
    static func running(_ spec: ServiceSpec = Bench.spec()) -> Bench {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(spec))
        bench.offer(Bench.free)
        bench.report(.running)
        return bench
    }

    static func spec(
        name: String = "db", size: Amount = Bench.mebibytes(256), ports: [ServiceSpec.Port] = []
    ) -> ServiceSpec {
        ServiceSpec(
            name: name, command: "run", cpus: mebibytes(1), memory: mebibytes(64),
            volumes: [.init(name: "data", path: "data", size: size)], ports: ports)
    }

    static func mebibytes(_ count: Int64) -> Amount { Amount(thousandths: count * 1000) }

    /// What an agent without reservations offers.
    static let free = [
        Resource("cpus", .scalar(mebibytes(4))), Resource("mem", .scalar(mebibytes(1024))),
        Resource("disk", .scalar(mebibytes(1024))),
        Resource("ports", .ranges(Ranges(31_000...31_009))),
    ]

    var service: Service? { scheduler.service(named: "db") }

    /// What "db" holds.
    var held: [Resource] { service?.row.placement?.resources ?? [] }

    /// The steps of the ACCEPT that the last event led to; empty: there was none.
    var steps: [ServiceStep] {
        for case .accept(_, let steps) in actions { return steps }
        return []
    }

    var answer: ServiceAnswer? {
        for case .answer(_, let answer) in actions { return answer }
        return nil
    }

    /// The growth under a running task that the last event led to.
    var growth: VolumeGrowth? {
        for case .grow(let growth) in actions { return growth }
        return nil
    }

    var isKilling: Bool {
        actions.contains { if case .kill = $0 { true } else { false } }
    }

    var launched: TaskID? {
        for case .launch(_, let task, _, _) in steps { return task }
        return nil
    }

    var reason: String? {
        if case .refused(let refusal) = answer { refusal.message } else { nil }
    }

    /// The id of the last operation among the steps that has one.
    var operation: OperationID? {
        for step in steps.reversed() {
            switch step {
            case .unreserve(_, let id), .destroy(_, let id), .grow(_, _, let id),
                .shrink(_, _, let id):
                return id
            case .reserve, .create, .launch: continue
            }
        }
        return nil
    }

    /// The steps' names, in order.
    var kinds: [String] {
        steps.map { step in
            switch step {
            case .reserve: "reserve"
            case .unreserve: "unreserve"
            case .create: "create"
            case .destroy: "destroy"
            case .grow: "grow"
            case .shrink: "shrink"
            case .launch: "launch"
            }
        }
    }

    mutating func finish(_ operation: OperationID?, _ state: OperationState = .finished) {
        handle(.operationEnded(operation ?? OperationID("none"), state, message: "says the agent"))
    }
}
