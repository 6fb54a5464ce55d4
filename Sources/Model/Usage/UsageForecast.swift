/// When a volume will be full, if it goes on as it did.
///
/// A Theil-Sen fit: the median of the slopes between all pairs of points, which single outliers
/// don't move. What a big removal has ended no longer counts, nor does a single jump.
package enum UsageForecast: Hashable, Sendable {
    /// Too little is known yet.
    case unknown
    case notFilling
    case filling(Filling)

    /// Times in seconds from now.
    package struct Filling: Hashable, Sendable {
        package let bytesPerSecond: Double
        package let fullIn: Double
        package let earliest: Double
        /// Nil: it may never be.
        package let latest: Double?

        package init(
            bytesPerSecond: Double, fullIn: Double, earliest: Double, latest: Double?
        ) {
            self.bytesPerSecond = bytesPerSecond
            self.fullIn = fullIn
            self.earliest = earliest
            self.latest = latest
        }
    }

    /// What is farther away than this is no forecast: ten years.
    private static let farthestSeconds = 315_360_000.0
    private static let pointsAtMost = 60
    private static let pointsAtLeast = 5
    /// Points that follow each other are alike, so the fit is less sure than it looks.
    private static let widening = 1.5
    private static let normalQuantile = 1.96

    /// From the last six hours by minutes; where these show no growth, from two weeks by hours.
    package static func of(
        minutes: [UsagePoint], hours: [UsagePoint], limit: Int64, now: Int64
    ) -> UsageForecast {
        guard limit > 0, let last = minutes.last ?? hours.last else { return .unknown }
        if last.lastBytes >= limit {
            return .filling(Filling(bytesPerSecond: 0, fullIn: 0, earliest: 0, latest: 0))
        }
        let windows: [([UsagePoint], Int64)] = [(minutes, 6 * 3600), (hours, 14 * 86_400)]
        var verdict = UsageForecast.unknown
        for (points, length) in windows {
            let recent = points.filter { $0.time > now - length && $0.time <= now }
            let found = of(recent, limit: limit, now: now)
            if case .filling = found { return found }
            if case .notFilling = found { verdict = found }
        }
        return verdict
    }

    private static func of(
        _ points: [UsagePoint], limit: Int64, now: Int64
    ) -> UsageForecast {
        let recent = sinceRemoval(points.sorted { $0.time < $1.time }, limit: limit)
        let raw = thinned(recent)
        let samples = withoutJumps(raw)
        guard let slopes = slopes(samples) else { return .unknown }
        guard slopes.low > 0, slopes.middle > 0 else { return .notFilling }
        // From the line, not from the last point, which is as noisy as any other.
        let jumps = (raw.last?.bytes ?? 0) - (samples.last?.bytes ?? 0)
        let levels = samples.map { $0.bytes + slopes.middle * (Double(now) - $0.time) }.sorted()
        let remaining = max(0, Double(limit) - levels[levels.count / 2] - jumps)
        let fullIn = remaining / slopes.middle
        guard fullIn <= farthestSeconds else { return .notFilling }
        let latest = remaining / slopes.low
        return .filling(
            Filling(
                bytesPerSecond: slopes.middle, fullIn: fullIn, earliest: remaining / slopes.high,
                latest: latest <= farthestSeconds ? latest : nil))
    }

    /// The points after the last big removal; all where removals are the rule.
    private static func sinceRemoval(_ points: [UsagePoint], limit: Int64) -> [UsagePoint] {
        var removals: [Int] = []
        for index in points.indices.dropFirst() {
            let before = points[index - 1].lastBytes
            let least = max(limit / 20, before / 10)
            if before - points[index].lastBytes > least { removals.append(index) }
        }
        guard let last = removals.last, removals.count < 3 else { return points }
        return Array(points[last...])
    }

    private struct Sample {
        let time: Double
        var bytes: Double
    }

    /// At most sixty: the medians of as many pieces of the time.
    private static func thinned(_ points: [UsagePoint]) -> [Sample] {
        let samples = points.map { Sample(time: Double($0.time), bytes: Double($0.lastBytes)) }
        guard samples.count > pointsAtMost else { return samples }
        return (0..<pointsAtMost).map { piece in
            let from = piece * samples.count / pointsAtMost
            let to = (piece + 1) * samples.count / pointsAtMost
            let part = samples[from..<to]
            let bytes = part.map(\.bytes).sorted()
            return Sample(
                time: part.reduce(0) { $0 + $1.time } / Double(part.count),
                bytes: bytes[bytes.count / 2])
        }
    }

    /// Takes up to two single big rises out: what came once is no rate.
    private static func withoutJumps(_ samples: [Sample]) -> [Sample] {
        guard samples.count >= 8 else { return samples }
        var samples = samples
        for _ in 0..<2 {
            let rises = zip(samples.dropFirst(), samples).map { $0.bytes - $1.bytes }
            guard let largest = rises.indices.max(by: { rises[$0] < rises[$1] }) else { break }
            let others = rises.indices.filter { $0 != largest }.map { abs(rises[$0]) }.sorted()
            let usual = others[others.count * 9 / 10]
            let sum = rises.reduce(0) { $0 + max(0, $1) }
            guard rises[largest] > 4 * usual, rises[largest] > sum / 4 else { break }
            let usualRise = rises.sorted()[rises.count / 2]
            for index in samples.indices where index > largest {
                samples[index].bytes -= rises[largest] - max(0, usualRise)
            }
        }
        return samples
    }

    /// The median of all slopes in bytes a second, and what lies around it with 95 % (Sen's bounds
    /// by Kendall's variance).
    private static func slopes(
        _ samples: [Sample]
    ) -> (low: Double, middle: Double, high: Double)? {
        guard samples.count >= pointsAtLeast else { return nil }
        var slopes: [Double] = []
        slopes.reserveCapacity(samples.count * samples.count / 2)
        for (index, later) in samples.enumerated() {
            for earlier in samples[..<index] where later.time > earlier.time {
                slopes.append((later.bytes - earlier.bytes) / (later.time - earlier.time))
            }
        }
        guard !slopes.isEmpty else { return nil }
        slopes.sort()
        let count = Double(samples.count)
        let variance = count * (count - 1) * (2 * count + 5) / 18
        let spread = normalQuantile * widening * variance.squareRoot()
        let all = Double(slopes.count)
        let low = Int(max(0, (all - spread) / 2))
        let high = Int(min(all - 1, (all + spread) / 2))
        return (slopes[low], slopes[slopes.count / 2], slopes[high])
    }
}
