import Dispatch
import Foundation
package import MachineCore
import Synchronization

/// Runs one machine: events go in from any thread, the machine handles them one after another, and
/// a thread commits what must be durable and then does the rest, in order. While one batch is being
/// committed the next one is decided, so a burst shares a commit.
///
/// Whoever brings an event may have it decided on the spot (`handle`) where nobody else is at the
/// machine, and what needs no commit done; a core thread of its own does what is left, and what the
/// clock brings. A thread that has to be woken costs more than most decisions.
///
///     running --commit finds no space--> settling --each input alone--> running
///
/// A batch that finds no space is taken back, with all that was decided after it. Its inputs are
/// then handled one by one, the machine knowing that space is low: most are refused by it, and what
/// still finds no space is refused by the shell.
package final class MachineHost<M: Machine>: Sendable {
    /// A read of the machine's state, which answers after all that it can have seen is durable.
    package typealias Query = @Sendable (M, Instant) -> @Sendable () -> Void

    /// The outputs of inputs that were handled together.
    fileprivate struct Batch {
        let number: UInt64
        let outputs: [MachineOutput<M.Action>]
    }

    struct State: ~Copyable {
        var inputs: [MachineInput<M>] = []
        fileprivate var batches: [Batch] = []
        /// A thread is at the outputs: those of later batches wait for it.
        var isActing = false
        var isStopped = false
        /// The core thread has handled its last input.
        var hasDecided = false
        var isSpaceLow = false
        /// The last batch that is durable.
        var durable: UInt64 = 0
        /// The first batch that found no space; nothing is published until it is settled.
        var refused: UInt64?
    }

    let state = Mutex(State())
    private let run = Mutex<(any MachineTurns)?>(nil)
    private let inputReady = DispatchSemaphore(value: 0)
    private let outputReady = DispatchSemaphore(value: 0)
    let clock: ProcessClock
    let tick: M.Event
    private let spaceChanged: (@Sendable (Bool) -> M.Event)?
    let checkInvariants: (@Sendable (M) -> [String])?
    let fail: @Sendable (any Error) -> Void

    /// `tick` is the event that tells the machine that its deadline has come, `spaceChanged` the
    /// one that tells it whether space is low; `fail` is called when records could not be made
    /// durable and can't be refused either, and is expected to end the process.
    package init(
        clock: ProcessClock, tick: M.Event,
        spaceChanged: (@Sendable (Bool) -> M.Event)? = nil,
        checkInvariants: (@Sendable (M) -> [String])? = nil,
        fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.clock = clock
        self.tick = tick
        self.spaceChanged = spaceChanged
        self.checkInvariants = checkInvariants
        self.fail = fail
    }

    /// Starts both threads; `name` is theirs.
    package func start(
        _ machine: M, shell: some MachineShell<M.Event, M.Action>, name: String
    ) {
        let turns = MachineRunTurns(MachineRun(machine, host: self, shell: shell))
        let core = Thread { [self] in
            while let wakeUp = turns.decideAll() { waitForInput(until: wakeUp.instant) }
            endDeciding()
        }
        core.name = "\(name)-core"
        core.stackSize = 8 << 20
        core.start()
        let commit = Thread { [self] in act(shell) }
        commit.name = "\(name)-commit"
        commit.stackSize = 8 << 20
        commit.start()
        run.withLock { $0 = turns }
    }

    package func send(_ event: M.Event) { send([event]) }

    package func send(_ events: [M.Event]) {
        let wasEmpty = enqueue(events.map { .event($0) })
        if wasEmpty { inputReady.signal() }
    }

    /// Like `send`, but decides at once, on this thread, unless another thread is deciding; does
    /// what follows if nothing of it has to be stored first.
    ///
    /// For threads that hold no lock: what follows may be an answer to this very event.
    package func handle(_ event: M.Event) { handle([event]) }

    package func handle(_ events: [M.Event]) {
        _ = enqueue(events.map { .event($0) })
        let hasDecided = run.withLock { $0 }?.decideInPassing() ?? false
        if !hasDecided { inputReady.signal() }
    }

    /// Tells the machine whether space is low, where that is new.
    package func noteSpace(isLow: Bool) {
        let isNew = state.withLock { state in
            defer { state.isSpaceLow = isLow }
            return state.isSpaceLow != isLow
        }
        if isNew, let event = spaceChanged?(isLow) { send(event) }
    }

    /// Reads the machine's state.
    package func query(_ query: @escaping Query) {
        if enqueue([.query(query)]) { inputReady.signal() }
    }

    /// Hands an event over and reads the state right after it, before any other event.
    package func send(_ event: M.Event, thenRead query: @escaping Query) {
        if enqueue([.event(event), .query(query)]) { inputReady.signal() }
    }

    /// Reads the machine's state.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (M, Instant) -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            query { machine, now in
                let value = body(machine, now)
                return { continuation.resume(returning: value) }
            }
        }
    }

    /// Ends both threads after what is queued.
    package func stop() {
        state.withLock { $0.isStopped = true }
        inputReady.signal()
    }

    /// True if nothing else was queued.
    private func enqueue(_ inputs: [MachineInput<M>]) -> Bool {
        state.withLock { state in
            defer { state.inputs.append(contentsOf: inputs) }
            return state.inputs.isEmpty
        }
    }

    // MARK: deciding

    private func waitForInput(until deadline: Instant?) {
        guard let deadline else { return inputReady.wait() }
        let span = max(0, (deadline - clock.now).nanoseconds)
        let bounded = Int(min(span, 3_600_000_000_000))
        _ = inputReady.wait(timeout: .now() + .nanoseconds(bounded))
    }

    /// Lets the core thread look at the clock anew: its next deadline has changed.
    func wakeCore() { inputReady.signal() }

    /// Hands a batch to the commit thread, unless an earlier one was refused meanwhile.
    ///
    /// The first `ahead` outputs are left to the caller where nothing is in front of them: true,
    /// and `finish` has to be called once they are done.
    func publish(
        _ outputs: [MachineOutput<M.Action>], as number: UInt64, ahead: Int
    ) -> Bool {
        guard !outputs.isEmpty else { return false }
        let (isOurs, mustWake) = state.withLock { state in
            guard state.refused == nil else { return (false, false) }
            let wasIdle = !state.isActing && state.batches.isEmpty
            guard wasIdle, ahead > 0 else {
                state.batches.append(Batch(number: number, outputs: outputs))
                return (false, wasIdle)
            }
            state.isActing = true
            if ahead < outputs.count {
                let rest = Array(outputs.dropFirst(ahead))
                state.batches.append(Batch(number: number, outputs: rest))
            } else {
                state.durable = number
            }
            return (true, false)
        }
        if mustWake { outputReady.signal() }
        return isOurs
    }

    /// Lets the commit thread go on after outputs that were done by another one.
    func finish() {
        let mustWake = state.withLock { state in
            state.isActing = false
            return !state.batches.isEmpty || state.hasDecided
        }
        if mustWake { outputReady.signal() }
    }

    /// The event that says that space is low, which a refused batch is settled with.
    var spaceIsLow: M.Event? { spaceChanged?(true) }

    /// Lets the commit thread end.
    private func endDeciding() {
        state.withLock { $0.hasDecided = true }
        outputReady.signal()
    }

    // MARK: the commit thread

    private enum Work {
        case commit([Batch])
        case wait
        case end
    }

    private func act(_ shell: some MachineShell<M.Event, M.Action>) {
        var lastLook = clock.now
        while true {
            switch takeWork() {
            case .commit(let batches):
                let isEnding = !commit(batches, shell)
                state.withLock { $0.isActing = false }
                if isEnding { return }
            case .end: return
            case .wait where spaceChanged == nil: outputReady.wait()
            case .wait: _ = outputReady.wait(timeout: .now() + 1)
            }
            if spaceChanged != nil, clock.now - lastLook >= .seconds(1) {
                lastLook = clock.now
                noteSpace(isLow: shell.isSpaceLow())
            }
        }
    }

    private func takeWork() -> Work {
        state.withLock { state in
            guard !state.isActing else { return .wait }
            guard !state.batches.isEmpty else { return state.hasDecided ? .end : .wait }
            state.isActing = true
            defer { state.batches.removeAll(keepingCapacity: true) }
            return .commit(state.batches)
        }
    }

    /// False: the process ends.
    private func commit(
        _ batches: [Batch], _ shell: some MachineShell<M.Event, M.Action>
    ) -> Bool {
        guard let first = batches.first, let last = batches.last else { return true }
        do {
            try shell.commit(batches.flatMap(\.outputs))
            state.withLock { $0.durable = last.number }
        } catch is StorageFull {
            refuse(from: first.number)
        } catch {
            fail(error)
            return false
        }
        return true
    }

    /// Hands all from a batch on back to the core thread, which settles it.
    private func refuse(from number: UInt64) {
        noteSpace(isLow: true)
        state.withLock { state in
            state.refused = number
            state.batches.removeAll()
        }
        inputReady.signal()
    }
}

/// A machine's state contradicts itself: our own bug.
package struct InvariantViolation: Error, CustomStringConvertible {
    package let violations: [String]

    package var description: String { "invariants violated: " + violations.joined(separator: "; ") }
}
