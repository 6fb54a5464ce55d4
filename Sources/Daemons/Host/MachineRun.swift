import MachineCore
import Synchronization

/// What a machine's host asks of whoever decides.
protocol MachineTurns: Sendable {
    /// Decides what is queued, on a thread that came by, and does what needs no commit. False:
    /// another thread is deciding.
    func decideInPassing() -> Bool
}

/// The time until which nothing happens by itself; nil: for ever.
struct WakeUp {
    let instant: Instant?
}

/// Lets one thread at a time decide.
final class MachineRunTurns<M: Machine, Shell: MachineShell<M.Event, M.Action>>: MachineTurns {
    private let host: MachineHost<M>
    private let shell: Shell
    private let run: Mutex<MachineRun<M, Shell>>

    init(_ run: MachineRun<M, Shell>) {
        host = run.host
        shell = run.shell
        self.run = Mutex(run)
    }

    func decideInPassing() -> Bool {
        guard let outputs = run.withLockIfAvailable({ $0.decideInPassing() }) else { return false }
        guard !outputs.isEmpty else { return true }
        for output in outputs { shell.perform(output) }
        host.finish()
        return true
    }

    /// Decides until nothing is queued; nil when the host is stopped.
    func decideAll() -> WakeUp? { run.withLock { $0.decideAll() } }
}

/// The one that decides in a machine's host: batch after batch, and settles refused ones.
struct MachineRun<M: Machine, Shell: MachineShell<M.Event, M.Action>>: Sendable {
    /// How long what found no space waits until it is tried again.
    private static var retry: Span { .seconds(1) }
    /// More events than this don't wait for space: the process ends, and the next one begins from
    /// what is stored.
    private static var deferredAtMost: Int { 100_000 }

    let host: MachineHost<M>
    let shell: Shell
    private var machine: M
    private var history: MachineHistory<M>
    private var outbox = Outbox<M.Action>()
    private var batch: UInt64 = 0
    /// Events that can't be refused and found no space, in order.
    private var deferred: [M.Event] = []
    private var retryAt: Instant?
    /// When the core thread wakes by itself.
    private var sleepsUntil: Instant?
    /// A tick that found no space: the next one waits.
    private var noTickBefore: Instant?

    init(_ machine: M, host: MachineHost<M>, shell: Shell) {
        self.machine = machine
        self.host = host
        self.shell = shell
        history = MachineHistory(machine)
    }

    /// Decides until nothing is queued; nil when the host is stopped.
    mutating func decideAll() -> WakeUp? {
        while true {
            let queued = takeQueued()
            if let refused = queued.refused {
                guard settle(from: refused) else { return nil }
                continue
            }
            let inputs = due() + queued.inputs
            _ = decide(inputs, durable: queued.durable, mayAct: false)
            guard inputs.isEmpty else { continue }
            if queued.isStopped { return nil }
            sleepsUntil = wakeUp
            return WakeUp(instant: wakeUp)
        }
    }

    /// Decides what is queued now. What it returns is for the caller to do, then to `finish`.
    mutating func decideInPassing() -> [MachineOutput<M.Action>] {
        let queued = takeQueued()
        guard queued.refused == nil, !queued.inputs.isEmpty else { return [] }
        let outputs = decide(queued.inputs, durable: queued.durable, mayAct: true)
        if let wakeUp, sleepsUntil.map({ wakeUp < $0 }) ?? true {
            sleepsUntil = wakeUp
            host.wakeCore()
        }
        return outputs
    }

    private struct Queued {
        let inputs: [MachineInput<M>]
        let isStopped: Bool
        let durable: UInt64
        let refused: UInt64?
    }

    /// What is queued, unless a refused batch is to be settled first.
    private func takeQueued() -> Queued {
        host.state.withLock { state in
            let inputs = state.refused == nil ? state.inputs : []
            if state.refused == nil { state.inputs.removeAll(keepingCapacity: true) }
            return Queued(
                inputs: inputs, isStopped: state.isStopped, durable: state.durable,
                refused: state.refused)
        }
    }

    /// Handles inputs as one batch; returns what is left to the caller.
    private mutating func decide(
        _ inputs: [MachineInput<M>], durable: UInt64, mayAct: Bool
    ) -> [MachineOutput<M.Action>] {
        batch += 1
        var outputs: [MachineOutput<M.Action>] = []
        for input in inputs { outputs += handle(input, noting: true) }
        if isTickDue { outputs += handle(.tick, noting: true) }
        if let violations = host.checkInvariants?(machine), !violations.isEmpty {
            host.fail(InvariantViolation(violations: violations))
        }
        let ahead = mayAct ? lengthAhead(of: outputs) : 0
        let isOurs = host.publish(outputs, as: batch, ahead: ahead)
        history.advance(to: machine, after: batch, durable: durable)
        return isOurs ? Array(outputs.prefix(ahead)) : []
    }

    /// How many outputs wait for no commit: all, or those that may precede the others' records.
    /// Answers to reads may be long in the making: they are the commit thread's.
    private func lengthAhead(of outputs: [MachineOutput<M.Action>]) -> Int {
        var ahead = 0
        var isAhead = true
        for output in outputs {
            guard case .action(let action) = output, !shell.isRecord(action) else { return ahead }
            isAhead = isAhead && shell.mayPrecedeRecords(action)
            if isAhead { ahead += 1 }
        }
        return outputs.count
    }

    private var tickDue: Instant? {
        machine.deadline.map { max($0, noTickBefore ?? $0) }
    }

    private var isTickDue: Bool { tickDue.map { $0 <= host.clock.now } ?? false }

    private var wakeUp: Instant? { [tickDue, retryAt].compactMap(\.self).min() }

    /// The deferred events, when their time has come.
    private mutating func due() -> [MachineInput<M>] {
        guard let retryAt, retryAt <= host.clock.now else { return [] }
        defer {
            deferred.removeAll()
            self.retryAt = nil
        }
        return deferred.map { .event($0) }
    }

    private mutating func handle(
        _ input: MachineInput<M>, noting: Bool
    ) -> [MachineOutput<M.Action>] {
        let now = host.clock.now
        if noting { history.note(input, at: now, in: batch) }
        switch input {
        case .event(let event): machine.handle(event, at: now, into: &outbox)
        case .tick: machine.handle(host.tick, at: now, into: &outbox)
        case .query(let query): return [.reply(query(machine, now))]
        }
        return outbox.drain().map { .action($0) }
    }

    // MARK: no space

    /// Takes everything from a batch on back, and handles its inputs one by one, each committed
    /// before the next. The commit thread has nothing to do meanwhile. False: the process ends.
    private mutating func settle(from refused: UInt64) -> Bool {
        var inputs: [MachineInput<M>]
        (machine, inputs) = history.goBack(before: refused, tick: host.tick)
        if let event = host.spaceIsLow { inputs.insert(.event(event), at: 0) }
        for input in inputs {
            let before = machine
            let outputs = handle(input, noting: false)
            do {
                try shell.commit(outputs)
            } catch let full as StorageFull {
                machine = before
                guard refuse(input, full) else { return false }
            } catch {
                host.fail(error)
                return false
            }
        }
        history = MachineHistory(machine)
        host.state.withLock { state in
            state.durable = batch
            state.refused = nil
        }
        return true
    }

    private mutating func refuse(_ input: MachineInput<M>, _ full: StorageFull) -> Bool {
        let again = host.clock.now + Self.retry
        switch input {
        case .query: return true
        case .tick: noTickBefore = again
        case .event(let event):
            switch shell.refuse(event, because: full.description) {
            case .told: break
            case .later where deferred.count < Self.deferredAtMost:
                deferred.append(event)
                retryAt = again
            case .later, .fatal:
                host.fail(full)
                return false
            }
        }
        return true
    }
}
