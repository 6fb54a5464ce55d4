import MesosAPI

/// The answer to a what-if, for people.
struct PredictionText {
    private typealias Message = Mesos_V1_Master_Response.WhatIf
    private let paint = Paint()

    func text(_ answer: Mesos_V1_Master_Response.WhatIf) -> String {
        var lines = [verdict(answer)]
        if !answer.consumed.isEmpty || !answer.converted.isEmpty {
            lines.append("  consumed   " + resourcesText(answer.consumed))
            lines.append("  converted  " + resourcesText(answer.converted))
        }
        for offer in answer.rescindedOffers {
            lines.append(
                "  \(paint("rescinds", .yellow)) offer \(offer.offerID.value) to "
                    + "\(offer.frameworkID.value) (\(offer.role)): "
                    + resourcesText(offer.resources))
        }
        lines += answer.nextOffers.map(next)
        if answer.accepted, !answer.idleResources.isEmpty {
            lines.append(
                "  \(paint("idle", .yellow)) afterwards: " + resourcesText(answer.idleResources))
        }
        if !answer.totalResources.isEmpty {
            lines.append("  the agent then has " + resourcesText(answer.totalResources))
        }
        if answer.hasDrain { lines += self.lines(answer.drain) }
        if answer.leftOut > 0 { lines.append("  ... and \(answer.leftOut) more items") }
        return lines.joined(separator: "\n")
    }

    private func verdict(_ answer: Message) -> String {
        if answer.hasDrain { return paint("only a report", .yellow) + ": \(answer.text)" }
        return answer.accepted
            ? paint("would be accepted", .green) + " (\(answer.status)): \(answer.text)"
            : paint("would be refused", .red) + " (\(answer.status)): \(answer.text)"
    }

    private func next(_ offer: Message.NextOffer) -> String {
        let seconds = (offer.afterSeconds * 10).rounded(.up) / 10
        let time =
            offer.afterSeconds == 0
            ? "at once" : "in \(Table.Value.number(seconds).cell) s, when filters have ended,"
        return "  then \(time) \(paint("offered", .green)) to \(offer.frameworkID.value) "
            + "(\(offer.role)): " + resourcesText(offer.resources)
    }

    private func lines(_ drain: Message.Drain) -> [String] {
        var lines = ["  tasks that would be killed: \(drain.tasks.count)"]
        for task in drain.tasks {
            let kind = task.stateful ? paint("stateful", .red) : "stateless"
            let place =
                task.hasFitsOn
                ? "fits on \(task.fitsOn.value)" : paint("fits nowhere else now", .red)
            let framework =
                task.frameworkName.isEmpty ? task.frameworkID.value : task.frameworkName
            lines.append(
                "    \(task.taskID.value) of \(framework), \(kind), \(place): "
                    + resourcesText(task.resources))
        }
        lines.append("  volumes that stay behind: \(drain.volumes.count)")
        for volume in drain.volumes {
            let holder = volume.hasTaskID ? "held by \(volume.taskID.value)" : "idle"
            lines.append(
                "    \(volume.uuid) \(resourcesText([volume.resource])), \(holder)")
        }
        let reserved = drain.reservations
        lines.append(
            "  reservations that stay behind: "
                + (reserved.isEmpty ? "none" : resourcesText(reserved)))
        return lines
    }
}
