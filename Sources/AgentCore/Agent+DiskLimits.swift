import MachineCore
package import Model

// What happens when disks fill: whose rule counts, and what the master hears. What the master has
// said of roles is kept in memory only: it says so again at each registration.

extension Agent {
    private static let usageAlarmsAtMost = 256

    /// What is to happen when a volume that a task uses is full; nil: nobody has said so.
    package func limitAction(
        of volume: Resource, for task: TaskDescription?
    ) -> DiskLimitRule.Action? {
        task?.diskLimits.action(of: volume) ?? diskRules.nearest(to: volume.role)?.limit
    }

    /// Sends an alarm, or keeps it until there is a master; the oldest go first.
    mutating func tell(_ alarm: UsageAlarm, into outbox: inout Outbox<Action>) {
        if usageAlarms.count >= Self.usageAlarmsAtMost { usageAlarms.removeFirst() }
        usageAlarms.append(alarm)
        if isRegistered { tellAlarms(into: &outbox) }
    }

    mutating func tellAlarms(into outbox: inout Outbox<Action>) {
        for alarm in usageAlarms { outbox.append(.send(.usageAlarm(alarm))) }
        usageAlarms = []
    }
}
