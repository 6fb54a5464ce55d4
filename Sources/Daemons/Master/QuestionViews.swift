import MachineCore
import MasterCore
import MesosAPI
import Model
import Wire

/// Answers the operator API's questions about what the master would decide: EXPLAIN_OFFERS and
/// WHAT_IF. They change nothing; a question that can't be answered is refused.
struct QuestionViews: Sendable {
    func serves(_ type: Mesos_V1_Master_Call.TypeEnum) -> Bool {
        switch type {
        case .explainOffers, .whatIf: true
        default: false
        }
    }

    func response(
        _ call: Mesos_V1_Master_Call, _ master: Master, _ now: Instant
    ) throws(Refusal) -> Mesos_V1_Master_Response {
        var response = Mesos_V1_Master_Response()
        let form = AnswerForm(bound: master.options.limits.explainedItems)
        if call.type == .explainOffers {
            let body = call.explainOffers
            let question = OfferQuestion(
                framework: body.hasFrameworkID ? FrameworkID(body.frameworkID.value) : nil,
                role: body.hasRole ? body.role : nil,
                agent: body.hasAgentID ? AgentID(body.agentID.value) : nil)
            response.type = .explainOffers
            response.explainOffers = form.message(try master.explainOffers(question, at: now))
        } else {
            response.type = .whatIf
            response.whatIf = try whatIf(call.whatIf.call, master, now, form)
        }
        return response
    }

    private func whatIf(
        _ call: Mesos_V1_Master_Call, _ master: Master, _ now: Instant, _ form: AnswerForm
    ) throws(Refusal) -> Mesos_V1_Master_Response.WhatIf {
        if call.type == .drainAgent {
            let id = AgentID(call.drainAgent.agentID.value)
            return form.message(try master.drainReport(of: id))
        }
        do throws(Refusal) {
            try call.validate()
            guard let question = try OperatorCalls.read(call), let agent = question.agent else {
                throw Refusal(.invalid, "'what_if' has no body")
            }
            return form.message(master.whatIf(question, on: agent, principal: nil, at: now))
        } catch {
            // What the call itself would be refused with before the master sees it.
            return form.message(error)
        }
    }
}

/// Renders answers to questions; of each list at most `bound` items.
struct AnswerForm: Sendable {
    let bound: Int

    /// A list of resources, and how many are left out.
    func list(_ resources: Resources) -> (list: [Mesos_V1_Resource], leftOut: UInt64) {
        guard resources.count > bound else {
            return (Mesos_V1_Resource.list(resources, form: .postRefinement), 0)
        }
        let shown = Resources(resources.prefix(bound))
        return (
            Mesos_V1_Resource.list(shown, form: .postRefinement), UInt64(resources.count - bound)
        )
    }

    /// The items that there is room for, and how many are left out.
    func bounded<Item>(_ items: [Item]) -> (ArraySlice<Item>, leftOut: UInt64) {
        (items.prefix(bound), UInt64(max(0, items.count - bound)))
    }
}

extension OperatorCall {
    /// The agent whose books the call asks to change; nil: it is no call of that kind.
    fileprivate var agent: AgentID? {
        switch self {
        case .apply(_, let agent, _), .transact(_, let agent): agent
        case .renewLeases, .teardown, .markAgentGone, .killTask, .lifecycle, .forgetVolume: nil
        }
    }
}
