import ArgumentParser
import MesosAPI

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Ask why.",
        subcommands: [ExplainOffers.self, ExplainVolume.self])
}

struct ExplainOffers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offers",
        abstract: "Why is an agent offered to a framework, or not?",
        discussion: """
            For each agent the reasons in the order in which the allocator checks them, and what \
            comes of it. Nothing is changed.
            """)
    @OptionGroup var options: ClientOptions
    @Option(help: "The framework's id, or its name when only one has it.")
    var framework: String?
    @Option(help: "The role; without a framework, all that are subscribed to it.")
    var role: String?
    @Option(help: "One agent only.")
    var agent: String?

    func validate() throws {
        guard framework != nil || role != nil else {
            throw ValidationError("name a framework with --framework, a role with --role, or both")
        }
    }

    func run() async throws {
        let answer = try await withClient(options.master) { client in
            let id = try await frameworkID(client)
            return try await client.ask(.explainOffers) {
                if let id { $0.explainOffers.frameworkID.value = id }
                if let role { $0.explainOffers.role = role }
                if let agent { $0.explainOffers.agentID.value = agent }
            }
        }
        if options.json {
            print(jsonText(message: answer.explainOffers))
        } else {
            print(OffersText().text(answer.explainOffers))
        }
    }

    private func frameworkID(_ client: APIClient) async throws -> String? {
        guard let framework else { return nil }
        let known = try await client.ask(.getFrameworks).getFrameworks.frameworks
        if known.contains(where: { $0.frameworkInfo.id.value == framework }) { return framework }
        let named = known.filter { $0.frameworkInfo.name == framework }
        guard named.count < 2 else {
            throw CommandFailure(
                "\(named.count) frameworks have the name '\(framework)': use the id")
        }
        return named.first?.frameworkInfo.id.value ?? framework
    }
}

/// An explanation for people.
struct OffersText {
    private typealias Message = Mesos_V1_Master_Response.ExplainOffers
    private let paint = Paint()

    func text(_ answer: Mesos_V1_Master_Response.ExplainOffers) -> String {
        var lines: [String] = []
        for subject in answer.subjects {
            if !lines.isEmpty { lines.append("") }
            let name = subject.frameworkName.isEmpty ? "" : " (\(subject.frameworkName))"
            lines.append(
                paint("framework \(subject.frameworkID.value)\(name), role \(subject.role)", .bold))
            if subject.verdicts.isEmpty { lines.append("  there are no agents") }
            for verdict in subject.verdicts { lines += self.lines(verdict) }
        }
        if answer.agentsLeftOut > 0 {
            lines.append("... and \(answer.agentsLeftOut) more agents: name one with --agent")
        }
        if answer.subjectsLeftOut > 0 {
            lines.append(
                "... and \(answer.subjectsLeftOut) more: name a framework and a role")
        }
        return lines.joined(separator: "\n")
    }

    private func lines(_ verdict: Message.Verdict) -> [String] {
        let outcome =
            switch verdict.outcome {
            case "OFFERED": paint("offered", .green)
            case "WOULD_BE_OFFERED": paint("would be offered at the next pass", .green)
            default: paint("not offered because \(verdict.because)", .red)
            }
        let host = paint("(\(verdict.hostname))", .faint)
        var lines = ["  agent \(verdict.agentID.value) \(host): \(outcome)"]
        if !verdict.resources.isEmpty {
            lines.append("    " + resourcesText(verdict.resources))
        }
        for (index, reason) in verdict.reasons.enumerated() {
            let decides = index == verdict.reasons.count - 1 && verdict.hasBecause
            let code = paint(reason.code, decides ? .red : .yellow)
            lines.append("    \(index + 1). \(code): \(reason.text)\(moments(reason))")
            lines += reason.holders.map { "         " + holder($0) }
            lines += reason.rivals.map { "         " + rival($0) }
            if reason.leftOut > 0 { lines.append("         ... and \(reason.leftOut) more") }
        }
        return lines
    }

    private func moments(_ reason: Message.Reason) -> String {
        var text = ""
        if reason.hasSince {
            text += ", since \(momentText(nanoseconds: reason.since.nanoseconds))"
        }
        if reason.hasUntil {
            text += ", until \(momentText(nanoseconds: reason.until.nanoseconds))"
        }
        return text
    }

    private func holder(_ holder: Message.Holder) -> String {
        let since =
            holder.hasSince ? " since \(momentText(nanoseconds: holder.since.nanoseconds))" : ""
        let by = holder.hasOfferID ? "offer \(holder.offerID.value) to" : "tasks of"
        return "\(by) \(holder.frameworkID.value) (\(holder.role))\(since): "
            + resourcesText(holder.resources)
    }

    private func rival(_ rival: Message.Rival) -> String {
        "\(rival.frameworkID.value) (\(rival.role)), share \(percent(rival.share)) against "
            + "\(percent(rival.ownShare)): " + resourcesText(rival.resources)
    }

    private func percent(_ share: Double) -> String {
        Table.Value.number((share * 1000).rounded() / 10).cell + " %"
    }
}
