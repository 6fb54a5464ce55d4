/// What the cores need to know of a FrameworkInfo; the whole rides along in `payload`.
package struct FrameworkDescription: Equatable, Sendable {
    package struct Capabilities: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let revocableResources = Capabilities(rawValue: 1 << 1)
        package static let taskKillingState = Capabilities(rawValue: 1 << 2)
        package static let gpuResources = Capabilities(rawValue: 1 << 3)
        package static let sharedResources = Capabilities(rawValue: 1 << 4)
        package static let partitionAware = Capabilities(rawValue: 1 << 5)
        package static let multiRole = Capabilities(rawValue: 1 << 6)
        package static let reservationRefinement = Capabilities(rawValue: 1 << 7)
        package static let regionAware = Capabilities(rawValue: 1 << 8)
        /// Holdfast's own (1000 in the API): an ACCEPT is done whole or not at all.
        package static let atomicAccept = Capabilities(rawValue: 1 << 31)
    }

    /// Nil until the master has given one.
    package var id: FrameworkID?
    package var name: String
    package var user: String
    /// One element, the old `role` field, without MULTI_ROLE.
    package var roles: [String]
    package var principal: String?
    package var hostname: String
    package var capabilities: Capabilities
    package var isCheckpointing: Bool
    /// How long its tasks live on without it; zero: not at all.
    package var failoverTimeoutMilliseconds: Int64
    /// The whole FrameworkInfo, serialized, without its id.
    package var payload: Payload

    package init(
        id: FrameworkID? = nil, name: String, user: String, roles: [String],
        principal: String? = nil, hostname: String = "", capabilities: Capabilities = [],
        isCheckpointing: Bool = false, failoverTimeoutMilliseconds: Int64 = 0,
        payload: Payload = Payload()
    ) {
        self.id = id
        self.name = name
        self.user = user
        self.roles = roles
        self.principal = principal
        self.hostname = hostname
        self.capabilities = capabilities
        self.isCheckpointing = isCheckpointing
        self.failoverTimeoutMilliseconds = failoverTimeoutMilliseconds
        self.payload = payload
    }
}

/// What the master needs to know of an agent.
package struct AgentDescription: Equatable, Sendable {
    /// Nil: registers for the first time.
    package var id: AgentID?
    package var hostname: String
    /// Where its HTTP API answers.
    package var address: String
    package var port: Int
    /// From `--resources`: with static reservations, without anything dynamic.
    package var resources: Resources
    package var version: String
    /// Changes with every boot of the machine.
    package var bootID: String
    /// The whole AgentInfo (attributes, domain), serialized, without id and resources.
    package var payload: Payload

    package init(
        id: AgentID? = nil, hostname: String, address: String, port: Int, resources: Resources,
        version: String, bootID: String, payload: Payload = Payload()
    ) {
        self.id = id
        self.hostname = hostname
        self.address = address
        self.port = port
        self.resources = resources
        self.version = version
        self.bootID = bootID
        self.payload = payload
    }
}
