import AllocatorCore
import MachineCore
import MasterCore
import MesosAPI
import Model
import Wire

private typealias Message = Mesos_V1_Master_Response.ExplainOffers

extension AnswerForm {
    func message(_ answer: OfferExplanation) -> Mesos_V1_Master_Response.ExplainOffers {
        var message = Message()
        message.subjects = answer.subjects.map { subject in
            var part = Message.Subject()
            part.frameworkID.value = subject.framework.value
            part.frameworkName = subject.frameworkName
            part.role = subject.role
            part.verdicts = subject.verdicts.map(verdict)
            return part
        }
        if answer.subjectsLeftOut > 0 {
            message.subjectsLeftOut = UInt64(answer.subjectsLeftOut)
        }
        if answer.agentsLeftOut > 0 { message.agentsLeftOut = UInt64(answer.agentsLeftOut) }
        return message
    }

    private func verdict(_ verdict: OfferExplanation.Verdict) -> Message.Verdict {
        var message = Message.Verdict()
        message.agentID.value = verdict.agent.value
        message.hostname = verdict.hostname
        switch verdict.outcome {
        case .offered: message.outcome = "OFFERED"
        case .wouldBeOffered: message.outcome = "WOULD_BE_OFFERED"
        case .notOffered(let code):
            message.outcome = "NOT_OFFERED"
            message.because = code.rawValue
        }
        let resources = list(verdict.resources)
        message.resources = resources.list
        if resources.leftOut > 0 { message.leftOut = resources.leftOut }
        message.reasons = verdict.reasons.map(reason)
        return message
    }

    private func reason(_ reason: OfferReason) -> Message.Reason {
        var message = Message.Reason()
        message.code = reason.code.rawValue
        message.text = reason.text
        let resources = list(reason.resources)
        message.resources = resources.list
        let holders = bounded(reason.holders)
        message.holders = holders.0.map(holder)
        let rivals = bounded(reason.rivals)
        message.rivals = rivals.0.map(rival)
        let refused = list(reason.refused)
        message.refused = refused.list
        if let since = reason.sinceNanoseconds { message.since.nanoseconds = since }
        if let until = reason.until { message.until.nanoseconds = until.nanoseconds }
        if let origin = reason.origin { message.origin = origin.rawValue }
        if reason.capability != nil { message.capability = reason.capabilityName }
        message.minimum = reason.minimum.map(\.text)
        if let limit = reason.limit { message.limit = UInt64(limit) }
        let leftOut = resources.leftOut + holders.leftOut + rivals.leftOut + refused.leftOut
        if leftOut > 0 { message.leftOut = leftOut }
        return message
    }

    private func holder(_ holder: OfferReason.Holder) -> Message.Holder {
        var message = Message.Holder()
        message.frameworkID.value = holder.framework.value
        message.role = holder.role
        message.resources = list(holder.resources).list
        if let offer = holder.offer { message.offerID.value = offer.value }
        if let since = holder.sinceNanoseconds { message.since.nanoseconds = since }
        return message
    }

    private func rival(_ rival: OfferReason.Rival) -> Message.Rival {
        var message = Message.Rival()
        message.frameworkID.value = rival.framework.value
        message.role = rival.role
        message.share = share(rival.share)
        message.ownShare = share(rival.ownShare)
        message.resources = list(rival.resources).list
        return message
    }

    /// The allocator counts in 2^-40 of the cluster.
    private func share(_ share: UInt64) -> Double { Double(share) / Double(UInt64(1) << 40) }
}
