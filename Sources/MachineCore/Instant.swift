/// A point in time: nanoseconds since 1970, as the shell reads it once and then advances by the
/// monotonic clock, so that a jump of the wall clock moves no timeout of a running process.
package struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Seconds since 1970, as `TaskStatus.timestamp` carries them.
    package var seconds: Double { Double(nanoseconds) / 1e9 }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Saturates instead of overflowing: a peer may name any duration.
    package static func + (instant: Instant, span: Span) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(span.nanoseconds)
        return Instant(nanoseconds: overflow ? (span.nanoseconds > 0 ? .max : .min) : sum)
    }

    package static func - (left: Instant, right: Instant) -> Span {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(
            right.nanoseconds)
        return Span(nanoseconds: overflow ? (left > right ? .max : .min) : difference)
    }
}

/// A length of time in nanoseconds.
package struct Span: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static let zero = Span(nanoseconds: 0)

    /// Saturates instead of overflowing.
    package static func milliseconds(_ count: Int64) -> Span {
        let (product, overflow) = count.multipliedReportingOverflow(by: 1_000_000)
        return Span(nanoseconds: overflow ? (count > 0 ? .max : .min) : product)
    }

    /// Seconds as peers send them: no number and negatives become zero, above 365 days 365 days.
    package static func seconds(_ count: Double) -> Span {
        guard count > 0 else { return .zero }
        return Span(nanoseconds: Int64(min(count, 365 * 86_400) * 1e9))
    }

    package var seconds: Double { Double(nanoseconds) / 1e9 }

    package static func < (left: Span, right: Span) -> Bool { left.nanoseconds < right.nanoseconds }
}
