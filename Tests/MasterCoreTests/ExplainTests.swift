import AllocatorCore
import MachineCore
import Model
import OrderedCollections
import Testing

@testable import MasterCore

/// What the master adds to the allocator's reasons: who is away, and which offers are open.
@Suite struct ExplainTests {
    private func verdict(
        _ cluster: Cluster, _ framework: FrameworkID, role: String = "db",
        agent: FakeAgent? = nil
    ) throws -> OfferExplanation.Verdict {
        let id = agent?.id ?? cluster.agents[0].id
        let answer = try cluster.master.explainOffers(
            OfferQuestion(framework: framework, role: role, agent: id), at: cluster.now)
        return try #require(answer.subjects.first?.verdicts.first)
    }

    private func because(
        _ cluster: Cluster, _ framework: FrameworkID, role: String = "db",
        agent: FakeAgent? = nil
    ) throws -> OfferReason.Code? {
        let verdict = try verdict(cluster, framework, role: role, agent: agent)
        guard case .notOffered(let code) = verdict.outcome else { return nil }
        #expect(verdict.reasons.last?.code == code)
        #expect(verdict.reasons.allSatisfy { !$0.text.isEmpty })
        return code
    }

    @Test func anOpenOfferIsNamed() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        let offer = try scheduler.offer
        let own = try verdict(cluster, scheduler.id)
        #expect(own.outcome == .offered)
        #expect(own.resources == agent.base)
        #expect(own.reasons.map(\.code) == [.alreadyOffered])
        #expect(own.reasons[0].holders.map(\.offer) == [offer.id])
        #expect(own.reasons[0].holders[0].sinceNanoseconds == offer.createdNanoseconds)
        // The same offer is the reason why another one gets nothing.
        let other = cluster.subscribe(.test(roles: ["web"]))
        let theirs = try verdict(cluster, other.id, role: "web")
        #expect(theirs.outcome == .notOffered(.nothingLeft))
        let holder = try #require(theirs.reasons.last?.holders.first)
        #expect(holder.offer == offer.id)
        #expect(try holder.framework == scheduler.id)
    }

    @Test func tasksAndOffersAreToldApart() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([.launch(.test("t1", on: id))])
        cluster.pass(seconds: 1)
        let other = cluster.subscribe(.test(roles: ["web"]))
        let verdict = try verdict(cluster, other.id, role: "web")
        let holders = try #require(verdict.reasons.last?.holders)
        #expect(holders.map { $0.offer == nil } == [true, false])
        #expect(holders[0].resources == Resources([.scalar("cpus", 1)]))
        #expect(verdict.reasons.last?.text == "all of the agent is in use or offered")
    }

    @Test func agentsThatAreAway() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        cluster.disconnect(agent)
        #expect(try because(cluster, scheduler.id) == .agentDisconnected)
        cluster.pass(seconds: 100)
        #expect(try because(cluster, scheduler.id) == .agentUnreachable)
        let since = cluster.master.ledger.agents[try #require(agent.id)]?.sinceNanoseconds
        #expect(try verdict(cluster, scheduler.id).reasons[0].sinceNanoseconds == since)
        cluster.call(.markAgentGone(try #require(agent.id)))
        #expect(try because(cluster, scheduler.id) == .agentGone)
    }

    @Test func afterARestartAgentsAreAwaited() throws {
        let cluster = Cluster()
        try cluster.addAgent()
        let id = try cluster.subscribe(.test()).id
        cluster.restartMaster()
        #expect(try because(cluster, id) == .agentRecovering)
    }

    @Test func frameworksThatAreAway() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent()
        let agentID = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        let id = try scheduler.id
        try scheduler.accept([.launch(.test("t1", on: agentID))])
        scheduler.close()
        #expect(try because(cluster, id) == .frameworkDisconnected)
        let closed = cluster.master.frameworks[id]?.disconnectedNanoseconds
        #expect(try verdict(cluster, id).reasons.last?.sinceNanoseconds == closed)
        agent.ignoresShutdown = true
        cluster.call(.teardown(id))
        #expect(try because(cluster, id) == .frameworkRemoved)
    }

    @Test func filtersNameTheirOrigin() throws {
        let cluster = Cluster()
        let agent = try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        let id = try scheduler.id
        try scheduler.call(.decline(offers: [try scheduler.offer.id], refuseSeconds: 30))
        #expect(try because(cluster, id) == .filtered)
        var reason = try #require(try verdict(cluster, id).reasons.last)
        #expect(reason.origin == .decline)
        #expect(reason.until == cluster.now + .seconds(30))
        #expect(reason.refused == agent.base)
        try scheduler.call(.revive(roles: []))
        try scheduler.accept([], refuseSeconds: 40)
        reason = try #require(try verdict(cluster, id).reasons.last)
        #expect(reason.origin == .accept)
        cluster.pass(seconds: 41)
        // An operator's call takes a part of the offer; the rest stays with nobody for a while.
        #expect(
            cluster.operate(
                .reserve([Resource.scalar("cpus", 1).reserved(for: "x")], source: []),
                on: try #require(agent.id)) == .accepted)
        reason = try #require(try verdict(cluster, id).reasons.last)
        #expect(reason.code == .filtered)
        #expect(reason.origin == .rescind)
    }

    @Test func tooManyOffers() throws {
        var options = MasterOptions()
        options.limits.offersPerFramework = 1
        let cluster = Cluster(options: options)
        try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        let second = try cluster.addAgent()
        let id = try scheduler.id
        // The master could not make an offer of it, and tries again in a while.
        #expect(try because(cluster, id, agent: second) == .filtered)
        #expect(try verdict(cluster, id, agent: second).reasons.last?.origin == .unsent)
        let later = cluster.now + .seconds(6)
        let answer = try cluster.master.explainOffers(
            OfferQuestion(framework: id, role: "db", agent: second.id), at: later)
        #expect(answer.subjects[0].verdicts[0].outcome == .notOffered(.tooManyOffers))
    }

    @Test func whatWillBeOfferedIs() throws {
        let cluster = Cluster()
        try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        try scheduler.call(.decline(offers: [try scheduler.offer.id], refuseSeconds: 2))
        cluster.now = cluster.now + .seconds(2)
        #expect(try verdict(cluster, scheduler.id).outcome == .wouldBeOffered)
        cluster.pass(seconds: 0)
        #expect(try verdict(cluster, scheduler.id).outcome == .offered)
    }

    @Test func aRoleHasAllItsFrameworks() throws {
        var options = MasterOptions()
        options.limits.explainedAgents = 2
        let cluster = Cluster(options: options)
        for _ in 0..<3 { try cluster.addAgent() }
        let ids = try (0..<2).map { _ in try cluster.subscribe(.test()).id }
        let answer = try cluster.master.explainOffers(OfferQuestion(role: "db"), at: cluster.now)
        #expect(answer.subjects.map(\.framework) == ids.sorted())
        #expect(answer.subjects.map(\.verdicts.count) == [2, 2])
        #expect(answer.agentsLeftOut == 1)
    }

    @Test func questionsWithoutAnAnswerAreRefused() throws {
        let cluster = Cluster()
        try cluster.addAgent()
        let id = try cluster.subscribe(.test()).id
        let wrong: [(OfferQuestion, Refusal.Kind)] = [
            (OfferQuestion(), .invalid),
            (OfferQuestion(role: "a//b"), .invalid),
            (OfferQuestion(role: "nobody"), .notFound),
            (OfferQuestion(framework: FrameworkID("nobody")), .notFound),
            (OfferQuestion(framework: id, agent: AgentID("nobody")), .notFound),
        ]
        for (question, kind) in wrong {
            #expect {
                try cluster.master.explainOffers(question, at: cluster.now)
            } throws: { error in
                (error as? Refusal)?.kind == kind
            }
        }
        #expect(throws: Refusal.self) {
            try Master().explainOffers(OfferQuestion(framework: id), at: cluster.now)
        }
    }

    @Test func everyReasonHasATextAndACodeOfItsOwn() {
        let codes = OfferReason.Code.allCases
        #expect(Set(codes.map(\.rawValue)).count == codes.count)
        for code in codes {
            #expect(!OfferReason(code).text.isEmpty)
            #expect(code.rawValue.allSatisfy { $0.isUppercase || $0 == "_" })
        }
    }
}
