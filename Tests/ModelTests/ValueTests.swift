import Model
import Testing

/// Amounts, ranges, sets and texts as they are read and calculated with.
@Suite struct ValueTests {
    /// Scenario: values_tests ValuesTest.ValidInput
    @Test func readsEachKind() throws {
        let read = try resources("a:45.55;b:[10000-20000, 30000-50000];c:{sda1, sda2}")
        #expect(read.map(\.value.kind) == [.scalar, .ranges, .set])
        #expect(read.total(of: "a").value == 45.55)
        #expect(try ranges("10000-20000, 30000-50000").intervals == [10000...20000, 30000...50000])
        #expect(read.map(\.value).last == .set(["sda1", "sda2"]))
        for text in ["123abc,s", "inf", "-inf", "infinity", "-infinity", "nan", "-nan", "-4"] {
            #expect(try Attributes(parsing: "a:\(text)").list == [Attribute("a", .text(text))])
            #expect(throws: Refusal.self) { try resources("a:\(text)") }
        }
    }

    /// Scenario: values_tests ValuesTest.InvalidInput
    @Test(arguments: ["{aa,b}}", "[1-2]]", "[1-2b]", "  ", "", "7.63918e-313", "-7.63918e-313"])
    func refuses(text: String) {
        #expect(throws: Refusal.self) { try resources("a:\(text)") }
        #expect(throws: Refusal.self) { try Attributes(parsing: "a:\(text)") }
    }

    /// Scenario: values_tests ValuesTest.SetSubtraction
    @Test func setsSubtract() {
        let rest = ResourceValue.set(["sda1", "sda2", "sda3"]).subtracting(.set(["sda2", "sda3"]))
        #expect(rest == .set(["sda1"]))
        #expect(ResourceValue.set(["sda4"]).subtracting(rest) == .set(["sda4"]))
    }

    /// Mesos reads a bracket within brackets, too, and so lets mistakes pass.
    ///
    /// Scenario: values_tests ValuesTest.RangesParse ValuesTest.RangesCoalesceParse
    @Test(
        arguments: [
            ("1-10", [1...10]), ("4-6, 6-8, 5-9, 3-4, 2-5, 4-6, 1-1, 10-10, 4-6", [1...10]),
            ("4-6, 6-8", [4...8]), ("6-8, 4-6", [4...8]), ("1-10, 8-10", [1...10]),
            ("1-11, 8-10", [1...11]), ("1-4, 4-5, 7-8, 8-10", [1...5, 7...10]),
            ("7-8, 1-4, 8-10, 4-5", [1...5, 7...10]), ("4-6, 7-8", [4...8]),
            ("4-6, 7-7", [4...7]), ("4-6, 7-7, 8-8, 9-9", [4...9]),
            ("4-6, 7-7, 9-10, 9-11", [4...7, 9...11]), ("6-8, 6-8, 4-6, 6-8", [4...8]),
        ] as [(String, [ClosedRange<UInt64>])])
    func rangesAreReadInOrderAndJoined(text: String, intervals: [ClosedRange<UInt64>]) throws {
        #expect(try ranges(text).intervals == intervals)
        #expect(throws: Refusal.self) { try ranges("\(text), [8-10]") }
    }

    /// Scenario: values_tests ValuesTest.RangesCoalesce ValuesTest.AddRangeCoalesce
    @Test func aRangeJoinsWhatItTouches() {
        #expect(Ranges(joining: [1...4, 3...5, 7...8, 8...10]).intervals == [1...5, 7...10])
        var joined = Ranges(joining: [8...10, 1...4])
        #expect(joined.intervals == [1...4, 8...10])
        for added in [4...8, 5...7] as [ClosedRange<UInt64>] {
            joined = joined + Ranges(added)
            #expect(joined.intervals == [1...10])
        }
        #expect((joined + Ranges(20...21)).intervals == [1...10, 20...21])
        #expect((Ranges(joining: [1...4, 8...10]) + Ranges(5...7)).intervals == [1...10])
    }

    /// Scenario: values_tests ValuesTest.RangesToIntervalSet ValuesTest.IntervalSetToRanges
    @Test func rangesAreIntervalsAndBack() {
        for intervals in [[1...1, 3...5, 7...8], [1...1, 3...4, 7...9]] as [[ClosedRange<UInt64>]] {
            #expect(Ranges(disjoint: intervals)?.intervals == intervals)
            #expect(Ranges(disjoint: intervals.reversed())?.intervals == intervals)
        }
    }

    /// Scenario: values_tests ValuesTest.RangesAddition
    @Test(arguments: [
        ("3-8", "4-10", "3-10"), ("3-8", "1-4", "1-8"), ("2-3", "1-4", "1-4"),
        ("2-3", "4-6", "2-6"), ("3-5", "1-2", "1-5"), ("3-5, 7-8", "6-6", "3-8"),
        ("1-4, 9-10, 20-22, 26-30", "5-8, 23-25", "1-10, 20-30"),
    ])
    func rangesAdd(left: String, right: String, sum: String) throws {
        #expect(try ranges(left) + ranges(right) == ranges(sum))
    }

    /// Scenario: values_tests ValuesTest.RangesSubtraction
    @Test(arguments: [
        ("", "1-10", ""), ("3-8", "", "3-8"), ("3-8", "1-10", ""), ("3-8", "3-5", "6-8"),
        ("3-8", "5-8", "3-4"), ("3-8", "5-6", "3-4, 7-8"), ("3-8", "1-3", "4-8"),
        ("3-8", "5-10", "3-4"), ("3-8", "9-10", "3-8"), ("3-8", "1-2", "3-8"),
    ])
    func rangesSubtract(left: String, right: String, rest: String) throws {
        #expect(try ranges(left) - ranges(right) == ranges(rest))
    }
}
