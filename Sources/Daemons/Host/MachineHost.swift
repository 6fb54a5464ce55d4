import Dispatch
import Foundation
package import MachineCore
import Synchronization

/// Runs one machine: events go in from any thread, the machine handles them one after another on
/// its own thread, and a second thread commits what must be durable and then does the rest, in
/// order. While one batch is being committed the next one is decided, so a burst shares a commit.
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
        let core = Thread { [self] in
            var run = MachineRun(machine, host: self, shell: shell)
            run.decide()
        }
        core.name = "\(name)-core"
        core.stackSize = 8 << 20
        core.start()
        let commit = Thread { [self] in act(shell) }
        commit.name = "\(name)-commit"
        commit.stackSize = 8 << 20
        commit.start()
    }

    package func send(_ event: M.Event) { enqueue([.event(event)]) }

    package func send(_ events: [M.Event]) { enqueue(events.map { .event($0) }) }

    /// Tells the machine whether space is low, where that is new.
    package func noteSpace(isLow: Bool) {
        let isNew = state.withLock { state in
            defer { state.isSpaceLow = isLow }
            return state.isSpaceLow != isLow
        }
        if isNew, let event = spaceChanged?(isLow) { send(event) }
    }

    /// Reads the machine's state.
    package func query(_ query: @escaping Query) { enqueue([.query(query)]) }

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

    private func enqueue(_ inputs: [MachineInput<M>]) {
        let wasEmpty = state.withLock { state in
            defer { state.inputs.append(contentsOf: inputs) }
            return state.inputs.isEmpty
        }
        if wasEmpty { inputReady.signal() }
    }

    // MARK: the core thread

    func waitForInput(until deadline: Instant?) {
        guard let deadline else { return inputReady.wait() }
        let span = max(0, (deadline - clock.now).nanoseconds)
        let bounded = Int(min(span, 3_600_000_000_000))
        _ = inputReady.wait(timeout: .now() + .nanoseconds(bounded))
    }

    /// Hands a batch to the commit thread, unless an earlier one was refused meanwhile.
    func publish(_ outputs: [MachineOutput<M.Action>], as number: UInt64) {
        guard !outputs.isEmpty else { return }
        let wasEmpty = state.withLock { state in
            guard state.refused == nil else { return false }
            defer { state.batches.append(Batch(number: number, outputs: outputs)) }
            return state.batches.isEmpty
        }
        if wasEmpty { outputReady.signal() }
    }

    /// The event that says that space is low, which a refused batch is settled with.
    var spaceIsLow: M.Event? { spaceChanged?(true) }

    /// Lets the commit thread end.
    func endDeciding() {
        state.withLock { $0.hasDecided = true }
        outputReady.signal()
    }

    // MARK: the commit thread

    private func act(_ shell: some MachineShell<M.Event, M.Action>) {
        var lastLook = clock.now
        while true {
            let (batches, hasEnded) = state.withLock { state in
                defer { state.batches.removeAll(keepingCapacity: true) }
                return (state.batches, state.hasDecided)
            }
            if let last = batches.last {
                do {
                    try shell.commit(batches.flatMap(\.outputs))
                    state.withLock { $0.durable = last.number }
                } catch is StorageFull {
                    refuse(from: batches[0].number)
                } catch {
                    return fail(error)
                }
            } else if hasEnded {
                return
            } else if spaceChanged == nil {
                outputReady.wait()
            } else {
                _ = outputReady.wait(timeout: .now() + 1)
            }
            if spaceChanged != nil, clock.now - lastLook >= .seconds(1) {
                lastLook = clock.now
                noteSpace(isLow: shell.isSpaceLow())
            }
        }
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
