package import Model

/// A subscriber of the operator API; the shell numbers them and never uses a number twice.
package struct SubscriberID: Hashable, Comparable, Sendable {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
    package static func < (left: SubscriberID, right: SubscriberID) -> Bool {
        left.value < right.value
    }
}

/// Which inventories a subscriber is told of; a client of Mesos asks for none.
package struct Inventories: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let volumes = Inventories(rawValue: 1)
    package static let reservations = Inventories(rawValue: 2)
    /// Alarms of volumes and disks: nothing is listed of them.
    package static let usageAlarms = Inventories(rawValue: 4)
}

/// An event of the operator API, for every subscriber that wants such ones.
package enum OperatorEvent: Equatable, Sendable {
    package enum Change: Hashable, Sendable { case added, updated, removed }

    case heartbeat
    case taskAdded(MasterTask)
    /// A new state or a check's result, and where the task stands by now.
    case taskUpdated(StatusUpdate, by: TaskState)
    case framework(Change, FrameworkListing)
    case agentAdded(AgentListing)
    case agentRemoved(AgentID)
    /// Of a removed one: what it was.
    case volume(Change, VolumeListing)
    /// Of a removed one: its row, without resources.
    case reservation(Change, ReservationListing)
    /// Told by the agent, or of a growth by the master itself.
    case usageAlarm(AgentID, UsageAlarm)

    /// What a subscriber must have asked for.
    package var inventory: Inventories {
        switch self {
        case .heartbeat, .taskAdded, .taskUpdated, .framework, .agentAdded, .agentRemoved: []
        case .volume: .volumes
        case .reservation: .reservations
        case .usageAlarm: .usageAlarms
        }
    }
}

/// A framework as events show it.
package struct FrameworkListing: Equatable, Sendable {
    /// With the id.
    package let description: FrameworkDescription
    package let isConnected: Bool
    package let isRecovered: Bool
    package let registeredNanoseconds: Int64
    package let reregisteredNanoseconds: Int64?

    init(_ framework: MasterFramework) {
        var description = framework.description
        description.id = framework.id
        self.description = description
        isConnected = framework.isConnected
        isRecovered = framework.isRecovered
        registeredNanoseconds = framework.registeredNanoseconds
        reregisteredNanoseconds = framework.reregisteredNanoseconds
    }
}

/// A registered agent as listings and events show it.
package struct AgentListing: Equatable, Sendable {
    package let row: AgentRow
    package let isActive: Bool
    package let reregisteredNanoseconds: Int64?
    package let total: Resources
    package let allocated: Resources
    package let offered: Resources

    package init(_ view: AgentView) {
        row = view.row
        isActive = view.isActive
        reregisteredNanoseconds = view.agent?.reregisteredNanoseconds
        total = view.total
        allocated = view.allocated
        offered = view.offered
    }
}

/// A volume as listings and events show it.
package struct VolumeListing: Equatable, Sendable {
    /// With the last report.
    package var row: VolumeRow
    /// Why its agent is not there; nil: it is.
    package var agentState: String?

    package init(row: VolumeRow, agentState: String?) {
        self.row = row
        self.agentState = agentState
    }

    /// Without what it holds at the moment: that changes all the time, and is no event.
    package var withoutUse: VolumeListing {
        var copy = self
        copy.row.report?.usedBytes = nil
        return copy
    }
}

/// A reservation as listings and events show it.
package struct ReservationListing: Equatable, Sendable {
    package var row: ReservationRow
    /// What the agent's confirmed books have under its stack.
    package var resources: Resources
    /// Why its agent is not there; nil: it is.
    package var agentState: String?

    package init(row: ReservationRow, resources: Resources, agentState: String?) {
        self.row = row
        self.resources = resources
        self.agentState = agentState
    }
}
