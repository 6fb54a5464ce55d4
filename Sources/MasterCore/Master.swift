package import MachineCore

/// The pure master.
package struct Master: Machine {
    package let options: MasterOptions
    package var deadline: Instant? { nil }

    package init(options: MasterOptions = MasterOptions()) { self.options = options }

    package mutating func handle(_ event: Event, at now: Instant, into outbox: inout Outbox<Action>)
    {}
}
