import Foundation
import Model
import Testing

@testable import MasterCore

/// Each operation with each refusal of its rules, by an operator and by a framework: the status,
/// what is told, and that nothing was changed. A rule that no row of the table meets fails, too.
@Suite struct RefusalTableTests {
    private let cluster = Cluster()
    private let agent: FakeAgent
    private let id: AgentID
    private let scheduler: FakeScheduler

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        scheduler = cluster.subscribe(.test())
        let volumes = [
            disk(60).volume("v"), disk(20).volume("s", isShared: true), disk(30).volume("u"),
        ]
        try scheduler.acceptAll([
            OfferOperation(.reserve([disk(300)], source: [])), OfferOperation(.create(volumes)),
            .launch(.test("holder", on: id, [.scalar("cpus", 1), volumes[2]])),
        ])
        #expect(cluster.master.volumeRows.count == 3)
        #expect(agent.tasks.count == 1)
    }

    private struct Books: Equatable {
        let total: Resources?
        let confirmed: Resources
        let onAgent: Resources
        let volumes: [VolumeRow]
        let pending: Int
    }

    private var books: Books {
        Books(
            total: cluster.master.agentView(id)?.total,
            confirmed: cluster.master.ledger.confirmed(id), onAgent: agent.total,
            volumes: cluster.master.volumeRows, pending: cluster.master.pendingOperations.count)
    }

    @Test func operatorsAreRefused() throws {
        let before = books
        for row in RefusalTable.rows where row.callers.contains(.operator) {
            let answer = cluster.operate(row.kind, on: id, principal: row.principal)
            let refusal = try #require(answer?.refusal, "\(row.text): \(answer as Any)")
            #expect(refusal.kind == row.status, "\(refusal)")
            #expect(refusal.message.contains(row.text), "\(refusal.message)")
            #expect(books == before, "\(row.text) has changed something")
        }
    }

    @Test func frameworksAreRefused() throws {
        let before = books
        for (number, row) in RefusalTable.rows.enumerated()
        where row.callers.contains(.framework) {
            let name = OperationID("op-\(number)")
            try scheduler.acceptAll([OfferOperation(id: name, row.kind)])
            let status = try #require(
                scheduler.statuses.last { $0.operation == name }, "\(row.text): no answer")
            #expect(status.state == .error && status.uuid == nil, "\(row.text): \(status)")
            let message = try #require(status.message)
            #expect(message.contains(row.text), "\(message)")
            #expect(books == before, "\(row.text) has changed something")
        }
        #expect(scheduler.offered().contains(disk(190)))
    }

    @Test func aFrameworkNeedsTheCapabilities() throws {
        scheduler.close()
        let limited: FrameworkDescription.Capabilities = [.multiRole, .partitionAware]
        let shared = cluster.subscribe(.test(capabilities: limited))
        try shared.acceptAll([
            OfferOperation(
                id: OperationID("shared"), .create([disk(1).volume("w", isShared: true)]))
        ])
        #expect(shared.statuses.last?.message?.contains("SHARED_RESOURCES") == true)
        shared.close()
        let refined = cluster.subscribe(.test(roles: ["db/x"], capabilities: limited))
        try refined.acceptAll([
            OfferOperation(
                id: OperationID("refined"),
                .reserve([disk(1).reserved(for: "db/x")], source: []))
        ])
        let message = refined.statuses.last?.message
        #expect(message?.contains("RESERVATION_REFINEMENT") == true, "\(message ?? "none")")
    }

    /// The rules' texts, from their sources: each is what some row expects.
    @Test func everyRuleIsMet() throws {
        // Met by `aFrameworkNeedsTheCapabilities`, or by no request: offers of a role that a
        // framework has given up are rescinded, and launches are refused before they convert.
        let elsewhere = [
            "SHARED_RESOURCES capability", "RESERVATION_REFINEMENT capability",
            "its own roles", "a launch converts no resources",
        ]
        let texts = RefusalTable.rows.map(\.text) + elsewhere
        let files = [
            "OperationValidation", "ReserveValidation", "OperationCheck", "OperationConversion",
            "ResourceValidation", "Role",
        ]
        var count = 0
        for file in files {
            for rule in try Self.refusals(in: "Sources/Model/\(file).swift") {
                count += 1
                let isMet = texts.contains { text in
                    rule.contains { $0.contains(text) || $0.count > 12 && text.contains($0) }
                }
                #expect(isMet, "no row expects '\(rule.joined(separator: "..."))' of \(file)")
            }
        }
        #expect(count > 50, "only \(count) rules were found")
    }

    /// The constant parts of each refusal's text.
    private static func refusals(in path: String) throws -> [[String]] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let source = try String(contentsOf: root.appending(path: path), encoding: .utf8)
        var found: [[String]] = []
        for piece in source.components(separatedBy: "Refusal(").dropFirst() {
            guard piece.drop(while: \.isWhitespace).first == "." else { continue }
            let parts = constants(of: piece)
            // What only wraps another refusal's text is no rule.
            if parts.contains(where: { $0.count > 12 }) { found.append(parts) }
        }
        return found
    }

    /// The text of the literals up to the call's end, cut at interpolations.
    private static func constants(of call: String) -> [String] {
        var parts = [""]
        var depth = 1
        var isInText = false
        var previous: Character = " "
        var interpolation = 0
        for letter in call {
            defer { previous = letter }
            if interpolation > 0 {
                if letter == "(" { interpolation += 1 }
                if letter == ")" { interpolation -= 1 }
            } else if isInText {
                if letter == "(", previous == "\\" {
                    parts[parts.count - 1].removeLast()
                    parts.append("")
                    interpolation = 1
                } else if letter == "\"", previous != "\\" {
                    isInText = false
                } else {
                    parts[parts.count - 1].append(letter)
                }
            } else if letter == "\"" {
                isInText = true
            } else if letter == "(" {
                depth += 1
            } else if letter == ")" {
                depth -= 1
                if depth == 0 { break }
            }
        }
        return parts.map { $0.replacing("\\\"", with: "\"") }
    }
}
