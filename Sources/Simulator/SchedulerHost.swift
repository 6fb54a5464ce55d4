import MasterCore
import Model
import OrderedCollections

/// A framework's scheduler as it sees the cluster.
struct SchedulerHost {
    struct KnownTask {
        let agent: AgentID
        var state: TaskState
        /// Its agent or executor says that it has ended; the master alone may be wrong.
        var hasEnded = false
    }

    let number: Int
    /// Counts the frameworks that were ever in this place.
    var generation = 0
    var id: FrameworkID?
    var stream: StreamID?
    var isSubscribed = false
    var offers: OrderedDictionary<OfferID, Offer> = [:]
    var tasks: OrderedDictionary<TaskID, KnownTask> = [:]
    /// Operations that it was told the end of.
    var told: OrderedDictionary<OperationID, OperationState> = [:]
    var names = 0
    var calls = 0
    /// The highest number of a call that has arrived.
    var arrived = 0

    var role: String { "role\(number)" }

    var description: FrameworkDescription {
        var capabilities: FrameworkDescription.Capabilities = [
            .multiRole, .reservationRefinement, .sharedResources, .revocableResources,
        ]
        if number.isMultiple(of: 2) { capabilities.insert(.partitionAware) }
        if number % 3 == 1 { capabilities.insert(.atomicAccept) }
        return FrameworkDescription(
            id: id, name: "framework\(number)", user: "root", roles: [role],
            capabilities: capabilities, isCheckpointing: true, failoverTimeoutMilliseconds: 15_000)
    }

    mutating func fresh(_ prefix: String) -> String {
        names += 1
        return "\(prefix)\(number)-\(names)"
    }

    /// Begins as a framework that nobody knows.
    mutating func renew() {
        generation += 1
        id = nil
        tasks = [:]
        told = [:]
        offers = [:]
        isSubscribed = false
    }
}
