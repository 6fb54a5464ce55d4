/// Sorted, coalesced, closed intervals of UInt64.
package struct Ranges: Hashable, Sendable {
    package private(set) var intervals: [ClosedRange<UInt64>] = []

    package init() {}

    package init(_ interval: ClosedRange<UInt64>) { intervals = [interval] }

    /// Nil when two intervals overlap, which input may not.
    package init?(disjoint input: [ClosedRange<UInt64>]) {
        let sorted = input.sorted { $0.lowerBound < $1.lowerBound }
        for (left, right) in zip(sorted, sorted.dropFirst())
        where left.upperBound >= right.lowerBound {
            return nil
        }
        intervals = Ranges.coalesced(sorted)
    }

    package var isEmpty: Bool { intervals.isEmpty }

    /// How many numbers; saturates.
    package var count: UInt64 {
        intervals.reduce(0) { sum, interval in
            let size = (interval.upperBound - interval.lowerBound).addingReportingOverflow(1)
            let total = sum.addingReportingOverflow(size.overflow ? .max : size.partialValue)
            return total.overflow ? .max : total.partialValue
        }
    }

    package func contains(_ other: Ranges) -> Bool {
        var index = 0
        for wanted in other.intervals {
            while index < intervals.count, intervals[index].upperBound < wanted.lowerBound {
                index += 1
            }
            guard index < intervals.count, intervals[index].lowerBound <= wanted.lowerBound,
                intervals[index].upperBound >= wanted.upperBound
            else { return false }
        }
        return true
    }

    package func intersects(_ other: Ranges) -> Bool {
        intervals.contains { mine in other.intervals.contains { $0.overlaps(mine) } }
    }

    package static func + (left: Ranges, right: Ranges) -> Ranges {
        if left.isEmpty { return right }
        if right.isEmpty { return left }
        var result = Ranges()
        result.intervals = coalesced(
            (left.intervals + right.intervals).sorted { $0.lowerBound < $1.lowerBound })
        return result
    }

    package static func - (left: Ranges, right: Ranges) -> Ranges {
        var result: [ClosedRange<UInt64>] = []
        for interval in left.intervals {
            var rest: ClosedRange<UInt64>? = interval
            for taken in right.intervals {
                guard let piece = rest, taken.overlaps(piece) else { continue }
                if taken.lowerBound > piece.lowerBound {
                    result.append(piece.lowerBound...(taken.lowerBound - 1))
                }
                rest =
                    taken.upperBound < piece.upperBound
                    ? (taken.upperBound + 1)...piece.upperBound : nil
            }
            if let rest { result.append(rest) }
        }
        var ranges = Ranges()
        ranges.intervals = result
        return ranges
    }

    private static func coalesced(_ sorted: [ClosedRange<UInt64>]) -> [ClosedRange<UInt64>] {
        var result: [ClosedRange<UInt64>] = []
        for interval in sorted {
            if let last = result.last,
                last.upperBound == .max || interval.lowerBound <= last.upperBound + 1
            {
                result[result.count - 1] =
                    last.lowerBound...max(last.upperBound, interval.upperBound)
            } else {
                result.append(interval)
            }
        }
        return result
    }
}
