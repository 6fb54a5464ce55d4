/// How long a reservation lasts if nobody renews it.
package struct Lease: Equatable, Sendable {
    /// From one renewal to its end.
    package var milliseconds: Int64
    /// Nanoseconds since 1970 when it was made or renewed last.
    package var renewedNanoseconds: Int64

    package init(milliseconds: Int64, renewedNanoseconds: Int64) {
        self.milliseconds = milliseconds
        self.renewedNanoseconds = renewedNanoseconds
    }

    /// From a second to ten years.
    package static let allowedMilliseconds: ClosedRange<Int64> = 1_000...315_360_000_000

    /// Throws `invalid` for a duration that no lease may have.
    package static func validate(milliseconds: Int64) throws(Refusal) {
        guard allowedMilliseconds.contains(milliseconds) else {
            throw Refusal(
                .invalid, "a lease lasts from 1 second to 3650 days, not \(text(milliseconds))")
        }
    }

    /// As `90 s` or `1.5 s`.
    package static func text(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        return milliseconds % 1000 == 0 ? "\(seconds) s" : "\(Double(milliseconds) / 1000) s"
    }
}

/// What is to happen to the leases of reservations.
package struct LeaseRenewal: Equatable, Sendable {
    package enum Change: Equatable, Sendable {
        /// The lease lasts as long as it did, from now on.
        case renew
        /// Operators only.
        case set(milliseconds: Int64)
        /// Operators only: the reservation lasts until it is given back.
        case remove
    }

    /// Which ones; empty: all of `role` that have a lease.
    package var reservations: [ReservationUUID]
    package var role: String?
    package var change: Change

    package init(reservations: [ReservationUUID] = [], role: String? = nil, _ change: Change) {
        self.reservations = reservations
        self.role = role
        self.change = change
    }
}
