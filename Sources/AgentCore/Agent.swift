package import MachineCore

/// The agent's state machine.
package struct Agent: Machine {
    package let options: AgentOptions

    package init(options: AgentOptions) { self.options = options }

    package var deadline: Instant? { nil }

    package mutating func handle(
        _ event: Event, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        switch event {
        case .started: break
        case .ticked: break
        default: break
        }
    }
}
