import MachineCore
import Model
import OrderedCollections

// Volumes that grow by a rule: a task's own, or its role's policy's. The agent reports how full a
// volume is, and the master decides: it knows what is free, and its books are the first to change.
//
//     below --report: over the percent--> GROW_VOLUME pending --finished--> larger: below
//       ^                  \                       \--failed--> told; again after a while
//       |                   \--can't grow--> told once; tried with each report, silently
//       \--report: a margin below--/
//
// A report counts only if it was read at the size that the books have: one from before a growth,
// however late it comes, makes no second one. While an operation on the volume is pending none is
// begun; a master or agent that dies leaves an operation that is finished or failed like any other.

/// A volume that should grow and could not.
struct StalledGrowth {
    /// Of a failure on the agent: when it is tried again.
    var notBefore: Instant?
}

extension Master {
    /// Between two attempts of which the agent has failed the first.
    private static let retry = Span.milliseconds(600_000)

    /// Grows what has reached its percent, as far as it can.
    mutating func growByRules(_ reports: [VolumeReport], on id: AgentID) {
        for report in reports.prefix(options.limits.volumesPerAgent) {
            guard let row = ledger.volumes[report.uuid], row.agent == id,
                row.standing == .active, !row.lifecycle.isWithheld,
                let (rule, isOwn) = growthRule(for: row)
            else {
                stalledGrowths[report.uuid] = nil
                continue
            }
            guard let used = report.usedBytes, let usable = report.usableBytes,
                report.bookedBytes == row.volume.resource.amount.mebibytesInBytes
            else { continue }
            if rule.isOver(usedBytes: used, usableBytes: usable) {
                stalledGrowths[report.uuid] = nil
            }
            guard rule.isDue(usedBytes: used, usableBytes: usable),
                stalledGrowths[report.uuid]?.notBefore.map({ $0 <= now }) ?? true,
                !hasPending(report.uuid, on: id)
            else { continue }
            grow(row, by: rule, reserving: !isOwn)
        }
    }

    /// The rule for a volume that a task uses, and whether it is the task's own.
    private func growthRule(for row: VolumeRow) -> (rule: GrowthRule, isOwn: Bool)? {
        guard let use = row.lastUse, use.untilNanoseconds == nil,
            let task = frameworks[use.task.framework]?.tasks[use.task.task],
            !task.state.isTerminal
        else { return nil }
        let own = task.description.diskLimits.action(of: row.volume.resource)
        let action = own ?? policy(for: row.volume.resource.role)?.atLimit
        guard case .grow(let rule) = action else { return nil }
        return (rule, own != nil)
    }

    /// All or nothing: what can't be done has rescinded no offer and reserved nothing.
    private mutating func grow(_ row: VolumeRow, by rule: GrowthRule, reserving: Bool) {
        let volume = row.volume.resource.with(allocationRole: nil)
        let addition = volume.withoutVolume.with(amount: rule.addition(to: volume.amount) ?? .zero)
        do throws(Refusal) {
            guard addition.amount > .zero else {
                throw Refusal(
                    .conflict, "it has \(volume.amount.text) MiB, and its rule allows no more")
            }
            guard !volume.isShared else {
                throw Refusal(.conflict, "a shared volume does not grow by a rule")
            }
            var trial = self
            if reserving { try trial.reserve(for: addition, on: row.agent) }
            try trial.issueByRule(.grow(volume: volume, addition: addition), on: row.agent)
            self = trial
        } catch {
            guard stalledGrowths.updateValue(StalledGrowth(), forKey: row.volume.uuid) == nil
            else { return }
            let asked = volume.withoutVolume.with(amount: rule.step)
            auditRefusal(
                of: .grow(volume: volume, addition: asked), on: row.agent, by: nil,
                principal: GrowthRule.principal, because: error.message)
            tellGrowth(
                "volume-not-grown", row, "should grow by its rule and can't: \(error.message)")
        }
    }

    /// An operator's policy may also take what nobody has reserved; a task's own rule may not.
    private mutating func reserve(for addition: Resource, on id: AgentID) throws(Refusal) {
        guard let agent = agents[id] else { return }
        var free = agent.total.filter { $0.name == addition.name }
        for booked in holdings(of: agent) {
            for resource in booked where !resource.isShared {
                free.subtract(resource.with(allocationRole: nil))
            }
        }
        let there = free.entry(ResourceKey(addition))?.resource.amount ?? .zero
        guard there < addition.amount, addition.reservations.count == 1 else { return }
        let missing = addition.with(amount: addition.amount - there)
        try issueByRule(.reserve([missing], source: []), on: id)
    }

    private mutating func issueByRule(
        _ kind: OfferOperation.Kind, on id: AgentID
    ) throws(Refusal) {
        var plan = try plan(kind, on: id, principal: nil)
        plan.principal = GrowthRule.principal
        try free(plan, on: id)
        issue(plan, to: id)
    }

    /// The end of an operation: a growth by a rule is told, a failed one is tried again later.
    mutating func noteGrowth(_ row: OperationRow, failure: String?) {
        let operation = row.operation
        guard operation.type == .grow, operation.principal == GrowthRule.principal,
            operation.framework == nil,
            case .resize(let uuid, let size)? = operation.volumeChanges.first,
            let volume = ledger.volumes[uuid]
        else { return }
        if let failure {
            stalledGrowths[uuid] = StalledGrowth(notBefore: now + Self.retry)
            tellGrowth("volume-not-grown", volume, "could not grow by its rule: \(failure)")
        } else {
            stalledGrowths[uuid] = nil
            let old = operation.conversion.consumed.first { $0.isPersistentVolume }?.amount
            tellGrowth(
                "volume-grown", volume,
                "has grown by its rule from \((old ?? .zero).text) to \(size.text) MiB")
        }
    }

    private mutating func tellGrowth(_ kind: String, _ row: VolumeRow, _ what: String) {
        let volume = row.volume.resource
        let id = volume.disk?.persistence?.id ?? ""
        var alarm = UsageAlarm(
            kind: kind, text: "volume \(id) (\(row.volume.uuid)) of role \(volume.role) \(what)",
            nanoseconds: now.nanoseconds)
        alarm.volumes = [row.volume.uuid]
        alarm.persistenceID = id
        alarm.role = volume.role
        alarm.usedBytes = volumeReports[row.volume.uuid]?.usedBytes
        alarm.limitBytes = volume.amount.mebibytesInBytes
        tell(alarm, of: row.agent)
    }

    // MARK: whom it concerns

    /// Tells the subscribers that asked for alarms.
    mutating func tell(_ alarm: UsageAlarm, of agent: AgentID) {
        guard subscribers?.inventories.contains(.usageAlarms) == true else { return }
        subscribers?.taskEvents.append(.usageAlarm(agent, alarm))
    }

    /// What agents have to know of the policies; none where no policy says anything of limits. One
    /// that says nothing hides those of the roles above it, so it is among them.
    var diskRules: [RoleDiskRule] {
        let rules = policies.map(\.diskRule)
        return rules.contains { $0.limit != nil || $0.alarms != nil } ? rules : []
    }

    /// After a change of the policies.
    mutating func tellDiskRules(since old: [RoleDiskRule]) {
        let rules = diskRules
        guard rules != old else { return }
        for agent in agents.values where agent.isRegistered {
            guard let connection = agent.connection else { continue }
            emit(.send(connection, .diskRules(rules)))
        }
    }

    mutating func sendDiskRules(to id: AgentID) {
        let rules = diskRules
        guard !rules.isEmpty, let connection = agents[id]?.connection else { return }
        emit(.send(connection, .diskRules(rules)))
    }
}
