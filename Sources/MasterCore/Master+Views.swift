package import Model
import OrderedCollections

// What the shell renders. Values, no JSON.

/// An agent as listings show it.
package struct AgentView: Sendable {
    package let row: AgentRow
    /// Nil: unreachable, gone.
    package let agent: MasterAgent?
    /// With operations that the agent has not confirmed.
    package let total: Resources
    /// What tasks and executors hold, with allocation roles.
    package let allocated: Resources
    /// With allocation roles.
    package let offered: Resources

    /// Connected and offered.
    package var isActive: Bool { agent?.isConnected == true }
    /// Known from before this master's start, and not back yet.
    package var isRecovered: Bool { agent.map { !$0.isRegistered } ?? false }
}

/// A role with what belongs to it; listed while it has a framework or a reservation.
package struct RoleView: Sendable {
    package let name: String
    package internal(set) var frameworks: [FrameworkID] = []
    /// What its frameworks hold by tasks or offers.
    package internal(set) var allocated = Resources()
    package internal(set) var offered = Resources()
    /// What is reserved for it on admitted agents; without allocation.
    package internal(set) var reserved = Resources()
}

extension Master {
    /// All agents of the registry by age, also unreachable and gone ones.
    package var agentViews: [AgentView] {
        ledger.agents.values.map { view(of: $0) }
    }

    package func agentView(_ id: AgentID) -> AgentView? {
        ledger.agents[id].map { view(of: $0) }
    }

    private func view(of row: AgentRow) -> AgentView {
        let agent = agents[row.id]
        var allocated = Resources()
        var offered = Resources()
        if let agent {
            for booked in holdings(of: agent) { allocated.add(booked) }
            for offer in agent.offers.sorted() {
                if let resources = offers[offer]?.resources { offered.add(resources) }
            }
        }
        return AgentView(
            row: row, agent: agent, total: agent?.total ?? ledger.confirmed(row.id),
            allocated: allocated, offered: offered)
    }

    /// Nil: unknown, or removed and ended.
    package func framework(_ id: FrameworkID) -> MasterFramework? { frameworks[id] }

    /// Those that take part, by age.
    package var activeFrameworks: [MasterFramework] {
        frameworks.values.filter { !$0.isEnding }
    }

    /// Removed ones, also those whose last tasks are still being killed; the newest last.
    package var removedFrameworks: [MasterFramework] {
        completedFrameworks + frameworks.values.filter(\.isEnding)
    }

    /// Every volume of the registry, by its agent's id, role and persistence id, with the last
    /// report of its use.
    package var volumeRows: [VolumeRow] { sortedVolumes.compactMap { volumeRow($0) } }

    /// The UUIDs of `volumeRows`.
    package var sortedVolumes: [VolumeUUID] {
        ledger.volumes.map { VolumeOrder($1, uuid: $0) }.sorted().map(\.uuid)
    }

    /// A volume of the registry with the last report of its use.
    package func volumeRow(_ uuid: VolumeUUID) -> VolumeRow? {
        guard var row = ledger.volumes[uuid] else { return nil }
        row.report = volumeReports[uuid] ?? row.report
        return row
    }

    /// Operations in flight, by agent and number.
    package var pendingOperations: [OperationRow] {
        ledger.agents.keys.flatMap { ledger.pending($0) }
    }

    /// Roles with a framework or a reservation, sorted by name.
    package var roleViews: [RoleView] {
        var roles: [String: RoleView] = [:]
        func update(_ name: String, _ change: (inout RoleView) -> Void) {
            change(&roles[name, default: RoleView(name: name)])
        }
        for framework in activeFrameworks {
            for role in framework.description.roles {
                update(role) { $0.frameworks.append(framework.id) }
            }
        }
        for agent in agents.values {
            for resource in agent.total where !resource.reservations.isEmpty {
                update(resource.role) { $0.reserved.add(resource) }
            }
            for booked in holdings(of: agent) {
                for resource in booked {
                    let role = resource.allocationRole ?? Role.unreserved
                    update(role) { $0.allocated.add(resource) }
                }
            }
            for offer in agent.offers.sorted() {
                guard let offer = offers[offer] else { continue }
                update(offer.role) { $0.offered.add(offer.resources) }
            }
        }
        return roles.keys.sorted().compactMap { roles[$0] }
    }
}

/// A volume's place in listings. Sorted are these and not rows, which are large, and one text is
/// compared and moved faster than four.
private struct VolumeOrder: Comparable {
    let text: String
    let uuid: VolumeUUID

    init(_ row: VolumeRow, uuid: VolumeUUID) {
        let resource = row.volume.resource
        var text = row.agent.value
        text += "\0"
        text += resource.role
        text += "\0"
        text += resource.disk?.persistence?.id ?? ""
        text += "\0"
        text += uuid.value
        self.text = text
        self.uuid = uuid
    }

    static func < (left: VolumeOrder, right: VolumeOrder) -> Bool { left.text < right.text }
}
