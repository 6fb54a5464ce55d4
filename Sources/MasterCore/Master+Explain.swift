import AllocatorCore
package import MachineCore
package import Model
import OrderedCollections

// Why agents are offered or not. The allocator tells it by playing its next pass; what is added
// here is what it does not know: names, offers, and agents that are away. Nothing is changed.

extension Master {
    /// Throws `invalid` for a question without meaning, `notFound` for what is not known.
    package func explainOffers(
        _ question: OfferQuestion, at now: Instant
    ) throws(Refusal) -> OfferExplanation {
        guard isStarted else {
            throw Refusal(.unavailable, "the master has not recovered yet")
        }
        var answer = OfferExplanation()
        let subjects = try subjects(of: question)
        let limits = options.limits
        let chosen = Array(subjects.prefix(limits.explainedSubjects))
        answer.subjectsLeftOut = subjects.count - chosen.count
        let rows = try rows(of: question)
        let room = min(limits.explainedAgents, limits.explainedVerdicts / max(1, chosen.count))
        answer.agentsLeftOut = max(0, rows.count - room)
        let listed = rows.prefix(room)
        let forecast = OfferForecast(
            allocator, subjects: chosen, agents: listed.map(\.id), at: now)
        let deliverable = deliverable(forecast)
        for subject in chosen {
            var part = OfferExplanation.Subject(
                framework: subject.framework,
                frameworkName: frameworks[subject.framework]?.description.name ?? "",
                role: subject.role)
            for row in listed {
                let canDeliver = deliverable.contains(Delivery(subject: subject, agent: row.id))
                part.verdicts.append(
                    verdict(subject, row, forecast, canDeliver: canDeliver))
            }
            answer.subjects.append(part)
        }
        return answer
    }

    // MARK: what is asked

    private func subjects(of question: OfferQuestion) throws(Refusal) -> [OfferForecast.Subject] {
        if let role = question.role { try Role.validate(role) }
        guard let id = question.framework else {
            guard let role = question.role else {
                throw Refusal(.invalid, "name a framework, a role, or both")
            }
            let subscribed = allocator.frameworks(in: role)
            guard !subscribed.isEmpty else {
                throw Refusal(.notFound, "no framework is subscribed to role '\(role)'")
            }
            return subscribed.map { OfferForecast.Subject(framework: $0, role: role) }
        }
        guard let framework = frameworks[id] else {
            throw Refusal(.notFound, "framework '\(id)' is not known, or has ended")
        }
        let roles = question.role.map { [$0] } ?? framework.description.roles.sorted()
        return roles.map { OfferForecast.Subject(framework: id, role: $0) }
    }

    /// Those that take part first, gone ones last.
    private func rows(of question: OfferQuestion) throws(Refusal) -> [AgentRow] {
        guard let id = question.agent else {
            let all = ledger.agents.values
            return [AgentRow.Standing.admitted, .unreachable, .gone].flatMap { standing in
                all.filter { $0.standing == standing }
            }
        }
        guard let row = ledger.agents[id] else {
            throw Refusal(.notFound, "agent '\(id)' is not registered")
        }
        return [row]
    }

    // MARK: what is answered

    private struct Delivery: Hashable {
        let subject: OfferForecast.Subject
        let agent: AgentID
    }

    /// The allocations of the next pass of which this master can make offers.
    private func deliverable(_ forecast: OfferForecast) -> Set<Delivery> {
        var found: Set<Delivery> = []
        var counts: [FrameworkID: Int] = [:]
        for allocation in forecast.allocations {
            let earlier = counts[allocation.framework] ?? 0
            guard let framework = frameworks[allocation.framework],
                canOffer(framework, after: earlier)
            else { continue }
            counts[allocation.framework] = earlier + 1
            let subject = OfferForecast.Subject(
                framework: allocation.framework, role: allocation.role)
            found.insert(Delivery(subject: subject, agent: allocation.agent))
        }
        return found
    }

    private func verdict(
        _ subject: OfferForecast.Subject, _ row: AgentRow, _ forecast: OfferForecast,
        canDeliver: Bool
    ) -> OfferExplanation.Verdict {
        func result(
            _ outcome: OfferExplanation.Outcome, _ reasons: [OfferReason],
            _ resources: Resources = Resources()
        ) -> OfferExplanation.Verdict {
            OfferExplanation.Verdict(
                agent: row.id, hostname: row.description.hostname, outcome: outcome,
                resources: resources, reasons: reasons)
        }
        if let absence = absence(of: subject, row) {
            return result(.notOffered(absence.code), [absence])
        }
        let outlook = forecast.outlook(subject, row.id)
        var reasons = outlook.reasons.compactMap { named($0, on: row.id, for: subject) }
        let open = openOffers(of: row.id, for: subject)
        if !open.isEmpty {
            var resources = Resources()
            for offer in open { resources.add(offer.resources.allocated(to: nil)) }
            reasons.insert(OfferReason(offers: open), at: 0)
            return result(.offered, reasons, resources)
        }
        guard let offered = outlook.offered else {
            return result(.notOffered(outlook.reasons.last?.code ?? .nothingLeft), reasons)
        }
        guard canDeliver else {
            var reason = OfferReason(.tooManyOffers)
            reason.limit = options.limits.offersPerFramework
            return result(.notOffered(reason.code), reasons + [reason])
        }
        return result(.wouldBeOffered, reasons, offered.allocated(to: nil))
    }

    /// Why the allocator is not even asked: the framework ends, or the agent is away.
    private func absence(of subject: OfferForecast.Subject, _ row: AgentRow) -> OfferReason? {
        func reason(_ code: OfferReason.Code, since: Int64?) -> OfferReason {
            var reason = OfferReason(code)
            reason.sinceNanoseconds = since
            return reason
        }
        let framework = frameworks[subject.framework]
        if framework?.isEnding == true {
            return reason(.frameworkRemoved, since: framework?.disconnectedNanoseconds)
        }
        switch row.standing {
        case .gone: return reason(.agentGone, since: row.sinceNanoseconds)
        case .unreachable: return reason(.agentUnreachable, since: row.sinceNanoseconds)
        case .admitted:
            guard agents[row.id]?.isRegistered == true else {
                return reason(.agentRecovering, since: nil)
            }
            return nil
        }
    }

    private func openOffers(of agent: AgentID, for subject: OfferForecast.Subject) -> [Offer] {
        (agents[agent]?.offers ?? []).sorted().compactMap { offers[$0] }
            .filter { $0.framework == subject.framework && $0.role == subject.role }
    }

    /// The same reason with what the allocator does not know; nil: it only tells of the subject's
    /// own offers, which have a reason of their own.
    private func named(
        _ reason: OfferReason, on agent: AgentID, for subject: OfferForecast.Subject
    ) -> OfferReason? {
        var named = reason
        if reason.code == .frameworkDisconnected {
            named.sinceNanoseconds = frameworks[subject.framework]?.disconnectedNanoseconds
        }
        guard !reason.holders.isEmpty else { return named }
        named.holders = reason.holders.flatMap { split($0, on: agent, for: subject) }
        return named.holders.isEmpty ? nil : named
    }

    /// A holder by its offers and the rest, which tasks and executors hold.
    private func split(
        _ holder: OfferReason.Holder, on agent: AgentID, for subject: OfferForecast.Subject
    ) -> [OfferReason.Holder] {
        let place = OfferForecast.Subject(framework: holder.framework, role: holder.role)
        var rest = holder
        var parts: [OfferReason.Holder] = []
        for offer in openOffers(of: agent, for: place) {
            let resources = offer.resources.allocated(to: nil)
            rest.resources.subtract(resources)
            guard place != subject else { continue }
            var part = holder
            part.resources = resources
            part.offer = offer.id
            part.sinceNanoseconds = offer.createdNanoseconds
            parts.append(part)
        }
        if !rest.resources.isEmpty { parts.insert(rest, at: 0) }
        return parts
    }
}

extension OfferReason {
    /// That there are offers already.
    fileprivate init(offers: [Offer]) {
        self.init(.alreadyOffered)
        holders = offers.map { offer in
            var holder = Holder(
                framework: offer.framework, role: offer.role,
                resources: offer.resources.allocated(to: nil))
            holder.offer = offer.id
            holder.sinceNanoseconds = offer.createdNanoseconds
            return holder
        }
    }
}
