import Model
import Testing

@Suite struct DiskLimitRuleTests {
    private func mebibytes(_ count: Int64) -> Amount { Amount(thousandths: count * 1000) }

    private func volume(_ id: String) -> Resource {
        Resource("disk", .scalar(mebibytes(8)), disk: Disk(persistence: .init(id: id)))
    }

    @Test func theStepEndsAtTheCap() {
        let rule = GrowthRule(step: mebibytes(40), cap: mebibytes(100))
        #expect(rule.addition(to: mebibytes(20)) == mebibytes(40))
        #expect(rule.addition(to: mebibytes(70)) == mebibytes(30))
        #expect(rule.addition(to: mebibytes(100)) == nil)
        #expect(rule.addition(to: mebibytes(120)) == nil)
        #expect(GrowthRule(step: mebibytes(1)).addition(to: .largest) == mebibytes(1))
    }

    @Test func aCrossingEndsAMarginBelow() {
        let rule = GrowthRule(percent: 90, step: mebibytes(1))
        #expect(!rule.isDue(usedBytes: 899, usableBytes: 1000))
        #expect(rule.isDue(usedBytes: 900, usableBytes: 1000))
        #expect(!rule.isOver(usedBytes: 850, usableBytes: 1000))
        #expect(rule.isOver(usedBytes: 849, usableBytes: 1000))
        #expect(!rule.isDue(usedBytes: 1, usableBytes: 0))
    }

    @Test func theMostParticularRuleCounts() {
        let rules = [
            DiskLimitRule(.kill), DiskLimitRule(.fail, for: .volume(id: "wal")),
            DiskLimitRule(.fail, for: .sandbox),
        ]
        #expect(rules.action(of: volume("wal")) == .fail)
        #expect(rules.action(of: volume("data")) == .kill)
        #expect(rules.sandboxAction == .fail)
        #expect([DiskLimitRule(.fail, for: .sandbox)].action(of: volume("data")) == nil)
        let roles = [RoleDiskRule(role: "a", limit: .kill), RoleDiskRule(role: "a/b")]
        #expect(roles.nearest(to: "a/c")?.limit == .kill)
        #expect(roles.nearest(to: "a/b/c")?.role == "a/b")
        #expect(roles.nearest(to: "ab") == nil)
    }

    @Test func contradictionsAreRefused() {
        let wrong: [[DiskLimitRule]] = [
            [DiskLimitRule(.kill), DiskLimitRule(.fail)],
            [DiskLimitRule(.kill, for: .volume(id: "other"))],
            [DiskLimitRule(.grow(GrowthRule(step: mebibytes(1))), for: .sandbox)],
            [DiskLimitRule(.grow(GrowthRule(step: .zero)))],
        ]
        for rules in wrong {
            #expect(throws: Refusal.self) { try rules.validate(with: [volume("v")]) }
        }
        #expect(throws: Never.self) {
            try [DiskLimitRule(.kill, for: .volume(id: "v")), DiskLimitRule(.fail)]
                .validate(with: [volume("v")])
        }
    }

    @Test func thresholdsAreTheRules() {
        var alarms = UsageAlarms()
        let rule = AlarmRule(percents: [50, 70], fullWithinSeconds: nil)
        let judge = { (alarms: inout UsageAlarms, used: Int64, rule: AlarmRule) in
            alarms.judge(usedBytes: used, limitBytes: 100, forecast: .unknown, by: rule)
        }
        #expect(judge(&alarms, 49, rule).isEmpty)
        #expect(judge(&alarms, 50, rule) == [.over(percent: 50)])
        #expect(judge(&alarms, 46, rule).isEmpty)
        #expect(judge(&alarms, 99, rule) == [.over(percent: 70)])
        // Other thresholds: what they say at once is a crossing, what is left of the old ones none.
        #expect(
            judge(&alarms, 99, AlarmRule(percents: [70, 98], fullWithinSeconds: nil))
                == [.over(percent: 98)])
        #expect(judge(&alarms, 60, AlarmRule(percents: [], fullWithinSeconds: nil)).isEmpty)
        #expect(alarms.percent == 0)
    }

    @Test func theForecastsTimeIsTheRules() {
        var alarms = UsageAlarms()
        let rule = AlarmRule(percents: [], fullWithinSeconds: 3600)
        let judge = { (alarms: inout UsageAlarms, seconds: Double) in
            alarms.judge(
                usedBytes: 1, limitBytes: 100,
                forecast: .filling(
                    .init(bytesPerSecond: 1, fullIn: seconds, earliest: 1, latest: nil)),
                by: rule)
        }
        #expect(judge(&alarms, 4000).isEmpty)
        #expect(judge(&alarms, 3600) == [.fillingSoon])
        #expect(judge(&alarms, 7000).isEmpty)
        #expect(judge(&alarms, 7201) == [.fillingLater])
    }
}
