/// Which limits a volume has crossed: each crossing is told once, and its end once.
package struct UsageAlarms: Hashable, Sendable {
    /// What has just happened.
    package enum Crossing: Hashable, Sendable {
        /// More than so many percent are used.
        case over(percent: Int)
        /// Less again, by a margin.
        case under(percent: Int)
        /// It will be full within the rule's time.
        case fillingSoon
        /// It will not, for twice that time at least.
        case fillingLater
    }

    /// How far below a limit its alarm ends.
    private static let margin = 5

    /// The highest of the rule's percents that is crossed; 0: none.
    package private(set) var percent: Int
    package private(set) var isFillingSoon: Bool

    package init(percent: Int = 0, isFillingSoon: Bool = false) {
        self.percent = percent
        self.isFillingSoon = isFillingSoon
    }

    /// What a new figure and a new forecast cross; of several limits at once the outermost alone.
    package mutating func judge(
        usedBytes: Int64, limitBytes: Int64, forecast: UsageForecast,
        by rule: AlarmRule = .usual
    ) -> [Crossing] {
        guard limitBytes > 0 else { return [] }
        let used = Double(usedBytes) / Double(limitBytes) * 100
        return [judge(used, rule.percents), judge(forecast, rule.fullWithinSeconds)]
            .compactMap(\.self)
    }

    private mutating func judge(_ used: Double, _ percents: [Int]) -> Crossing? {
        // Another rule than before: nothing was crossed by that.
        if !percents.contains(percent) { percent = percents.last { $0 <= percent } ?? 0 }
        let reached = percents.last { used >= Double($0) } ?? 0
        let kept = percents.last { used >= Double($0 - Self.margin) } ?? 0
        if reached > percent {
            percent = reached
            return .over(percent: reached)
        }
        guard kept < percent, let left = percents.first(where: { $0 > kept }) else { return nil }
        percent = kept
        return .under(percent: left)
    }

    private mutating func judge(_ forecast: UsageForecast, _ within: Int64?) -> Crossing? {
        guard let within else {
            isFillingSoon = false
            return nil
        }
        switch forecast {
        case .unknown: return nil
        case .notFilling:
            defer { isFillingSoon = false }
            return isFillingSoon ? .fillingLater : nil
        case .filling(let filling):
            if !isFillingSoon, filling.fullIn <= Double(within) {
                isFillingSoon = true
                return .fillingSoon
            }
            guard isFillingSoon, filling.fullIn > 2 * Double(within) else { return nil }
            isFillingSoon = false
            return .fillingLater
        }
    }
}
