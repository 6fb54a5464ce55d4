import ArgumentParser
import MesosAPI
import Model
import Wire

/// What happens at a limit, as the command line has it.
enum LimitChoice: String, ExpressibleByArgument, CaseIterable {
    case fail, kill, grow
}

/// Options of a role's policy about its volumes' limits.
struct LimitOptions: ParsableArguments {
    @Option(
        help: """
            When a volume is full: fail (its writes fail), kill (its task is ended) or grow. By \
            default they fail.
            """)
    var atLimit: LimitChoice?
    @Option(help: "Of grow: by how much, like 1GiB or 512 (MiB).")
    var growStep: String?
    @Option(help: "Of grow: up to which size; else as far as there is disk.")
    var growCap: String?
    @Option(help: "Of grow: once so much of the volume is used, in percent; 90 by default.")
    var growAt: UInt32?
    @OptionGroup var alarms: AlarmOptions

    func fill(_ policy: inout Mesos_V1_LifecyclePolicy) throws {
        if let rule = try alarms.rule { policy.alarms = Mesos_V1_AlarmRule(rule) }
        guard let atLimit else {
            guard growStep == nil, growCap == nil, growAt == nil else {
                throw CommandFailure("--grow-step, --grow-cap and --grow-at want --at-limit=grow")
            }
            return
        }
        switch atLimit {
        case .fail: policy.diskLimit.action = .fail
        case .kill: policy.diskLimit.action = .kill
        case .grow: policy.diskLimit.action = .grow
        }
        if let growStep { policy.diskLimit.stepMib = try mebibytes(growStep, "--grow-step") }
        if let growCap { policy.diskLimit.capMib = try mebibytes(growCap, "--grow-cap") }
        if let growAt { policy.diskLimit.atPercent = growAt }
    }

    private func mebibytes(_ text: String, _ option: String) throws -> UInt64 {
        let amount = try megabytes(text)
        guard amount >= 1, amount < 1e12 else {
            throw CommandFailure("\(option) \(text): use 1MiB or more, like 512MiB or 1GiB")
        }
        return UInt64(amount)
    }
}

/// When somebody is told that volumes fill: of a role's policy, or of an agent.
struct AlarmOptions: ParsableArguments {
    @Option(
        help: """
            Tell when so much of a volume is used, in percent, like 80,90,95; none: never by that.
            """)
    var alarmAt: String?
    @Option(help: "Tell when a volume will be full within this time, like 1days; none: never.")
    var alarmFullWithin: String?

    /// Nil: nothing is said. What is left out of a rule is as usual.
    var rule: AlarmRule? {
        get throws {
            guard alarmAt != nil || alarmFullWithin != nil else { return nil }
            var rule = AlarmRule.usual
            if let alarmAt { rule.percents = try percents(alarmAt) }
            if let alarmFullWithin {
                rule.fullWithinSeconds = try seconds(alarmFullWithin)
            }
            do throws(Refusal) { try rule.validate() } catch {
                throw CommandFailure("--alarm-at, --alarm-full-within: \(error.message)")
            }
            return rule
        }
    }

    private func percents(_ text: String) throws -> [Int] {
        guard text != "none" else { return [] }
        return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let percent = Int(part) else {
                throw CommandFailure("--alarm-at \(text): use percents like 80,90,95, or none")
            }
            return percent
        }
    }

    private func seconds(_ text: String) throws -> Int64? {
        guard text != "none" else { return nil }
        guard let duration = DurationOption(argument: text) else {
            throw CommandFailure("--alarm-full-within \(text): use a time like 1days, or none")
        }
        return duration.milliseconds / 1000
    }

    /// As arguments of an `agent` process.
    var arguments: [String] {
        [alarmAt.map { "--alarm-at=\($0)" }, alarmFullWithin.map { "--alarm-full-within=\($0)" }]
            .compactMap(\.self)
    }
}

extension Mesos_V1_LifecyclePolicy {
    /// What happens at the limit, for a table.
    var limitText: String? {
        guard hasDiskLimit else { return nil }
        switch diskLimit.action {
        case .unknown: return "unknown"
        case .fail: return "fail"
        case .kill: return "kill"
        case .grow:
            let cap = diskLimit.hasCapMib ? ", up to \(diskLimit.capMib) MiB" : ""
            return "grow by \(diskLimit.stepMib) MiB at \(diskLimit.atPercent) %\(cap)"
        }
    }

    /// Its thresholds, for a table.
    var alarmText: String? {
        guard hasAlarms else { return nil }
        let percents = alarms.percents.map { "\($0)" }.joined(separator: ",")
        let forecast = alarms.hasFullWithin ? [spanText(alarms.fullWithin.nanoseconds)] : []
        let texts = (percents.isEmpty ? [] : ["\(percents) %"]) + forecast
        return texts.isEmpty ? "none" : texts.joined(separator: ", ")
    }
}

/// In the largest unit that is exact, as the options take it.
func spanText(_ nanoseconds: Int64) -> String {
    let units: [(Int64, String)] = [
        (86_400_000_000_000, "days"), (3_600_000_000_000, "hrs"), (60_000_000_000, "mins"),
        (1_000_000_000, "secs"),
    ]
    for (unit, name) in units where nanoseconds > 0 && nanoseconds.isMultiple(of: unit) {
        return "\(nanoseconds / unit)\(name)"
    }
    return "\(nanoseconds / 1_000_000)ms"
}
