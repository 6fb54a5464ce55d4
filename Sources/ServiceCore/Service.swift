package import MachineCore
package import Model

/// One service: what is wanted, what was placed, and where it stands.
///
///     placing -> launching -> running -> ended -> (offer with its volumes) -> launching ...
///     running -> unreachable -> running or ended; never relaunched while merely unreachable
///     any -> stopping -> releasing -> gone (or kept with its volumes)
package struct Service: Equatable, Sendable {
    package enum Phase: Equatable, Sendable {
        /// Waits for an offer: the first one, or one with its volumes.
        case waiting
        /// ACCEPT is sent; the task has not been heard of.
        case launching
        case running
        case unreachable
        /// Its task is to end: KILL is sent.
        case stopping
        /// Its volume's new size is asked for.
        case resizing(OperationID)
        /// Its reservations are given back.
        case releasing(OperationID)
        /// Stopped, its volumes are kept.
        case idle
    }

    /// A resize that a client waits for.
    package struct Resize: Equatable, Sendable {
        package var volume: String
        package var size: Amount
        package var request: ServiceRequestID?
        /// While it grows under its task; nil: the task ends for it.
        package var growth: OperationID?
        /// When the task ended for it.
        package var stoppedAt: Instant?
        package var isResized = false
        /// What was reserved for it, to be given back if it fails; with its allocation role.
        package var reserved: Resource?
    }

    package var row: ServiceRow
    package var phase: Phase
    package var state: TaskState?
    package var isHealthy: Bool?
    /// What went wrong last, for people.
    package var message: String?
    package var backoff = Backoff(first: .milliseconds(200), longest: .milliseconds(30_000))
    /// Not before this; nil: now.
    package var notBefore: Instant?
    package var runningSince: Instant?
    /// When to ask the master about a task that nothing was heard of.
    package var reconcileAt: Instant?
    package var resize: Resize?
    /// Left reserved by a resize that failed: given back with the next launch.
    package var surplus: Resource?

    package init(row: ServiceRow, phase: Phase) {
        self.row = row
        self.phase = phase
    }

    package var name: String { row.spec.name }

    /// Whether an operation under way gives back what it holds.
    var isReleasing: Bool {
        if case .releasing = phase { true } else { false }
    }

    /// Whether an offer could bring it on.
    package var wantsOffers: Bool {
        switch phase {
        case .waiting: true
        case .launching, .running, .unreachable, .stopping, .resizing, .releasing, .idle: false
        }
    }
}
