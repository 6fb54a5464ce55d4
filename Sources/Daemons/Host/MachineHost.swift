import Dispatch
import Foundation
package import MachineCore
import Synchronization

/// What a machine's actions mean outside of it.
package protocol MachineShell<Action>: Sendable {
    associatedtype Action: Sendable

    /// Makes the records among a batch's actions durable, in one commit; throwing ends the process,
    /// because nothing that depended on the batch has left.
    func persist(_ actions: [Action]) throws
    /// Does one action that is not a record. Must not block.
    func perform(_ action: Action)
}

/// Runs one machine: events go in from any thread, the machine handles them one after another on
/// its own thread, and a second thread commits what must be durable and then does the rest, in
/// order. While one batch is being committed the next one is decided, so a burst shares a commit.
package final class MachineHost<M: Machine>: Sendable {
    /// A read of the machine's state, which answers after all that it can have seen is durable.
    package typealias Query = @Sendable (inout M, Instant) -> @Sendable () -> Void

    private enum Input: Sendable {
        case event(M.Event)
        case query(Query)
    }

    private enum Output: Sendable {
        case action(M.Action)
        case reply(@Sendable () -> Void)
    }

    private struct State: ~Copyable {
        var inputs: [Input] = []
        var outputs: [Output] = []
        var isStopped = false
    }

    private let state = Mutex(State())
    private let inputReady = DispatchSemaphore(value: 0)
    private let outputReady = DispatchSemaphore(value: 0)
    private let clock: ProcessClock
    private let tick: M.Event
    private let checkInvariants: (@Sendable (M) -> [String])?
    private let fail: @Sendable (any Error) -> Void

    /// `tick` is the event that tells the machine that its deadline has come; `fail` is called when
    /// records could not be made durable, and is expected to end the process.
    package init(
        clock: ProcessClock, tick: M.Event,
        checkInvariants: (@Sendable (M) -> [String])? = nil,
        fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.clock = clock
        self.tick = tick
        self.checkInvariants = checkInvariants
        self.fail = fail
    }

    /// Starts both threads; `name` is theirs.
    package func start(_ machine: M, shell: some MachineShell<M.Action>, name: String) {
        let core = Thread { [self] in decide(machine) }
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

    private func enqueue(_ inputs: [Input]) {
        let wasEmpty = state.withLock { state in
            defer { state.inputs.append(contentsOf: inputs) }
            return state.inputs.isEmpty
        }
        if wasEmpty { inputReady.signal() }
    }

    private func decide(_ initial: M) {
        var machine = initial
        var outbox = Outbox<M.Action>()
        while true {
            let (inputs, isStopped) = state.withLock { state in
                defer { state.inputs.removeAll(keepingCapacity: true) }
                return (state.inputs, state.isStopped)
            }
            var outputs: [Output] = []
            for input in inputs {
                switch input {
                case .event(let event):
                    machine.handle(event, at: clock.now, into: &outbox)
                    outputs.append(contentsOf: outbox.drain().map { .action($0) })
                case .query(let query): outputs.append(.reply(query(&machine, clock.now)))
                }
            }
            if let deadline = machine.deadline, deadline <= clock.now {
                machine.handle(tick, at: clock.now, into: &outbox)
                outputs.append(contentsOf: outbox.drain().map { .action($0) })
            }
            if let violations = checkInvariants?(machine), !violations.isEmpty {
                fail(InvariantViolation(violations: violations))
            }
            publish(outputs)
            if inputs.isEmpty, isStopped {
                outputReady.signal()
                return
            }
            if inputs.isEmpty { waitForInput(until: machine.deadline) }
        }
    }

    private func waitForInput(until deadline: Instant?) {
        guard let deadline else { return inputReady.wait() }
        let span = max(0, (deadline - clock.now).nanoseconds)
        let bounded = Int(min(span, 3_600_000_000_000))
        _ = inputReady.wait(timeout: .now() + .nanoseconds(bounded))
    }

    private func publish(_ outputs: [Output]) {
        guard !outputs.isEmpty else { return }
        let wasEmpty = state.withLock { state in
            defer { state.outputs.append(contentsOf: outputs) }
            return state.outputs.isEmpty
        }
        if wasEmpty { outputReady.signal() }
    }

    private func act(_ shell: some MachineShell<M.Action>) {
        while true {
            let (outputs, isStopped) = state.withLock { state in
                defer { state.outputs.removeAll(keepingCapacity: true) }
                return (state.outputs, state.isStopped && state.inputs.isEmpty)
            }
            if outputs.isEmpty {
                if isStopped { return }
                outputReady.wait()
                continue
            }
            let actions = outputs.compactMap { output in
                if case .action(let action) = output { action } else { nil }
            }
            do {
                try shell.persist(actions)
            } catch {
                return fail(error)
            }
            for output in outputs {
                switch output {
                case .action(let action): shell.perform(action)
                case .reply(let reply): reply()
                }
            }
        }
    }
}

/// A machine's state contradicts itself: our own bug.
package struct InvariantViolation: Error, CustomStringConvertible {
    package let violations: [String]

    package var description: String { "invariants violated: " + violations.joined(separator: "; ") }
}
