/// Waiting times that double from `first` to `longest`, each spread by up to a quarter.
package struct Backoff: Hashable, Sendable {
    package let first: Span
    package let longest: Span
    package private(set) var attempts = 0

    package init(first: Span, longest: Span) {
        self.first = first
        self.longest = longest
    }

    /// The next waiting time.
    package mutating func next(_ generator: inout SeededGenerator) -> Span {
        let (doubled, overflow) = first.nanoseconds.multipliedReportingOverflow(
            by: 1 << Int64(min(attempts, 40)))
        attempts += 1
        let plain = overflow ? longest.nanoseconds : min(doubled, longest.nanoseconds)
        let spread = plain / 4
        guard spread > 0 else { return Span(nanoseconds: plain) }
        return Span(nanoseconds: plain - Int64(generator.next() % UInt64(spread)))
    }

    package mutating func reset() { attempts = 0 }
}
