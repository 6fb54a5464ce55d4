package import AllocatorCore
package import Model

/// Which offers an operator asks about: of a framework, of a role, or of a framework in a role.
package struct OfferQuestion: Equatable, Sendable {
    package var framework: FrameworkID?
    package var role: String?
    /// Nil: all agents.
    package var agent: AgentID?

    package init(framework: FrameworkID? = nil, role: String? = nil, agent: AgentID? = nil) {
        self.framework = framework
        self.role = role
        self.agent = agent
    }
}

/// Why agents are offered, or not, at one moment.
package struct OfferExplanation: Equatable, Sendable {
    package enum Outcome: Equatable, Sendable {
        case offered
        /// At the next pass.
        case wouldBeOffered
        case notOffered(OfferReason.Code)
    }

    /// Of one agent for one framework in one role.
    package struct Verdict: Equatable, Sendable {
        package let agent: AgentID
        package let hostname: String
        package let outcome: Outcome
        /// What is or would be offered, without allocation.
        package let resources: Resources
        /// In the order of the checks.
        package let reasons: [OfferReason]
    }

    /// A framework in one of its roles.
    package struct Subject: Equatable, Sendable {
        package let framework: FrameworkID
        package let frameworkName: String
        package let role: String
        package internal(set) var verdicts: [Verdict] = []
    }

    package internal(set) var subjects: [Subject] = []
    /// What `Limits` leave no room for.
    package internal(set) var subjectsLeftOut = 0
    package internal(set) var agentsLeftOut = 0
}
