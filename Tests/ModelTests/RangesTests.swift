import Model
import Testing

@Suite struct RangesTests {
    /// The numbers that ranges hold, one by one.
    private func numbers(_ ranges: Ranges) -> Set<UInt64> {
        ranges.intervals.reduce(into: []) { $0.formUnion($1) }
    }

    @Test(arguments: 0..<300 as Range<UInt64>) func operationsAreThoseOfSets(seed: UInt64) {
        var draw = Draw(seed)
        let (a, b) = (draw.ranges(), draw.ranges())
        let (x, y) = (numbers(a), numbers(b))
        #expect(numbers(a + b) == x.union(y))
        #expect(numbers(a - b) == x.subtracting(y))
        #expect(a.contains(b) == x.isSuperset(of: y))
        #expect(a.intersects(b) == !x.isDisjoint(with: y))
        #expect(a.count == UInt64(x.count))
        #expect(a + b == b + a)
        #expect((a - b) + b == a + b)
        for ranges in [a + b, a - b] {
            for (left, right) in zip(ranges.intervals, ranges.intervals.dropFirst()) {
                #expect(left.upperBound + 1 < right.lowerBound, "\(ranges) is not coalesced")
            }
        }
    }

    @Test func neighboursMergeAndOverlapsAreRefused() {
        #expect(Ranges(disjoint: [4...6, 1...3]) == Ranges(1...6))
        #expect(Ranges(disjoint: [1...3, 3...6]) == nil)
        #expect(Ranges(disjoint: [1...3, 5...6])?.intervals == [1...3, 5...6])
    }

    @Test func theLastNumberOverflowsNothing() {
        let top = Ranges(UInt64.max...UInt64.max)
        let all = Ranges(0...UInt64.max)
        #expect(all.count == .max)
        #expect((all - top).intervals == [0...(UInt64.max - 1)])
        #expect((all - top) + top == all)
        #expect((top + top) == top)
        #expect((all - all).isEmpty)
    }
}
