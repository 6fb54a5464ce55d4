package import MachineCore
package import Model

/// One reason why a client is not offered an agent, or not all of it.
package struct OfferReason: Equatable, Sendable {
    /// Stable words of the operator API.
    package enum Code: String, Equatable, Sendable, CaseIterable {
        // Of the framework in its role; any of these ends the chain.
        case frameworkRemoved = "FRAMEWORK_REMOVED"
        case frameworkDisconnected = "FRAMEWORK_DISCONNECTED"
        case roleNotSubscribed = "ROLE_NOT_SUBSCRIBED"
        case roleSuppressed = "ROLE_SUPPRESSED"
        // Of the agent; any of these ends the chain.
        case agentGone = "AGENT_GONE"
        case agentUnreachable = "AGENT_UNREACHABLE"
        case agentRecovering = "AGENT_RECOVERING"
        case agentDisconnected = "AGENT_DISCONNECTED"
        // Of its resources, each of a part of them.
        case alreadyOffered = "ALREADY_OFFERED"
        case partlyInUse = "PARTLY_IN_USE"
        case nothingLeft = "NOTHING_LEFT"
        case tooManyFilters = "TOO_MANY_FILTERS"
        case capabilityMissing = "CAPABILITY_MISSING"
        case reservedForOtherRole = "RESERVED_FOR_OTHER_ROLE"
        case agentHasGPUs = "AGENT_HAS_GPUS"
        case ownRoleLends = "OWN_ROLE_LENDS"
        case belowMinimum = "BELOW_MINIMUM"
        case sharedVolumeInUse = "SHARED_VOLUME_IN_USE"
        case filtered = "FILTERED"
        case reofferDelayed = "REOFFER_DELAYED"
        case comesLater = "COMES_LATER"
        case tooManyOffers = "TOO_MANY_OFFERS"
    }

    /// Who holds a part of an agent.
    package struct Holder: Equatable, Sendable {
        package let framework: FrameworkID
        package let role: String
        /// Without allocation.
        package var resources: Resources
        /// The offer that holds it; nil: tasks and executors.
        package var offer: OfferID?
        /// Since when it is offered, nanoseconds since 1970.
        package var sinceNanoseconds: Int64?

        package init(framework: FrameworkID, role: String, resources: Resources) {
            self.framework = framework
            self.role = role
            self.resources = resources
        }
    }

    /// Who gets what is left before.
    package struct Rival: Equatable, Sendable {
        package let framework: FrameworkID
        package let role: String
        /// Its share and ours where the order of fairness compares them, in 2^-40 of the cluster.
        package let share: UInt64
        package let ownShare: UInt64
        package let resources: Resources
    }

    package let code: Code
    /// What it concerns, without allocation; nothing: all of the agent.
    package var resources = Resources()
    package var holders: [Holder] = []
    package var rivals: [Rival] = []
    /// Until when a filter lasts.
    package var until: Instant?
    /// Since when it is so, nanoseconds since 1970.
    package var sinceNanoseconds: Int64?
    /// What made the filter.
    package var origin: FilterOrigin?
    /// What a filter blocks, or a part of it.
    package var refused = Resources()
    package var capability: FrameworkDescription.Capabilities?
    /// Any one of these would be enough.
    package var minimum: [ResourceQuantities] = []
    /// The bound that is reached.
    package var limit: Int?

    package init(_ code: Code) { self.code = code }
}

/// What the next pass has for one framework in one role of one agent.
package struct OfferOutlook: Equatable, Sendable {
    /// In the order in which they are checked. If nothing is offered, the last one decides.
    package internal(set) var reasons: [OfferReason] = []
    /// What will be offered, in allocated form; nil: nothing.
    package internal(set) var offered: Resources?

    /// Why nothing is offered; nil: something is.
    package var decisive: OfferReason? { offered == nil ? reasons.last : nil }
}
