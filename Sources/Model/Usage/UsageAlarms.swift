/// Which limits a volume has crossed: each crossing is told once, and its end once.
package struct UsageAlarms: Hashable, Sendable {
    /// What has just happened.
    package enum Crossing: Hashable, Sendable {
        /// More than so many percent are used.
        case over(percent: Int)
        /// Less again, by a margin.
        case under(percent: Int)
        /// It will be full within a day.
        case fillingSoon
        /// It will not, for two days at least.
        case fillingLater
    }

    /// In percent of what can be stored.
    package static let percents = [80, 90, 95]
    /// How far below a limit its alarm ends.
    private static let margin = 5
    private static let soonSeconds = 86_400.0
    private static let laterSeconds = 2 * 86_400.0

    /// How many of `percents` are crossed.
    package private(set) var level: Int
    package private(set) var isFillingSoon: Bool

    package init(level: Int = 0, isFillingSoon: Bool = false) {
        self.level = min(max(0, level), Self.percents.count)
        self.isFillingSoon = isFillingSoon
    }

    /// What a new figure and a new forecast cross; of several limits at once the outermost alone.
    package mutating func judge(
        usedBytes: Int64, limitBytes: Int64, forecast: UsageForecast
    ) -> [Crossing] {
        guard limitBytes > 0 else { return [] }
        var crossings: [Crossing] = []
        let percent = Double(usedBytes) / Double(limitBytes) * 100
        let reached = Self.percents.count { percent >= Double($0) }
        let kept = Self.percents.count { percent >= Double($0 - Self.margin) }
        if reached > level {
            level = reached
            crossings.append(.over(percent: Self.percents[level - 1]))
        } else if kept < level {
            crossings.append(.under(percent: Self.percents[kept]))
            level = kept
        }
        switch forecast {
        case .unknown: break
        case .notFilling:
            if isFillingSoon { crossings.append(.fillingLater) }
            isFillingSoon = false
        case .filling(let filling):
            if !isFillingSoon, filling.fullIn <= Self.soonSeconds {
                isFillingSoon = true
                crossings.append(.fillingSoon)
            } else if isFillingSoon, filling.fullIn > Self.laterSeconds {
                isFillingSoon = false
                crossings.append(.fillingLater)
            }
        }
        return crossings
    }
}
