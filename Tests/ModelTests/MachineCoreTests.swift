import MachineCore
import Testing

@Suite struct SeededGeneratorTests {
    @Test func oneSeedGivesOneSequence() {
        var (a, b, c) = (
            SeededGenerator(seed: 1), SeededGenerator(seed: 1), SeededGenerator(seed: 2)
        )
        let first = (0..<100).map { _ in a.next() }
        #expect(first == (0..<100).map { _ in b.next() })
        #expect(first != (0..<100).map { _ in c.next() })
    }

    /// Fixed for all time: recorded simulations depend on it.
    @Test func theSequenceIsTheSameInEveryProcess() {
        var generator = SeededGenerator(seed: 42)
        let words = (0..<3).map { _ in generator.next() }
        #expect(words == SeededGeneratorTests.recorded)
    }

    static let recorded: [UInt64] = [
        0xA7A0D3B70CF80B64,
        0x0E514B39E9008C93,
        0x51E65D1DE573FDE3,
    ]

    @Test func entropyOfAnyLengthMatters() {
        var (a, b) = (SeededGenerator(entropy: [1, 2, 3]), SeededGenerator(entropy: [1, 2, 4]))
        #expect(a.next() != b.next())
    }

    @Test func uuidsAreVersionFourAndDiffer() {
        var generator = SeededGenerator(seed: 3)
        var seen: Set<String> = []
        for _ in 0..<1000 {
            let uuid = generator.uuid()
            let parts = uuid.split(separator: "-", omittingEmptySubsequences: false)
            #expect(parts.map(\.utf8.count) == [8, 4, 4, 4, 12])
            #expect(parts[2].first == "4" && "89ab".contains(parts[3].first ?? " "))
            #expect(uuid.allSatisfy { "0123456789abcdef-".contains($0) })
            #expect(seen.insert(uuid).inserted)
        }
    }

    @Test func belowStaysBelow() {
        var generator = SeededGenerator(seed: 5)
        let numbers = (0..<1000).map { _ in generator.below(7) }
        #expect(Set(numbers) == Set(0..<7))
    }
}

@Suite struct BackoffTests {
    @Test func doublesFromTheFirstToTheLongest() {
        var generator = SeededGenerator(seed: 1)
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(10))
        for attempt in 0..<200 {
            let plain = attempt < 7 ? Int64(100_000_000) << Int64(attempt) : 10_000_000_000
            let wait = backoff.next(&generator).nanoseconds
            #expect(wait <= plain && wait > plain - plain / 4)
        }
        backoff.reset()
        #expect(backoff.next(&generator) <= .milliseconds(100))
    }

    @Test func aLongFirstTimeOverflowsNothing() {
        var generator = SeededGenerator(seed: 1)
        let longest = Span.seconds(365 * 86_400)
        var backoff = Backoff(first: .seconds(86_400), longest: longest)
        for _ in 0..<100 {
            let wait = backoff.next(&generator)
            #expect(wait > .zero && wait <= longest)
        }
        #expect(backoff.next(&generator).nanoseconds > longest.nanoseconds / 4 * 3)
    }
}

@Suite struct InstantTests {
    @Test func timesSaturate() {
        let end = Instant(nanoseconds: .max)
        #expect(end + .seconds(1) == end)
        #expect(Instant(nanoseconds: .min) - end == Span(nanoseconds: .min))
        #expect(Span.milliseconds(.max) == Span(nanoseconds: .max))
        #expect(Span.milliseconds(.min) == Span(nanoseconds: .min))
    }

    @Test(arguments: [
        (-1, 0), (.nan, 0), (0.5, 500_000_000), (1e300, 365 * 86_400 * 1_000_000_000),
    ])
    func secondsOfPeers(seconds: Double, nanoseconds: Int64) {
        #expect(Span.seconds(seconds).nanoseconds == nanoseconds)
    }

    @Test func anOutboxKeepsOrderAndStartsAnew() {
        var outbox = Outbox<Int>()
        for number in 0..<5 { outbox.append(number) }
        #expect(outbox.drain() == [0, 1, 2, 3, 4])
        #expect(outbox.drain().isEmpty)
    }
}
