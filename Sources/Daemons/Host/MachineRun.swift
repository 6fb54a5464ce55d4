import MachineCore
import Synchronization

/// The core thread of a machine's host: decides batch after batch, and settles refused ones.
struct MachineRun<M: Machine, Shell: MachineShell<M.Event, M.Action>> {
    /// How long what found no space waits until it is tried again.
    private static var retry: Span { .seconds(1) }
    /// More events than this don't wait for space: the process ends, and the next one begins from
    /// what is stored.
    private static var deferredAtMost: Int { 100_000 }

    private let host: MachineHost<M>
    private let shell: Shell
    private var machine: M
    private var history: MachineHistory<M>
    private var outbox = Outbox<M.Action>()
    private var batch: UInt64 = 0
    /// Events that can't be refused and found no space, in order.
    private var deferred: [M.Event] = []
    private var retryAt: Instant?
    /// A tick that found no space: the next one waits.
    private var noTickBefore: Instant?

    init(_ machine: M, host: MachineHost<M>, shell: Shell) {
        self.machine = machine
        self.host = host
        self.shell = shell
        history = MachineHistory(machine)
    }

    /// Runs until the host is stopped and nothing is queued.
    mutating func decide() {
        while true {
            let (gathered, isStopped, durable, refused) = host.state.withLock { state in
                let inputs = state.refused == nil ? state.inputs : []
                if state.refused == nil { state.inputs.removeAll(keepingCapacity: true) }
                return (inputs, state.isStopped, state.durable, state.refused)
            }
            if let refused {
                guard settle(from: refused) else { return }
                continue
            }
            let inputs = due() + gathered
            batch += 1
            var outputs: [MachineOutput<M.Action>] = []
            for input in inputs { outputs += handle(input, noting: true) }
            if isTickDue { outputs += handle(.tick, noting: true) }
            if let violations = host.checkInvariants?(machine), !violations.isEmpty {
                host.fail(InvariantViolation(violations: violations))
            }
            host.publish(outputs, as: batch)
            history.advance(to: machine, after: batch, durable: durable)
            guard inputs.isEmpty else { continue }
            if isStopped { return host.endDeciding() }
            host.waitForInput(until: wakeUp)
        }
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
