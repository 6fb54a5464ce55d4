package import Model

/// What would come of an operator's call on an agent's books.
package struct Prediction: Equatable, Sendable {
    /// An offer that would be made, of what is free then.
    package struct NextOffer: Equatable, Sendable {
        package let framework: FrameworkID
        package let role: String
        package let agent: AgentID
        /// Without allocation.
        package let resources: Resources
        /// Zero: at once; else when filters have ended.
        package let afterNanoseconds: Int64
    }

    /// The master's answer; nil: it would take the call, and answer when the agent has done it.
    package internal(set) var refusal: Refusal?
    /// What the agent would be told to do.
    package internal(set) var conversion = ResourceConversion(
        consumed: Resources(), converted: Resources())
    package internal(set) var rescinded: [Offer] = []
    package internal(set) var nextOffers: [NextOffer] = []
    /// The agent's resources then; nothing where the call is refused, as all below.
    package internal(set) var total = Resources()
    /// What nobody would hold and nobody would be offered.
    package internal(set) var idle = Resources()
    /// Otherwise the call would be answered as pending.
    package internal(set) var isAgentConnected = false
    /// Nothing would be left to be done by an agent: a volume goes to the trash, or a key is known.
    package internal(set) var isImmediate = false
}

/// What draining an agent would mean: what it runs, and what stays behind.
package struct DrainReport: Equatable, Sendable {
    package struct Task: Equatable, Sendable {
        package let key: TaskKey
        package let frameworkName: String
        package let name: String
        /// Without allocation.
        package let resources: Resources
        /// Another agent with as much that the task's role may use; nil: none.
        package internal(set) var fitsOn: AgentID?

        /// Whether it holds persistent volumes, which stay on the agent.
        package var isStateful: Bool { !resources.volumes.isEmpty }
    }

    package struct Volume: Equatable, Sendable {
        package let description: VolumeDescription
        /// Nil: no task holds it.
        package let holder: TaskKey?
    }

    package internal(set) var tasks: [Task] = []
    package internal(set) var volumes: [Volume] = []
    /// What is reserved and no volume.
    package internal(set) var reservations = Resources()
    package internal(set) var rescinded: [Offer] = []
    /// Tasks and volumes that `Limits` leave no room for.
    package internal(set) var leftOut = 0
}
