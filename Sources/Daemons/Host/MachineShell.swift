import MachineCore

/// What a machine's actions mean outside of it.
package protocol MachineShell<Event, Action>: Sendable {
    associatedtype Event: Sendable
    associatedtype Action: Sendable

    /// Makes the records among a batch's actions durable, in one commit, all or none.
    ///
    /// - Throws: `StorageFull` where nothing was stored for want of space: the batch is refused and
    ///   the process goes on. Anything else ends the process.
    func persist(_ actions: [Action]) throws
    /// Does one action that is not a record. Must not block.
    func perform(_ action: Action)
    /// Whether an action is for `persist`.
    func isRecord(_ action: Action) -> Bool
    /// Whether an action that a machine puts before all records of a batch may be done before they
    /// are durable, because it depends on earlier ones only.
    func mayPrecedeRecords(_ action: Action) -> Bool
    /// Tells the sender of an event that it was refused: what it led to found no space.
    func refuse(_ event: Event, because reason: String) -> RefusedEvent
    /// Looks whether the disk is nearly full; asked about once a second, and may block on the disk.
    func isSpaceLow() -> Bool
}

extension MachineShell {
    package func mayPrecedeRecords(_ action: Action) -> Bool { false }

    package func refuse(_ event: Event, because reason: String) -> RefusedEvent { .fatal }

    package func isSpaceLow() -> Bool { false }
}

/// A commit found no space. Nothing of it was stored.
package struct StorageFull: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// What becomes of an event whose records found no space.
package enum RefusedEvent: Hashable, Sendable {
    /// Its sender knows: it is as if it had never come.
    case told
    /// It can't be refused: it is handled again later.
    case later
    /// The process can't go on without it.
    case fatal
}

/// What reaches a machine.
enum MachineInput<M: Machine>: Sendable {
    case event(M.Event)
    /// Its deadline has come.
    case tick
    case query(MachineHost<M>.Query)
}

/// What a machine has decided, or the answer to a read.
enum MachineOutput<Action: Sendable>: Sendable {
    case action(Action)
    case reply(@Sendable () -> Void)
}

extension MachineShell {
    /// Does what may precede the records of a batch, stores them, then does the rest in order.
    func commit(_ outputs: [MachineOutput<Action>]) throws {
        let ahead = outputs.prefix { output in
            if case .action(let action) = output { mayPrecedeRecords(action) } else { false }
        }
        for output in ahead { perform(output) }
        try persist(
            outputs.compactMap { output in
                if case .action(let action) = output { action } else { nil }
            })
        for output in outputs.dropFirst(ahead.count) { perform(output) }
    }

    func perform(_ output: MachineOutput<Action>) {
        switch output {
        case .action(let action): perform(action)
        case .reply(let reply): reply()
        }
    }
}
