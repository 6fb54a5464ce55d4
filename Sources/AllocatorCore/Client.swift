internal import MachineCore
internal import Model
internal import OrderedCollections

/// A framework in the eyes of the allocator. It outlives its removal for as long as something is
/// allocated to it, and exists before its registration if an agent reports its tasks.
struct FrameworkState: Sendable {
    var id = FrameworkID("")
    var isRegistered = false
    var isActive = false
    var capabilities: FrameworkDescription.Capabilities = []
    /// Its clients by role.
    var clients: OrderedDictionary<String, Int> = [:]
    /// The filters and holds of all its clients.
    var filterCount = 0
    /// Before this it is not offered again what it declined for no time.
    var reofferAt = Instant(nanoseconds: .min)
    /// The pass before which a re-offer was granted; all declines until then share it.
    var grantedPass: UInt64?
}

/// A framework in one of its roles: what the sorter orders and what an offer goes to.
struct Client: Sendable {
    enum Obstacle { case frameworkInactive, notSubscribed, suppressed }

    var framework = -1
    var role = ""
    /// Its leaf in the sorter.
    var leaf = 0
    var isSubscribed = false
    var isSuppressed = false
    /// Whether it may be offered something now; the sorter knows it too.
    var isEligible = false
    /// Whether it stands in `Allocator.fresh`.
    var isFresh = false
    /// On how many agents it holds something.
    var holdings = 0
    /// What it refused, by agent; a REVIVE clears them.
    var filters: [Int: [Filter]] = [:]
    /// What it declined for no time, by agent, until the framework's next re-offer.
    var holds: [Int: Filter] = [:]
    /// How many `filters` and `holds` there are.
    var filterCount = 0
}

/// What resources came back by, when they are not to be offered again at once.
package enum FilterOrigin: String, Equatable, Sendable, CaseIterable {
    case decline = "DECLINE"
    /// What an ACCEPT left over.
    case accept = "ACCEPT"
    /// The offer was rescinded for an operation of an operator.
    case rescind = "RESCIND"
    /// The master could not make an offer of them.
    case unsent = "UNSENT"
}

/// Blocks offers of what was refused, or of a part of it, until it runs out.
struct Filter: Sendable {
    /// In unallocated form.
    private(set) var resources: Resources
    private(set) var expiry: Instant
    let sequence: UInt64
    let origin: FilterOrigin

    init(resources: Resources, expiry: Instant, sequence: UInt64, origin: FilterOrigin) {
        self.resources = resources
        self.expiry = expiry
        self.sequence = sequence
        self.origin = origin
    }

    /// Blocks what either blocks, for the longer time.
    mutating func merge(_ other: Filter) {
        expiry = max(expiry, other.expiry)
        for resource in other.resources where !resources.contains(resource) {
            resources.add(resource)
        }
    }

    /// Whether nothing is lost without the other filter.
    func covers(_ other: Filter) -> Bool {
        expiry >= other.expiry && resources.contains(other.resources)
    }
}
