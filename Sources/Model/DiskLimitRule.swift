/// How a volume grows by itself.
package struct GrowthRule: Hashable, Sendable {
    /// It grows once so much of what can be stored is used.
    package var percent: Int
    package var step: Amount
    /// The size beyond which it does not grow; nil: as far as there is disk.
    package var cap: Amount?

    /// Where a rule names none.
    package static let usualPercent = 90
    /// Who asks for such a growth, for books and audit trail.
    package static let principal = "rule"

    package init(percent: Int = usualPercent, step: Amount, cap: Amount? = nil) {
        self.percent = percent
        self.step = step
        self.cap = cap
    }

    /// How much is added to a volume of this size; nil: it is as large as it may become.
    package func addition(to size: Amount) -> Amount? {
        guard let cap else { return step }
        return size < cap ? min(step, cap - size) : nil
    }

    /// Whether so many bytes of those that can be stored call for it.
    package func isDue(usedBytes: Int64, usableBytes: Int64) -> Bool {
        reaches(percent, usedBytes, usableBytes)
    }

    /// Whether it is so far from that again that the next time is another one.
    package func isOver(usedBytes: Int64, usableBytes: Int64) -> Bool {
        !reaches(percent - Self.margin, usedBytes, usableBytes)
    }

    private static let margin = 5

    private func reaches(_ percent: Int, _ used: Int64, _ usable: Int64) -> Bool {
        usable > 0 && Double(used) * 100 >= Double(percent) * Double(usable)
    }
}

/// What happens when a limit of disk space is reached.
package struct DiskLimitRule: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        /// The write fails, and nobody does anything.
        case fail
        /// The container is ended.
        case kill
        case grow(GrowthRule)
    }

    /// What the rule is for.
    package enum Subject: Hashable, Sendable {
        /// All volumes that no other rule names.
        case volumes
        case volume(id: String)
        case sandbox
    }

    package var action: Action
    package var subject: Subject

    package init(_ action: Action, for subject: Subject = .volumes) {
        self.action = action
        self.subject = subject
    }

    /// Throws `invalid` with what would be right.
    package func validate() throws(Refusal) {
        guard case .grow(let rule) = action else { return }
        guard subject != .sandbox else {
            throw Refusal(.invalid, "a sandbox does not grow: use FAIL or KILL")
        }
        guard (1...99).contains(rule.percent) else {
            throw Refusal(
                .invalid, "'at_percent' is \(rule.percent): it has to be from 1 to 99")
        }
        for (amount, name) in [(rule.step, "step_mib"), (rule.cap ?? rule.step, "cap_mib")] {
            guard amount >= Amount(thousandths: 1000), amount <= .largest else {
                throw Refusal(.invalid, "'\(name)' has to be at least 1 (MiB) for GROW")
            }
        }
    }
}

/// A task's own rules.
extension [DiskLimitRule] {
    /// What its rules say of one of its volumes; nil: nothing.
    package func action(of volume: Resource) -> DiskLimitRule.Action? {
        let id = volume.disk?.persistence?.id ?? ""
        let own = first { $0.subject == .volume(id: id) } ?? first { $0.subject == .volumes }
        return own?.action
    }

    /// What they say of its sandbox; nil: nothing.
    package var sandboxAction: DiskLimitRule.Action? {
        first { $0.subject == .sandbox }?.action
    }

    /// Throws `invalid` for rules that contradict each other, or are for volumes that are not among
    /// these resources.
    package func validate(with resources: [Resource]) throws(Refusal) {
        var subjects: Set<DiskLimitRule.Subject> = []
        let ids = Set(resources.compactMap { $0.disk?.persistence?.id })
        for rule in self {
            do throws(Refusal) { try rule.validate() } catch {
                throw Refusal(.invalid, "Task's 'disk_limits': \(error.message)")
            }
            guard subjects.insert(rule.subject).inserted else {
                throw Refusal(.invalid, "Task has two 'disk_limits' for the same thing")
            }
            if case .volume(let id) = rule.subject, !ids.contains(id) {
                throw Refusal(
                    .invalid, "Task's 'disk_limits' name volume '\(id)', which it does not use")
            }
        }
    }
}

/// When somebody is told that a volume fills.
package struct AlarmRule: Hashable, Sendable {
    /// Of what can be stored, rising.
    package var percents: [Int]
    /// Told when the forecast says full within so long; nil: never.
    package var fullWithinSeconds: Int64?

    package static let usual = AlarmRule(percents: [80, 90, 95], fullWithinSeconds: 86_400)
    private static let percentsAtMost = 10
    /// Forecasts look no further.
    private static let longestSeconds: Int64 = 3650 * 86_400

    package init(percents: [Int], fullWithinSeconds: Int64?) {
        self.percents = percents
        self.fullWithinSeconds = fullWithinSeconds
    }

    /// Throws `invalid` with what would be right.
    package func validate() throws(Refusal) {
        let isRising = zip(percents, percents.dropFirst()).allSatisfy { $0 < $1 }
        guard isRising, percents.allSatisfy((6...100).contains),
            percents.count <= Self.percentsAtMost
        else {
            let named = percents.prefix(20).map(String.init).joined(separator: ",")
            throw Refusal(
                .invalid,
                "thresholds are at most \(Self.percentsAtMost) percents from 6 to 100, rising, like"
                    + " 80,90,95: not \(named)")
        }
        if let fullWithinSeconds {
            guard (1...Self.longestSeconds).contains(fullWithinSeconds) else {
                throw Refusal(
                    .invalid,
                    "an alarm by forecast is for 1 second to 3650 days, not for"
                        + " \(fullWithinSeconds) seconds")
            }
        }
    }
}

/// What a role's policy says of its volumes' limits.
package struct RoleDiskRule: Hashable, Sendable {
    package var role: String
    /// Nil: the write fails, or as the agent was started.
    package var limit: DiskLimitRule.Action?
    /// Nil: as the agent was started.
    package var alarms: AlarmRule?

    package init(role: String, limit: DiskLimitRule.Action? = nil, alarms: AlarmRule? = nil) {
        self.role = role
        self.limit = limit
        self.alarms = alarms
    }
}

/// Those of all policies.
extension [RoleDiskRule] {
    /// That of the role, or of the nearest role above it.
    package func nearest(to role: String) -> RoleDiskRule? {
        guard !isEmpty else { return nil }
        return Role.lineage(of: role).reversed().lazy
            .compactMap { name in first { $0.role == name } }.first
    }
}

extension Amount {
    /// MiB in bytes, rounded down.
    package var mebibytesInBytes: Int64 {
        thousandths / 1000 * 1_048_576 + thousandths % 1000 * 1_048_576 / 1000
    }

    /// Nil: more than is ever taken.
    package init?(mebibytes: UInt64) {
        guard mebibytes <= UInt64(Amount.largest.thousandths / 1000) else { return nil }
        thousandths = Int64(mebibytes) * 1000
    }
}
