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
        let doubled = first.nanoseconds << Int64(min(attempts, 20))
        attempts += 1
        let plain = min(max(doubled, first.nanoseconds), longest.nanoseconds)
        let spread = plain / 4
        guard spread > 0 else { return Span(nanoseconds: plain) }
        return Span(nanoseconds: plain - Int64(generator.next() % UInt64(spread)))
    }

    package mutating func reset() { attempts = 0 }
}
