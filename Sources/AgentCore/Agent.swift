package import MachineCore
package import Model

/// The agent's state machine.
///
///     connection:  disconnected -> registering -> registered -> disconnected ...
///     operation:   waiting -> working (its volumes change on disk) -> worked -> ended, in order
///     container:   starting -> running -> gone, each end journaled before it is told
///     task:        (waiting for an operation ->) stored -> updates -> terminal -> acknowledged
///
/// What must survive lies in `state` and changes by records only; all else is found again at a
/// start: the containers by the launcher, the volumes on the disks, the executors by their streams,
/// the rest by the master. The agent decides nothing about offers, never talks to frameworks, and
/// never deletes a volume but by an operation.
package struct Agent: Machine {
    package let options: AgentOptions
    package internal(set) var state = AgentState()

    var generator = SeededGenerator(seed: 0)
    /// Nothing counts before the first event.
    var isStarted = false
    /// Nothing happens any more: the process was told to end.
    var hasExited = false
    /// The master does not want this agent any more: it ends when its last container has.
    var farewell: String?
    var isStorageLow = false

    var connection = Connection.disconnected
    /// The last operation that ended before the registration was sent.
    var registeredSequence: UInt64 = 0
    /// The number of the next registration: larger than those of earlier processes, which began
    /// when the machine had been up for less long.
    var nextRegistrationNumber: UInt64 = 1
    var registrationBackoff: Backoff
    var pingTimeout = Span.zero
    var timers = TimerQueue<Timer>()

    var operations = OperationQueue(after: 0)
    /// Transactions whose left volumes are being retired: no other work on volumes begins then.
    var discarding: Set<OperationUUID> = []
    /// Launches that operations in front of them may make possible.
    var waiting = LaunchQueue()
    var runs: [ContainerID: ContainerRun] = [:]
    var streams: [ExecutorStreamID: ContainerID] = [:]
    var retries: [TaskKey: Backoff] = [:]
    /// Frameworks that are to end here with all they have.
    var endingFrameworks: Set<FrameworkID> = []
    var volumeProblems: [VolumeUUID: String] = [:]
    /// Found on the disks at the start, but not in the journal; never deleted by themselves.
    package internal(set) var unclaimedVolumes: [VolumeUUID] = []
    var volumeReports: [VolumeUUID: VolumeReport] = [:]
    /// What the master has said of limits since the last registration.
    package internal(set) var diskRules: [RoleDiskRule] = []
    /// What it has said since the last connect, to be followed once it takes this agent.
    var offeredRules: [RoleDiskRule] = []
    /// Whether a master has taken this agent since the start: until then nothing is known of rules.
    package internal(set) var hasBeenRegistered = false
    /// Not sent yet.
    var usageAlarms: [UsageAlarm] = []
    /// Whose data is being erased, or is: nothing may use them any more.
    var erasing: Set<VolumeUUID> = []
    package internal(set) var history: AgentHistory
    /// How many records the journal holds, and how many it may before it is compacted.
    var journalRecords = 0
    var journalBound: Int

    package init(options: AgentOptions) {
        self.options = options
        registrationBackoff = Backoff(
            first: options.registrationRetryFirst, longest: options.registrationRetryLongest)
        history = AgentHistory(limits: options.limits)
        journalBound = options.compactionThreshold
    }

    package var deadline: Instant? { hasExited ? nil : timers.first }

    package mutating func handle(
        _ event: Event, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard !hasExited, isStarted || event.isFirst else { return }
        switch event {
        case .started(let entropy, let report):
            start(entropy: entropy, report, at: now, into: &outbox)
        case .ticked: tick(at: now, into: &outbox)
        case .masterConnected: connect(at: now, into: &outbox)
        case .masterDisconnected: disconnect()
        case .masterSaid(let message): hear(message, at: now, into: &outbox)
        case .volumesChanged(let uuid, let failure):
            finishVolumeWork(uuid, failure: failure, at: now, into: &outbox)
        case .volumeReported(let reports): keep(reports, into: &outbox)
        case .usageAlarmed(let alarm): tell(alarm, into: &outbox)
        case .volumeErased(let uuid, let failure):
            erased(uuid, failure: failure, into: &outbox)
        case .containerStarted(let container, let status):
            containerStarted(container, status: status, at: now, into: &outbox)
        case .containerFailed(let container, let reason):
            finish(container, .failed(reason), at: now, into: &outbox)
        case .containerEnded(let container, let end):
            finish(container, .ended(end), at: now, into: &outbox)
        case .containerUpdated(let container, let failure):
            containerUpdated(container, failure: failure, at: now, into: &outbox)
        case .diskLimitReached(let container, let message, let status):
            stop(
                container, .diskLimit(message: message, status: status), grace: .zero, at: now,
                into: &outbox)
        case .checkChanged(let task, let outcome):
            takeCheck(of: task, outcome, at: now, into: &outbox)
        case .executorSubscribed(let stream, let framework, let executor, let tasks, let updates):
            subscribe(
                stream, ExecutorKey(framework, executor), tasks: tasks, updates: updates, at: now,
                into: &outbox)
        case .executorCalled(let request, let framework, let executor, let call):
            answer(request, ExecutorKey(framework, executor), call, at: now, into: &outbox)
        case .executorStreamClosed(let stream): closed(stream)
        case .storageLow(let isLow): isStorageLow = isLow
        }
        compactIfNeeded(into: &outbox)
    }

    /// Journals a record and applies it: the only way in which `state` changes once it is started.
    mutating func store(_ record: AgentRecord, into outbox: inout Outbox<Action>) {
        outbox.append(.store(record))
        journalRecords += 1
        do {
            try state.apply(record)
        } catch {
            preconditionFailure("a record that was decided on does not fit: \(error.message)")
        }
    }

    private mutating func compactIfNeeded(into outbox: inout Outbox<Action>) {
        guard journalRecords > journalBound, !hasExited else { return }
        let records = state.snapshot()
        outbox.append(.compactJournal(records))
        journalRecords = records.count
        journalBound = max(options.compactionThreshold, 2 * records.count)
    }

    /// Ends the process after everything that this batch has said so far.
    mutating func exit(_ text: String, into outbox: inout Outbox<Action>) {
        hasExited = true
        outbox.append(.exit(text))
    }
}
