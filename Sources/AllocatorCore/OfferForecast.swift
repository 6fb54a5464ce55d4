package import MachineCore
package import Model
internal import OrderedCollections

/// The next pass, played on a copy of the allocator, and for each framework, role and agent the
/// reasons of its outcome.
///
/// The outcome is that of the pass's own code; the reasons are noted by the code that cuts offers.
/// An agent's rest only shrinks in a pass, so what is blocked before the pass stays blocked, and
/// what is not blocked then and not offered went to those who came before.
package struct OfferForecast: Sendable {
    /// What is asked for.
    package struct Subject: Hashable, Sendable {
        package let framework: FrameworkID
        package let role: String

        package init(framework: FrameworkID, role: String) {
            self.framework = framework
            self.role = role
        }
    }

    private struct Turn: Sendable {
        let client: Int
        let allocation: Allocation
    }

    /// A client's place at an agent.
    private struct Place: Hashable, Sendable {
        let agent: Int
        let client: Int
    }

    /// All that the pass allocates, in order.
    package private(set) var allocations: [Allocation] = []
    /// When filters have run out and shares are settled, before anything is allocated.
    private var before: Allocator
    private var offered: [Place: Resources] = [:]
    private var rivals: [Place: [OfferReason.Rival]] = [:]

    /// Of which subjects and agents may be asked.
    package init(
        _ allocator: Allocator, subjects: [Subject], agents: [AgentID], at now: Instant
    ) {
        var copy = allocator
        let plan = copy.beginPass(at: now)
        before = copy
        guard let plan else { return }
        let clients = subjects.compactMap { copy.client(of: $0.framework, in: $0.role) }
        let wanted = Set(agents.compactMap { allocator.agentIndexes[$0] })
        var last = -1
        for agent in plan.agents where agent != last {
            last = agent
            let order = wanted.contains(agent) ? copy.sorter : nil
            let mark = allocations.count
            copy.serve(agent, fresh: plan.fresh, into: &allocations)
            guard let order, allocations.count > mark else { continue }
            let turns = allocations[mark...].compactMap { allocation in
                copy.client(of: allocation.framework, in: allocation.role)
                    .map { Turn(client: $0, allocation: allocation) }
            }
            note(turns, of: clients, on: agent, in: order)
        }
    }

    /// Keeps who was offered an agent, and who came before each client that was not.
    private mutating func note(
        _ turns: [Turn], of clients: [Int], on agent: Int, in order: Sorter
    ) {
        for client in clients {
            let place = Place(agent: agent, client: client)
            if let turn = turns.first(where: { $0.client == client }) {
                offered[place] = turn.allocation.resources
                continue
            }
            rivals[place] = turns.map { turn in
                let (theirs, ours) = order.compared(
                    before.clients[turn.client].leaf, before.clients[client].leaf)
                return OfferReason.Rival(
                    framework: turn.allocation.framework, role: turn.allocation.role,
                    share: order.nodes[theirs].share, ownShare: order.nodes[ours].share,
                    resources: turn.allocation.resources.allocated(to: nil))
            }
        }
    }

    /// Why the next pass offers an agent to a framework in a role, or not.
    package func outlook(_ subject: Subject, _ id: AgentID) -> OfferOutlook {
        var outlook = OfferOutlook()
        guard let client = before.client(of: subject.framework, in: subject.role) else {
            outlook.reasons = [OfferReason(.roleNotSubscribed)]
            return outlook
        }
        if let obstacle = before.obstacle(to: client) {
            outlook.reasons = [OfferReason(obstacle)]
            return outlook
        }
        guard let agent = before.agentIndexes[id], before.agents[agent].isActive else {
            outlook.reasons = [OfferReason(.agentDisconnected)]
            return outlook
        }
        let blocked = noteRest(of: agent, for: client, in: &outlook)
        guard !blocked else { return outlook }
        let place = Place(agent: agent, client: client)
        outlook.offered = offered[place]
        if outlook.offered == nil {
            var reason = OfferReason(.comesLater)
            reason.rivals = rivals[place] ?? []
            outlook.reasons.append(reason)
        }
        return outlook
    }

    /// True: before the pass nothing of the agent's rest can be cut for the client.
    private func noteRest(
        of agent: Int, for client: Int, in outlook: inout OfferOutlook
    ) -> Bool {
        var state = before.agents[agent]
        // What the last pass offered does not count in the next one.
        state.sharedOffered = Resources()
        let minimum = before.options.minAllocatable
        let obstacle = state.obstacle(minimum: minimum)
        let holders = holders(of: agent)
        if !holders.isEmpty || obstacle == .nothingLeft {
            var reason = OfferReason(obstacle == .nothingLeft ? .nothingLeft : .partlyInUse)
            reason.holders = holders
            outlook.reasons.append(reason)
        }
        if obstacle == .nothingLeft { return true }
        if obstacle == .belowMinimum {
            var reason = OfferReason(.belowMinimum)
            reason.resources = state.unreserved
            reason.minimum = minimum
            outlook.reasons.append(reason)
            return true
        }
        let framework = before.clients[client].framework
        guard !before.isSaturated(framework) else {
            var reason = OfferReason(.tooManyFilters)
            reason.limit = before.options.filtersPerFramework
            outlook.reasons.append(reason)
            return true
        }
        var notes = KeptNotes()
        let cut = state.cut(
            for: before.target(client, on: agent), minimum: minimum, notes: &notes)
        let hold = before.clients[client].holds[agent]?.sequence
        outlook.reasons += notes.parts.map { why, resources in
            OfferReason(why, resources, minimum: minimum, hold: hold)
        }
        return cut == nil
    }

    private func holders(of agent: Int) -> [OfferReason.Holder] {
        let allocations = before.agents[agent].allocations
        return allocations.keys.sorted().compactMap { client in
            allocations[client].map { held in
                OfferReason.Holder(
                    framework: before.frameworks[before.clients[client].framework].id,
                    role: before.clients[client].role, resources: held.allocated(to: nil))
            }
        }
    }
}

/// Keeps what is left out of an offer, by reason, in the order of the checks.
private struct KeptNotes: OfferNotes {
    static var areKept: Bool { true }
    var parts: [(why: Withholding, resources: Resources)] = []

    mutating func note(_ entry: Resources.Entry, _ why: Withholding) {
        let place = parts.firstIndex { $0.why == why } ?? parts.count
        if place == parts.count { parts.append((why, Resources())) }
        parts[place].resources.add(entry.resource, copies: entry.copies)
    }
}

extension OfferReason {
    fileprivate init(_ obstacle: Client.Obstacle) {
        switch obstacle {
        case .frameworkInactive: self.init(.frameworkDisconnected)
        case .notSubscribed: self.init(.roleNotSubscribed)
        case .suppressed: self.init(.roleSuppressed)
        }
    }

    fileprivate init(
        _ why: Withholding, _ resources: Resources, minimum: [ResourceQuantities], hold: UInt64?
    ) {
        switch why {
        case .reservedForOthers: self.init(.reservedForOtherRole)
        case .capability(let capability):
            self.init(.capabilityMissing)
            self.capability = capability
        case .agentHasGPUs:
            self.init(.agentHasGPUs)
            capability = .gpuResources
        case .ownRoleLends: self.init(.ownRoleLends)
        case .belowMinimum:
            self.init(.belowMinimum)
            self.minimum = minimum
        case .sharedInUse: self.init(.sharedVolumeInUse)
        case .filtered(let filter):
            self.init(filter.sequence == hold ? .reofferDelayed : .filtered)
            until = filter.expiry
            origin = filter.origin
            refused = filter.resources
        }
        self.resources = resources
    }
}

extension Allocator {
    /// A framework's client in a role, if there is one.
    func client(of framework: FrameworkID, in role: String) -> Int? {
        frameworkIndexes[framework].flatMap { frameworks[$0].clients[role] }
    }

    /// Those that are subscribed to a role, in the order of their ids.
    package func frameworks(in role: String) -> [FrameworkID] {
        frameworkIndexes.keys.sorted().filter { id in
            client(of: id, in: role).map { clients[$0].isSubscribed } ?? false
        }
    }
}
