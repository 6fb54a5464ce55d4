package import MesosAPI
package import Model

extension DiskLimitRule {
    /// Throws `invalid` for what has no meaning, and says what would have.
    package init(_ message: Mesos_V1_DiskLimitRule) throws(Refusal) {
        let action: Action
        switch message.action {
        case .fail: action = .fail
        case .kill: action = .kill
        case .grow:
            guard let step = Amount(mebibytes: message.stepMib),
                let cap = Amount(mebibytes: message.capMib)
            else { throw Refusal(.invalid, "'step_mib' or 'cap_mib' is larger than any disk") }
            action = .grow(
                GrowthRule(
                    percent: message.hasAtPercent
                        ? Int(message.atPercent) : GrowthRule.usualPercent,
                    step: step, cap: message.hasCapMib ? cap : nil))
        case .unknown:
            throw Refusal(.invalid, "'disk_limit' needs 'action': FAIL, KILL or GROW")
        }
        let hasGrowth = message.hasAtPercent || message.hasStepMib || message.hasCapMib
        guard !hasGrowth || message.action == .grow else {
            throw Refusal(.invalid, "'at_percent', 'step_mib' and 'cap_mib' are for GROW only")
        }
        guard !(message.sandbox && message.hasPersistenceID) else {
            throw Refusal(.invalid, "a rule is for 'sandbox' or 'persistence_id', not for both")
        }
        let subject: Subject =
            message.sandbox
            ? .sandbox
            : message.hasPersistenceID ? .volume(id: message.persistenceID) : .volumes
        self.init(action, for: subject)
        try validate()
    }

    /// Reads a task's; the first wrong one is told.
    static func list(_ messages: [Mesos_V1_DiskLimitRule]) throws(Refusal) -> [DiskLimitRule] {
        var rules: [DiskLimitRule] = []
        for message in messages {
            do throws(Refusal) { rules.append(try DiskLimitRule(message)) } catch {
                throw Refusal(.invalid, "Task's 'disk_limits': \(error.message)")
            }
        }
        return rules
    }
}

extension Mesos_V1_DiskLimitRule {
    /// As a policy has it.
    package init(_ action: DiskLimitRule.Action) {
        self.init()
        switch action {
        case .fail: self.action = .fail
        case .kill: self.action = .kill
        case .grow(let rule):
            self.action = .grow
            atPercent = UInt32(clamping: rule.percent)
            stepMib = UInt64(clamping: rule.step.thousandths / 1000)
            if let cap = rule.cap { capMib = UInt64(clamping: cap.thousandths / 1000) }
        }
    }
}

extension AlarmRule {
    package init(_ message: Mesos_V1_AlarmRule) {
        self.init(
            percents: message.percents.map { Int($0) },
            fullWithinSeconds: message.hasFullWithin
                ? message.fullWithin.nanoseconds / 1_000_000_000 : nil)
    }
}

extension Mesos_V1_AlarmRule {
    package init(_ rule: AlarmRule) {
        self.init()
        percents = rule.percents.map { UInt32(clamping: $0) }
        if let seconds = rule.fullWithinSeconds {
            fullWithin.nanoseconds =
                seconds.multipliedReportingOverflow(by: 1_000_000_000)
                .partialValue
        }
    }
}
