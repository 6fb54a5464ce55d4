import Testing

@testable import Model

@Suite struct UsageForecastTests {
    private static let now: Int64 = 1_800_000_000
    private static let limit: Int64 = 1 << 30

    /// So many minutes up to now, each from its number.
    private func minutes(_ count: Int, _ bytes: (Int) -> Int64) -> [UsagePoint] {
        (0..<count).map { index in
            UsagePoint(
                time: Self.now - Int64(count - 1 - index) * 60, lastBytes: bytes(index),
                limitBytes: Self.limit)
        }
    }

    private func forecast(
        _ minutes: [UsagePoint], hours: [UsagePoint] = []
    ) -> UsageForecast {
        .of(minutes: minutes, hours: hours, limit: Self.limit, now: Self.now)
    }

    /// The same numbers each time, between -1 and 1.
    private func noise(_ index: Int) -> Double {
        var state = UInt64(index) &* 0x9E37_79B9_7F4A_7C15
        state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((state ^ (state >> 31)) >> 11) / Double(1 << 52) - 1
    }

    private func filling(_ forecast: UsageForecast) throws -> UsageForecast.Filling {
        guard case .filling(let filling) = forecast else {
            Issue.record("it is \(forecast)")
            throw CancellationError()
        }
        return filling
    }

    @Test func steadyGrowthIsFoundExactly() throws {
        let found = try filling(forecast(minutes(300) { 100 << 20 + Int64($0) * 1_000_000 }))
        let remaining = Double(Self.limit - (100 << 20) - 299_000_000)
        #expect(abs(found.fullIn - remaining / 1_000_000 * 60) < 1)
        #expect(found.earliest <= found.fullIn && found.fullIn <= found.latest ?? .infinity)
    }

    @Test func noiseWidensTheBounds() throws {
        let points = minutes(300) { index in
            300_000_000 + Int64(Double(index) * 1_000_000 + noise(index) * 40_000_000)
        }
        let found = try filling(forecast(points))
        let truth = Double(Self.limit - 599_000_000) / 1_000_000 * 60
        #expect(found.earliest < truth && truth < found.latest ?? .infinity)
        #expect(found.latest ?? 0 > found.earliest * 1.02)
    }

    @Test func noiseAloneDoesNotFill() {
        for seed in 0..<20 {
            let points = minutes(300) { 500_000_000 + Int64(noise($0 + seed * 1000) * 50_000_000) }
            #expect(forecast(points) == .notFilling, "\(seed)")
        }
    }

    @Test func oneJumpIsNoRate() {
        #expect(forecast(minutes(300) { $0 < 200 ? 100 << 20 : 700 << 20 }) == .notFilling)
    }

    @Test func growthBesideAJumpIsFound() throws {
        let points = minutes(300) { 50_000_000 + Int64($0) * 500_000 + ($0 < 150 ? 0 : 400 << 20) }
        let found = try filling(forecast(points))
        #expect(abs(found.bytesPerSecond - 500_000 / 60) < 300)
    }

    @Test func onlyWhatComesAfterARemovalCounts() throws {
        let points = minutes(300) { index in
            index < 200 ? 900 << 20 : 100 << 20 + Int64(index - 200) * 1_000_000
        }
        #expect(abs(try filling(forecast(points)).bytesPerSecond - 1_000_000 / 60) < 200)
    }

    @Test func aSawToothDoesNotFill() {
        let points = minutes(360) { 100 << 20 + Int64($0 % 30) * 20_000_000 }
        #expect(forecast(points) == .notFilling)
    }

    @Test func shrinkingDoesNotFill() {
        #expect(forecast(minutes(300) { 900_000_000 - Int64($0) * 1_000_000 }) == .notFilling)
    }

    @Test func slowGrowthIsSeenByHours() throws {
        let hours = (0..<240).map { index in
            UsagePoint(
                time: Self.now - Int64(239 - index) * 3600,
                lastBytes: 400_000_000 + Int64(index) * 1_000_000, limitBytes: Self.limit)
        }
        let found = try filling(forecast(minutes(300) { _ in 639_000_000 }, hours: hours))
        #expect(abs(found.bytesPerSecond - 1_000_000 / 3600) < 10)
    }

    @Test func aJumpOfTheClockIsNoGrowth() throws {
        // An hour is missing, then the same minutes come twice; what lies ahead does not count.
        var points = minutes(300) { 100_000_000 + Int64($0) * 1_000_000 }
        points.removeSubrange(100..<160)
        points += minutes(20) { 380_000_000 + Int64($0) * 1_000_000 }
        points.append(
            UsagePoint(time: Self.now + 90_000, lastBytes: 1, limitBytes: Self.limit))
        points.sort { $0.time < $1.time }
        let found = try filling(forecast(points.filter { $0.time <= Self.now }))
        #expect(abs(found.bytesPerSecond - 1_000_000 / 60) < 1000)
    }

    @Test func littleIsKnownFromFewPoints() {
        #expect(forecast([]) == .unknown)
        #expect(forecast(minutes(4) { Int64($0) << 20 }) == .unknown)
        #expect(
            UsageForecast.of(minutes: minutes(9) { _ in 1 }, hours: [], limit: 0, now: Self.now)
                == .unknown)
    }

    @Test func aFullVolumeIsFull() throws {
        #expect(try filling(forecast(minutes(1) { _ in Self.limit })).fullIn == 0)
    }

    @Test func isReadByPeople() {
        let days = 86_400.0
        let filling = UsageForecast.Filling(
            bytesPerSecond: 1, fullIn: 3 * days + 4 * 3600 + 60, earliest: 2 * days + 5,
            latest: 6 * days)
        #expect(
            UsageForecast.filling(filling).text == "full in 3 d 4 h, between 2 d and 6 d")
        #expect(UsageForecast.notFilling.text == "not filling")
        let open = UsageForecast.Filling(
            bytesPerSecond: 1, fullIn: 90, earliest: 60, latest: nil)
        #expect(
            UsageForecast.filling(open).text == "full in 1 min 30 s, in 1 min at the earliest")
    }
}
