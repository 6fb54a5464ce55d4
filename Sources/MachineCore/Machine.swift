/// A pure state machine: one event in, actions out, the same for the same history.
///
/// `handle` validates and emits records; a record changes durable state only through the machine's
/// own `apply`, live and on recovery alike. Order in the outbox is durability: a record is on disk
/// before any later action of the same batch leaves.
package protocol Machine: Sendable {
    /// What happened, in the past tense.
    associatedtype Event: Sendable
    /// What the shell is to do, in the imperative.
    associatedtype Action: Sendable

    /// When the machine wants to be woken by its tick event; nil: never.
    var deadline: Instant? { get }

    mutating func handle(_ event: Event, at now: Instant, into outbox: inout Outbox<Action>)
}

/// The actions of one batch, in the order in which they must take effect.
package struct Outbox<Action: Sendable>: Sendable {
    package private(set) var actions: [Action] = []

    package init() {}

    package mutating func append(_ action: Action) { actions.append(action) }

    /// Hands over what was collected and starts anew.
    package mutating func drain() -> [Action] {
        defer { actions.removeAll(keepingCapacity: true) }
        return actions
    }
}
