import Model

extension RandomModel {
    mutating func limitAction() -> DiskLimitRule.Action {
        pick([
            .fail, .kill,
            .grow(
                GrowthRule(
                    percent: Int(number() % 100), step: size(), cap: maybe { $0.size() })),
        ])
    }

    private mutating func size() -> Amount { Amount(thousandths: number() % 1_000_000) }

    mutating func diskLimitRule() -> DiskLimitRule {
        DiskLimitRule(limitAction(), for: pick([.volumes, .volume(id: text()), .sandbox]))
    }

    mutating func alarmRule() -> AlarmRule {
        AlarmRule(
            percents: list { Int($0.number() % 100) }, fullWithinSeconds: maybe { $0.number() })
    }

    mutating func diskRule() -> RoleDiskRule {
        RoleDiskRule(
            role: text(), limit: maybe { $0.limitAction() }, alarms: maybe { $0.alarmRule() })
    }

    mutating func alarm() -> UsageAlarm {
        var alarm = UsageAlarm(kind: text(), text: text(), nanoseconds: number())
        alarm.volumes = list { $0.id() }
        alarm.persistenceID = maybe { $0.text() }
        alarm.role = maybe { $0.text() }
        alarm.usedBytes = maybe { $0.number() }
        alarm.limitBytes = maybe { $0.number() }
        alarm.percent = maybe { Int($0.number() % 100) }
        alarm.fullInSeconds = maybe { $0.number() }
        alarm.earliestSeconds = maybe { $0.number() }
        alarm.latestSeconds = maybe { $0.number() }
        alarm.disk = maybe { $0.text() }
        return alarm
    }
}
