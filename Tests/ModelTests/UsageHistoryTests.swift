import Testing

@testable import Model

@Suite struct UsageHistoryTests {
    /// A midnight.
    private static let start: Int64 = 1_799_971_200

    private func sample(_ time: Int64, _ bytes: Int64) -> UsagePoint {
        UsagePoint(time: time, lastBytes: bytes, limitBytes: 1000, usedInodes: 5)
    }

    /// Samples each 15 s over some hours, the bytes being the minute's number.
    private func writes(_ rollup: inout UsageRollup, minutes: Range<Int>) -> [UsageRollup.Write] {
        minutes.flatMap { minute in
            (0..<4).flatMap { quarter in
                rollup.add(
                    sample(Self.start + Int64(minute * 60 + quarter * 15), Int64(minute)))
            }
        }
    }

    @Test func stepsBeginWhereTheyShould() {
        #expect(UsageStep.hour.start(Self.start + 3599) == Self.start)
        #expect(UsageStep.day.start(Self.start + 86_399) == Self.start)
        #expect(UsageStep.minute.start(-1) == -60)
        #expect(UsageStep.allCases.map { $0.capacity * $0.rawValue / 86_400 } == [1, 30, 730])
    }

    @Test func pointsKeepLeastMostAndLast() {
        var rollup = UsageRollup()
        for (offset, bytes) in [(0, 5), (15, 9), (30, 2), (45, 4)] {
            #expect(rollup.add(sample(Self.start + Int64(offset), Int64(bytes))).isEmpty)
        }
        let writes = rollup.add(sample(Self.start + 60, 7))
        let point = UsagePoint(
            time: Self.start, lastBytes: 4, minBytes: 2, maxBytes: 9, limitBytes: 1000,
            usedInodes: 5)
        #expect(writes == [UsageRollup.Write(step: .minute, point: point)])
    }

    @Test func minutesBecomeHoursAndHoursDays() throws {
        var rollup = UsageRollup()
        let all = writes(&rollup, minutes: 0..<(25 * 60 + 2))
        #expect(all.count { $0.step == .minute } == 25 * 60 + 1)
        #expect(all.count { $0.step == .hour } == 25)
        let day = try #require(all.first { $0.step == .day }?.point)
        #expect(day.time == Self.start && day.minBytes == 0 && day.maxBytes == 1439)
        #expect(day.lastBytes == 1439)
        let shown = rollup.series(.day, stored: [day], now: Self.start + 25 * 3600 + 60)
        #expect(shown.map(\.time) == [Self.start, Self.start + 86_400])
        #expect(try #require(shown.last).lastBytes == 1501)
    }

    @Test func aRestartGoesOnWithWhatIsStored() throws {
        var rollup = UsageRollup()
        let before = writes(&rollup, minutes: 0..<200)
        let stored = { (step: UsageStep) in before.filter { $0.step == step }.map(\.point) }
        // It comes back after the hour's end: nobody has stored that hour.
        var missing: [UsageRollup.Write] = []
        var second = UsageRollup(
            minutes: stored(.minute), hours: stored(.hour), days: stored(.day),
            now: Self.start + 300 * 60, missing: &missing)
        #expect(missing.map(\.step) == [.hour])
        let hour = try #require(missing.first?.point)
        #expect(hour.time == Self.start + 3 * 3600)
        #expect(hour.minBytes == 180 && hour.maxBytes == 198)
        let after = writes(&second, minutes: 300..<1502)
        let day = try #require(after.first { $0.step == .day }?.point)
        #expect(day.time == Self.start && day.minBytes == 0 && day.maxBytes == 1439)
        // Started again within an hour, that hour is one point, of both lives.
        var none: [UsageRollup.Write] = []
        var third = UsageRollup(
            minutes: stored(.minute), hours: stored(.hour), days: stored(.day),
            now: Self.start + 201 * 60, missing: &none)
        #expect(none.isEmpty)
        let hours = writes(&third, minutes: 201..<242).filter { $0.step == .hour }
        #expect(hours.map(\.point.minBytes) == [180])
        #expect(hours.map(\.point.maxBytes) == [239])
    }

    @Test func theClockMayJump() {
        var rollup = UsageRollup()
        _ = writes(&rollup, minutes: 0..<10)
        // A year ahead and back: each is a point of its own, and the future is not shown.
        let ahead = rollup.add(sample(Self.start + 31_536_000, 1))
        #expect(ahead.map(\.point.time) == [Self.start + 540])
        let back = rollup.add(sample(Self.start + 600, 2))
        #expect(back.map(\.step).contains(.minute))
        let stored = (ahead + back).filter { $0.step == .minute }.map(\.point)
        let shown = rollup.series(.minute, stored: stored, now: Self.start + 600)
        #expect(shown.map(\.time) == [Self.start + 540, Self.start + 600])
    }

    @Test func eachCrossingIsToldOnce() {
        var alarms = UsageAlarms()
        let judge = { (alarms: inout UsageAlarms, used: Int64) in
            alarms.judge(usedBytes: used, limitBytes: 100, forecast: .unknown)
        }
        #expect(judge(&alarms, 79).isEmpty)
        #expect(judge(&alarms, 80) == [.over(percent: 80)])
        #expect(judge(&alarms, 81).isEmpty)
        // To and fro within the margin says nothing.
        #expect(judge(&alarms, 76).isEmpty)
        #expect(judge(&alarms, 82).isEmpty)
        #expect(judge(&alarms, 99) == [.over(percent: 95)])
        #expect(judge(&alarms, 91).isEmpty)
        #expect(judge(&alarms, 89) == [.under(percent: 95)])
        #expect(judge(&alarms, 10) == [.under(percent: 80)])
        #expect(alarms == UsageAlarms())
    }

    @Test func theForecastIsToldOnceToo() {
        var alarms = UsageAlarms()
        let judge = { (alarms: inout UsageAlarms, hours: Double) in
            alarms.judge(
                usedBytes: 1, limitBytes: 100,
                forecast: .filling(
                    .init(bytesPerSecond: 1, fullIn: hours * 3600, earliest: 1, latest: nil)))
        }
        #expect(judge(&alarms, 30).isEmpty)
        #expect(judge(&alarms, 20) == [.fillingSoon])
        #expect(judge(&alarms, 40).isEmpty)
        #expect(judge(&alarms, 20).isEmpty)
        #expect(judge(&alarms, 50) == [.fillingLater])
        #expect(judge(&alarms, 1) == [.fillingSoon])
        #expect(
            alarms.judge(usedBytes: 1, limitBytes: 100, forecast: .notFilling) == [.fillingLater])
    }
}
