/// Sorted, coalesced, closed intervals of UInt64. Each operation takes time linear in the
/// intervals.
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
        for interval in sorted { append(interval) }
    }

    /// Overlapping and adjacent intervals become one.
    package init(joining input: [ClosedRange<UInt64>]) {
        for interval in input.sorted(by: { $0.lowerBound < $1.lowerBound }) { append(interval) }
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
        var (i, j) = (0, 0)
        while i < intervals.count, j < other.intervals.count {
            if intervals[i].overlaps(other.intervals[j]) { return true }
            if intervals[i].upperBound < other.intervals[j].lowerBound { i += 1 } else { j += 1 }
        }
        return false
    }

    package static func + (left: Ranges, right: Ranges) -> Ranges {
        if left.isEmpty { return right }
        if right.isEmpty { return left }
        var result = Ranges()
        result.intervals.reserveCapacity(left.intervals.count + right.intervals.count)
        var (i, j) = (0, 0)
        while i < left.intervals.count || j < right.intervals.count {
            let takesLeft =
                j == right.intervals.count
                || i < left.intervals.count
                    && left.intervals[i].lowerBound <= right.intervals[j].lowerBound
            if takesLeft {
                result.append(left.intervals[i])
                i += 1
            } else {
                result.append(right.intervals[j])
                j += 1
            }
        }
        return result
    }

    package static func - (left: Ranges, right: Ranges) -> Ranges {
        var result = Ranges()
        var j = 0
        for interval in left.intervals {
            while j < right.intervals.count,
                right.intervals[j].upperBound < interval.lowerBound
            {
                j += 1
            }
            var rest: ClosedRange<UInt64>? = interval
            var k = j
            while let piece = rest, k < right.intervals.count,
                right.intervals[k].lowerBound <= piece.upperBound
            {
                let taken = right.intervals[k]
                if taken.lowerBound > piece.lowerBound {
                    result.intervals.append(piece.lowerBound...(taken.lowerBound - 1))
                }
                rest =
                    taken.upperBound < piece.upperBound
                    ? (taken.upperBound + 1)...piece.upperBound : nil
                if rest != nil { k += 1 }
            }
            if let rest { result.intervals.append(rest) }
            j = k
        }
        return result
    }

    /// Adds an interval that begins at or after the last one's begin.
    private mutating func append(_ interval: ClosedRange<UInt64>) {
        guard let last = intervals.last,
            last.upperBound == .max || interval.lowerBound <= last.upperBound + 1
        else {
            intervals.append(interval)
            return
        }
        intervals[intervals.count - 1] =
            last.lowerBound...max(last.upperBound, interval.upperBound)
    }
}
