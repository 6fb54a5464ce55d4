package import MachineCore
package import Model
internal import OrderedCollections

/// All of an agent's rest that one framework is to be offered in one role.
package struct Allocation: Equatable, Sendable {
    package let framework: FrameworkID
    package let role: String
    package let agent: AgentID
    /// In allocated form.
    package let resources: Resources
}

/// Decides who is offered what: the dominant-resource-fair allocator as a value without a clock.
///
///     rest of an agent --allocate--> allocated to (framework, role) --recover--> rest
///                                     \--convertAllocated--> allocated, converted
///
/// `allocate(at:)` looks only at candidates: at every client for an agent whose rest grew (it is
/// dirty), at one client for an agent on which its filter ran out (it waits), and at every agent
/// with a rest for a client that became eligible or was revived (it is fresh). Everything else
/// was looked at before and would be blocked again.
///
/// It does not know offers from tasks: both are allocated until `recover`. The master makes offers
/// of allocations, rescinds them and decides how long a framework's tasks live on.
package struct Allocator: Sendable {
    let options: AllocatorOptions
    var agents = Slots(vacant: AgentState())
    var frameworks = Slots(vacant: FrameworkState())
    var clients = Slots(vacant: Client())
    var agentIndexes: [AgentID: Int] = [:]
    var frameworkIndexes: [FrameworkID: Int] = [:]
    var sorter: Sorter

    /// Agents that are dirty or waited for.
    var candidates: [Int] = []
    /// Active agents with a rest that someone might be offered.
    var offerable = IndexBits()
    /// Clients to which every such agent is a candidate.
    var fresh: [Int] = []
    /// Counts calls of `allocate`.
    var pass: UInt64 = 0

    var timers = FilterTimers()
    /// How many filters and holds there are; `timers` holds few more.
    var filterCount = 0
    var filterSequence: UInt64 = 0

    package init(options: AllocatorOptions = AllocatorOptions()) {
        self.options = options
        sorter = Sorter(weights: options.weights)
    }

    /// When a filter runs out or the next re-offer is due; nil: never.
    package var deadline: Instant? { timers.first?.expiry }

    /// What nobody holds of an agent; a shared volume only while nobody does.
    package func available(_ agent: AgentID) -> Resources {
        agentIndexes[agent].map { agents[$0].available } ?? Resources()
    }

    /// Whether all of this is among what nobody holds of an agent.
    package func isAvailable(_ agent: AgentID, _ resources: Resources) -> Bool {
        agentIndexes[agent].map { agents[$0].isAvailable(resources) } ?? false
    }

    /// What a framework holds of an agent in all its roles, in allocated form.
    package func allocated(_ agent: AgentID, _ framework: FrameworkID) -> Resources {
        var result = Resources()
        guard let agent = agentIndexes[agent], let framework = frameworkIndexes[framework] else {
            return result
        }
        for client in frameworks[framework].clients.values {
            if let held = agents[agent].allocations[client] { result.add(held) }
        }
        return result
    }
}
