package import AllocatorCore
import MachineCore
package import Model

extension OfferReason {
    /// One sentence for people; the facts are beside it.
    package var text: String {
        let what = resources.summary
        switch code {
        case .frameworkRemoved: return "the framework has been removed and ends"
        case .frameworkDisconnected:
            return "the framework is not connected: it is offered nothing until it subscribes"
        case .roleNotSubscribed: return "the framework is not subscribed to the role"
        case .roleSuppressed:
            return "the framework has suppressed offers in this role until it calls REVIVE"
        case .agentGone: return "an operator has marked the agent gone"
        case .agentUnreachable: return "the agent is unreachable"
        case .agentRecovering:
            return "the agent has not come back yet since the master was started"
        case .agentDisconnected: return "the agent is not connected now"
        case .alreadyOffered: return "it is offered already"
        case .partlyInUse: return "a part of the agent is in use"
        case .nothingLeft:
            return holders.isEmpty
                ? "the agent has nothing" : "all of the agent is in use or offered"
        case .tooManyFilters:
            return "the framework has \(limit ?? 0) filters: it is offered nothing until one ends"
        case .capabilityMissing:
            return "\(what) is only for frameworks with the capability \(capabilityName)"
        case .reservedForOtherRole:
            let roles = resources.sortedRoles
            let names = roles.prefix(OfferReason.named).joined(separator: ", ")
            return "\(what) is reserved for \(roles.count == 1 ? "role" : "roles") \(names)"
                + more(than: roles.count)
        case .agentHasGPUs:
            return "the agent has GPUs: \(what) is kept for frameworks with the capability"
                + " \(capabilityName)"
        case .ownRoleLends:
            return "\(what) is lent of reservations, and the framework's role has some of these"
        case .belowMinimum:
            return "\(what) is less than the least that is offered, "
                + minimum.map(\.text).joined(separator: " or ")
        case .sharedVolumeInUse:
            return "\(what) is shared and in use: it is offered only beside something else"
        case .filtered: return "\(what) was refused by \(originText) and is filtered"
        case .reofferDelayed:
            return "\(what) was refused for no time by \(originText): its framework gets only so"
                + " many re-offers a second"
        case .comesLater:
            return rivals.isEmpty
                ? "others came first in an earlier pass, and nothing has changed since"
                : "others come first in the order of fairness"
        case .tooManyOffers: return "the framework has \(limit ?? 0) offers, which is the bound"
        }
    }

    /// As `FrameworkInfo.Capability` has it; empty: none is missing.
    package var capabilityName: String {
        switch capability {
        case .revocableResources?: "REVOCABLE_RESOURCES"
        case .sharedResources?: "SHARED_RESOURCES"
        case .gpuResources?: "GPU_RESOURCES"
        case .reservationRefinement?: "RESERVATION_REFINEMENT"
        case nil: ""
        case let other?: "\(other.rawValue)"
        }
    }

    private static let named = 3

    private func more(than count: Int) -> String {
        count > OfferReason.named ? " and \(count - OfferReason.named) more" : ""
    }

    private var originText: String {
        switch origin {
        case .decline?, nil: "DECLINE"
        case .accept?: "ACCEPT"
        case .rescind?: "the end of its offer for an operator's call"
        case .unsent?: "the master, which could not send it"
        }
    }
}

extension Resources {
    /// The first few pieces, for a sentence.
    package var summary: String {
        let shown = 4
        let texts = prefix(shown).map(\.text)
        return texts.joined(separator: "; ")
            + (count > shown ? " and \(count - shown) more" : "")
    }
}
