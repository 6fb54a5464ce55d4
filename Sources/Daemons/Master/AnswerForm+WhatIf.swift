import MasterCore
import MesosAPI
import Model
import Wire

private typealias Message = Mesos_V1_Master_Response.WhatIf

extension AnswerForm {
    /// A call that would be refused.
    func message(_ refusal: Refusal) -> Mesos_V1_Master_Response.WhatIf {
        let form = ErrorForm(refusal)
        var message = Message()
        message.accepted = false
        message.status = UInt32(form.status)
        message.text = form.text
        return message
    }

    func message(_ prediction: Prediction) -> Mesos_V1_Master_Response.WhatIf {
        var leftOut: UInt64 = 0
        func fill(_ resources: Resources) -> [Mesos_V1_Resource] {
            let (list, rest) = list(resources)
            leftOut += rest
            return list
        }
        var message = Message()
        if let refusal = prediction.refusal {
            message = self.message(refusal)
        } else {
            message.accepted = true
            message.status = 202
            message.text = text(prediction)
        }
        message.consumed = fill(prediction.conversion.consumed)
        message.converted = fill(prediction.conversion.converted)
        let rescinded = bounded(prediction.rescinded)
        message.rescindedOffers = rescinded.0.map(self.rescinded)
        let next = bounded(prediction.nextOffers)
        message.nextOffers = next.0.map { offer in
            var part = Message.NextOffer()
            part.frameworkID.value = offer.framework.value
            part.role = offer.role
            part.agentID.value = offer.agent.value
            part.resources = fill(offer.resources)
            part.afterSeconds = Double(offer.afterNanoseconds) / 1e9
            return part
        }
        message.totalResources = fill(prediction.total)
        message.idleResources = fill(prediction.idle)
        leftOut += rescinded.leftOut + next.leftOut
        if leftOut > 0 { message.leftOut = leftOut }
        return message
    }

    private func text(_ prediction: Prediction) -> String {
        if prediction.isImmediate {
            return "the call would be answered at once: no agent has anything to do"
        }
        return prediction.isAgentConnected
            ? "the agent would be told; the call is answered when the agent has done it"
            : "the agent is not connected: the call would be answered as pending"
    }

    func message(_ report: DrainReport) -> Mesos_V1_Master_Response.WhatIf {
        var message = Message()
        message.accepted = false
        message.status = UInt32(ErrorForm.notImplemented.status)
        message.text =
            "this master does not serve DRAIN_AGENT: nothing would be moved. This is what the agent"
            + " runs and holds now"
        let rescinded = bounded(report.rescinded)
        message.rescindedOffers = rescinded.0.map(self.rescinded)
        message.drain.tasks = report.tasks.map { task in
            var part = Message.DrainedTask()
            part.frameworkID.value = task.key.framework.value
            part.frameworkName = task.frameworkName
            part.taskID.value = task.key.task.value
            part.name = task.name
            part.resources = list(task.resources).list
            part.stateful = task.isStateful
            if let agent = task.fitsOn { part.fitsOn.value = agent.value }
            return part
        }
        message.drain.volumes = report.volumes.map { volume in
            var part = Message.DrainedVolume()
            part.uuid = volume.description.uuid.value
            part.resource = Mesos_V1_Resource(volume.description.resource, form: .postRefinement)
            if let holder = volume.holder { part.taskID.value = holder.task.value }
            return part
        }
        let reservations = list(report.reservations)
        message.drain.reservations = reservations.list
        let leftOut = UInt64(report.leftOut) + rescinded.leftOut + reservations.leftOut
        if leftOut > 0 { message.leftOut = leftOut }
        return message
    }

    private func rescinded(_ offer: Offer) -> Message.RescindedOffer {
        var part = Message.RescindedOffer()
        part.offerID.value = offer.id.value
        part.frameworkID.value = offer.framework.value
        part.role = offer.role
        part.resources = list(offer.resources.allocated(to: nil)).list
        return part
    }
}
