import MachineCore

/// Takes a machine back to before a batch that could not be stored.
///
/// It keeps the machine as it was some batches ago, and what came in since: the same history gives
/// the same state. A copy each batch would cost more: all that changes after it is copied once.
struct MachineHistory<M: Machine> {
    private struct Entry {
        let batch: UInt64
        let input: MachineInput<M>
        let instant: Instant
    }

    /// After so many inputs the machine is copied anew.
    private let span: Int
    /// Before all entries; every batch before them is durable.
    private var base: M
    /// A later copy, which becomes the base when its batch is durable.
    private var next: (machine: M, batch: UInt64)?
    private var entries: [Entry] = []

    init(_ machine: M, span: Int = 1024) {
        base = machine
        self.span = span
    }

    /// Notes what is handled as a part of a batch.
    mutating func note(_ input: MachineInput<M>, at instant: Instant, in batch: UInt64) {
        entries.append(Entry(batch: batch, input: input, instant: instant))
    }

    /// Moves on: `machine` is the state after `batch`, all batches up to `durable` are durable.
    mutating func advance(to machine: M, after batch: UInt64, durable: UInt64) {
        if let next, next.batch <= durable {
            base = next.machine
            entries.removeFirst(entries.prefix { $0.batch <= next.batch }.count)
            self.next = nil
        }
        if next == nil, entries.count >= span { next = (machine, batch) }
    }

    /// The machine as it was before a batch that is not durable, and all inputs since; the history
    /// starts anew there.
    mutating func goBack(before batch: UInt64, tick: M.Event) -> (M, [MachineInput<M>]) {
        let count = entries.prefix { $0.batch < batch }.count
        var machine = base
        var outbox = Outbox<M.Action>()
        for entry in entries.prefix(count) {
            switch entry.input {
            case .event(let event): machine.handle(event, at: entry.instant, into: &outbox)
            case .tick: machine.handle(tick, at: entry.instant, into: &outbox)
            case .query: continue
            }
            _ = outbox.drain()
        }
        let later = entries.dropFirst(count).map(\.input)
        self = MachineHistory(machine, span: span)
        return (machine, later)
    }
}
