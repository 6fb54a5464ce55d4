import Model
import Testing

/// Replays what a real Mesos 1.11 answered against the model alone: same status, same books.
@Suite struct ConformanceTests {
    static let sequences = "conformance/operator-sequences.json"
    static let volumes = "reference/transcripts/03_master_v1_operator_volumes.json"
    static let statics = "reference/transcripts/18_static_reservations.json"

    /// One agent's books, and what a call does to them.
    struct Agent {
        var books: Resources

        /// The status as Mesos gives it, with the reason of a refusal.
        mutating func call(_ type: String, _ body: JSON) -> (status: Int, reason: String) {
            do {
                guard let kind = try OfferOperation.Kind(type, body) else { return (0, type) }
                try kind.validate(by: .operator(principal: nil))
                let resolved = kind.resolved(in: books)
                try resolved.check(against: books)
                let conversion = try resolved.conversion()
                guard conversion.isConserving else { return (0, "not conserving") }
                try books.apply(conversion)
                return (202, "")
            } catch {
                let status: Int =
                    switch error.kind {
                    case .invalid: 400
                    case .conflict: 409
                    case .forbidden, .notFound, .tooLarge, .unavailable: 0
                    }
                return (status, error.message)
            }
        }
    }

    /// As `random_ops.py` writes books down, amounts as texts.
    static func canonical(_ resources: some Sequence<Resource>) -> [String: String] {
        var result: [String: String] = [:]
        for resource in resources {
            let stack = resource.reservations.map { reservation in
                [
                    reservation.kind == .dynamic ? "DYNAMIC" : "STATIC", reservation.role,
                    reservation.principal ?? "-",
                    reservation.labels.sorted.map { "\($0.key)=\($0.value ?? "")" }
                        .joined(separator: ","),
                ].joined(separator: ":")
            }
            let key = [
                resource.name, "[" + stack.joined(separator: "|") + "]",
                resource.disk?.persistence?.id ?? "",
                resource.disk?.volume?.containerPath ?? "",
                resource.isShared ? "shared" : "",
            ]
            // Disks of several sources look alike in this form.
            let source = resource.disk?.source?.root ?? ""
            result[key.joined(separator: " ") + source] = resource.value.text
        }
        return result
    }

    static func canonical(_ state: JSON) throws -> [String: String] {
        try state.object.mapValues { value in
            if let number = value.number { return try #require(Amount(number)).text }
            let intervals = value.list.map { interval in
                UInt64(interval[0].number ?? 0)...UInt64(interval[1].number ?? 0)
            }
            return ResourceValue.ranges(try #require(Ranges(disjoint: intervals))).text
        }
    }

    @Test(.enabled(if: Recorded.has(sequences)), arguments: ["101", "102", "103", "104"])
    func recordedSequences(seed: String) throws {
        let types = [
            "reserve": "RESERVE_RESOURCES", "unreserve": "UNRESERVE_RESOURCES",
            "create": "CREATE_VOLUMES", "destroy": "DESTROY_VOLUMES", "grow": "GROW_VOLUME",
            "shrink": "SHRINK_VOLUME",
        ]
        let fresh = try Resources.parse(text: "cpus:8;mem:8192;disk:10240;ports:[31000-32000]")
        var agent = Agent(books: fresh)
        let steps = try Recorded.json(Self.sequences)[seed].list
        #expect(steps.count == 120)
        for (number, step) in steps.enumerated() {
            let type = try #require(step[0].text)
            var body = step[1]
            if !["grow", "shrink"].contains(type) {
                body = JSON(["resources": body.value, "volumes": body.value])
            }
            let answer = agent.call(types[type] ?? type, body)
            let wanted = step[2].number.map { Int($0) }
            try #require(
                answer.status == wanted, "step \(number) \(type): \(answer.reason)")
            try #require(
                try Self.canonical(agent.books) == Self.canonical(step[3]), "step \(number)")
            #expect(agent.books.checkAgentInvariants() == [])
            #expect(agent.books.bare == fresh)
        }
    }

    @Test(.enabled(if: Recorded.has(volumes)), arguments: [volumes, statics])
    func transcripts(path: String) throws {
        var agent: Agent?
        var id: String?
        var calls = 0
        for exchange in try Recorded.json(path)["exchanges"].list {
            let name = exchange["name"].text ?? ""
            let request = exchange["request"]["body"]["json"]
            let type = request["type"].text ?? ""
            let response = exchange["response"]
            if type == "GET_AGENTS" {
                let described = response["body"]["json"]["get_agents"]["agents"][0]
                let total = try described["total_resources"].list.map { try Resource($0) }
                id = described["agent_info"]["id"]["value"].text
                agent = agent ?? Agent(books: Resources(total))
                #expect(agent?.books == Resources(total), "\(name)")
                #expect(
                    Self.canonical(agent?.books ?? Resources()) == Self.canonical(total), "\(name)")
                continue
            }
            let body = request[type.lowercased()]
            guard agent != nil, body["agent_id"]["value"].text == id, body.isPresent else {
                continue
            }
            guard let answer = agent?.call(type, body), answer.status != 0 else { continue }
            let recorded = response["body"]["text"].text ?? ""
            calls += 1
            #expect(
                answer.status == response["status"].number.map { Int($0) },
                "\(name): \(answer.reason); recorded: \(recorded)")
            if answer.status == 400 { checkReason(answer.reason, recorded, name) }
            #expect(agent?.books.checkAgentInvariants() == [], "\(name)")
        }
        #expect(calls > 3)
    }

    /// Mesos's text without its prefixes ends ours, but where its own misleads.
    private func checkReason(_ reason: String, _ recorded: String, _ name: String) {
        let misleading = [
            "multiple resource providers", "Failed to convert JSON", "resource format",
        ]
        if misleading.contains(where: { recorded.contains($0) }) { return }
        var wanted = Substring(recorded)
        for prefix in [
            ": Resource '", ": Invalid resources: ", "Failed to validate master::Call: ",
        ] {
            if let range = wanted.firstRange(of: prefix) {
                wanted = wanted[range.upperBound...]
            }
        }
        if wanted.hasPrefix("Invalid "), let range = wanted.firstRange(of: "localhost): ") {
            wanted = wanted[range.upperBound...]
        } else if let range = wanted.firstRange(of: " operation: ") {
            wanted = wanted[range.upperBound...]
        }
        #expect(reason.hasSuffix(wanted), "\(name): \(reason); recorded: \(recorded)")
    }
}
