import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

/// A whole cluster in one thread: a master, agents with fake disks and containers, fake schedulers,
/// an operator, and a network that breaks. A seed determines everything.
///
/// Invariants are checked after each event; at the end the faults stop, and everything that is
/// pending must come to its end.
package struct Simulation {
    let options: SimulationOptions
    var chance: SeededGenerator
    var now = Instant(nanoseconds: 1_700_000_000_000_000_000)
    var agenda = Agenda<Happening>()
    var report: SimulationReport
    var digest = TraceDigest()
    var numbers: UInt64 = 0
    /// Whether faults may happen.
    var isFaulty = true
    /// Whether schedulers only end what they have.
    var isDraining = false

    var master: Master
    var isMasterUp = false
    /// What the master has stored: it starts from these rows.
    var registry = Ledger()
    var agents: [AgentHost]
    var schedulers: [SchedulerHost]
    var links: OrderedDictionary<ConnectionID, Link> = [:]
    var streams: OrderedDictionary<StreamID, EventStream> = [:]
    /// Operations whose result the master has acknowledged to an agent.
    var acknowledged: OrderedDictionary<OperationUUID, Int> = [:]
    /// What the audit trail tells of operations that were given out.
    var audited: OrderedDictionary<OperationUUID, AuditOutcome> = [:]
    /// Until when a reservation lasts at least, as its framework or an operator was told.
    var promisedLeases: [ReservationUUID: Instant] = [:]
    /// Renewals that are not answered.
    var renewals: [RequestID: Renewal] = [:]
    /// Operators' operations that are not answered.
    var operatorCalls: Set<RequestID> = []
    var operatorsDone = 0
    var transactions = TransactionNotes()
    /// What a subscriber of the operator API knows; nil: there is none.
    var mirror: InventoryMirror?
    var lifecycle = LifecycleBook()
    var growth = GrowthBook()

    package init(seed: UInt64, options: SimulationOptions = SimulationOptions()) {
        self.options = options
        chance = SeededGenerator(seed: seed)
        report = SimulationReport(seed: seed)
        master = Master(options: Self.masterOptions)
        agents = (0..<max(1, options.agents)).map { AgentHost(number: $0) }
        schedulers = (0..<max(1, options.frameworks)).map { SchedulerHost(number: $0) }
    }

    static var masterOptions: MasterOptions {
        var options = MasterOptions()
        options.agentPingTimeoutMilliseconds = 1_500
        options.maxAgentPingTimeouts = 3
        options.agentReregisterTimeoutMilliseconds = 12_000
        options.operationTimeoutMilliseconds = 3_000
        options.offerTimeoutMilliseconds = 8_000
        options.defaultRefuseMilliseconds = 500
        options.recallGraceMilliseconds = 300
        options.lendsIdle = true
        return options
    }

    /// Runs the simulation to its end.
    package mutating func run() -> SimulationReport {
        add(.startMaster, after: 0)
        for index in agents.indices { add(.startAgent(index), after: 5) }
        for index in schedulers.indices {
            add(.subscribe(framework: index), after: 10)
            add(.schedulerStep(index), after: 100)
        }
        add(.operatorStep, after: 200)
        add(.fault, after: 500)
        while report.events < options.events, isSound { step() }
        if isSound { heal() }
        report.digest = digest.value
        return report
    }

    /// After so many violations nothing more is learned.
    var isSound: Bool { report.violations.count < 5 }

    mutating func number() -> UInt64 {
        numbers += 1
        return numbers
    }

    mutating func add(_ happening: Happening, after milliseconds: Int64) {
        agenda.add(happening, at: now + .milliseconds(milliseconds))
    }

    /// Some time from one millisecond to `milliseconds`.
    mutating func add(_ happening: Happening, within milliseconds: Int) {
        add(happening, after: 1 + Int64(chance.below(max(1, milliseconds))))
    }

    mutating func count(_ occurrence: Occurrence) { report.counts[occurrence] += 1 }

    mutating func violate(_ text: String) {
        guard report.violations.count < 20 else { return }
        report.violations.append("event \(report.events): \(text)")
    }

    /// Whatever comes next: a wake-up of a machine or an entry of the agenda.
    mutating func step() {
        let next = agenda.nextTime ?? Instant(nanoseconds: .max)
        if isMasterUp, let deadline = master.deadline, deadline <= next {
            now = max(now, deadline)
            return tell(.ticked)
        }
        for index in agents.indices where agents[index].isUp {
            guard let deadline = agents[index].agent.deadline, deadline <= next else { continue }
            now = max(now, deadline)
            return tell(index, .ticked)
        }
        guard let happening = agenda.removeFirst() else { return }
        now = max(now, next)
        take(happening)
    }

    private mutating func take(_ happening: Happening) {
        switch happening {
        case .linkToMaster(let link): deliverToMaster(link)
        case .linkToAgent(let link): deliverToAgent(link)
        case .connect(let agent, let life): connect(agent, life: life)
        case .volumeWork(let agent, let life, let uuid): finishWork(agent, life: life, uuid)
        case .volumeReports(let agent, let life): reportVolumes(agent, life: life)
        case .wipe(let agent, let life, let uuid): finishWipe(agent, life: life, uuid)
        case .container(let agent, let boot, let container):
            progress(agent, boot: boot, container)
        case .executor(let agent, let boot, let container):
            executorStep(agent, boot: boot, container)
        case .containerUpdate(let agent, let life, let container):
            finishUpdate(agent, life: life, container)
        case .startMaster: startMaster()
        case .startAgent(let agent): startAgent(agent)
        case .subscribe(let framework): subscribe(framework)
        case .streamToScheduler(let stream): deliverToScheduler(stream)
        case .streamClosed(let stream): noticeClosed(stream)
        case .call(let call): arrive(call)
        case .schedulerStep(let framework): schedulerStep(framework)
        case .operatorStep: operatorStep()
        case .fault: fault()
        case .storageBack(let agent, let life):
            if agents[agent].life == life { tell(agent, .storageLow(false)) }
        }
    }
}
