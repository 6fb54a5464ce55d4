import Foundation
import MachineCore
import Model
import Testing

@testable import AgentCore

/// Each reason for which the agent's books refuse an operation: the operation fails with it, no
/// work on volumes begins, and the books are as they were. A reason that no row meets fails, too.
@Suite struct RefusalTableTests {
    private struct Row {
        let text: String
        let type: OperationType
        let conversion: ResourceConversion
        var changes: [VolumeChange] = []

        init(
            _ text: String, _ type: OperationType, _ consumed: [Resource],
            _ converted: [Resource], _ changes: [VolumeChange] = []
        ) {
            self.text = text
            self.type = type
            conversion = ResourceConversion(
                consumed: Resources(consumed), converted: Resources(converted))
            self.changes = changes
        }
    }

    private static let disk = Resource.disk(100)
    /// `v` is there and idle, `u` is a task's; what is not there is `w`.
    private static let v = Resource.volume("v", 100)
    private static let u = Resource.volume("u", 100)
    private static let w = Resource.volume("w", 100)

    private static let rows: [Row] = [
        Row("would make or lose resources", .reserve, [.disk(1)], [.disk(2)]),
        Row(
            "is not among the agent's resources", .reserve, [.disk(20_000)],
            [.disk(20_000).reserved]),
        Row(
            "is not among the agent's resources", .destroy, [w], [disk.reserved],
            [.destroy(VolumeUUID("w"))]),
        Row("is in use", .destroy, [u], [disk.reserved], [.destroy(VolumeUUID("u"))]),
        Row(
            "exists already", .create, [disk.reserved], [v],
            [.create(.example("v", v))]),
        Row(
            "is not what the operation makes", .create, [disk.reserved], [w],
            [.create(.example("w", .volume("x", 100)))]),
        Row(
            "is not what the operation takes", .destroy, [v], [disk.reserved],
            [.destroy(VolumeUUID("w"))]),
        Row(
            "is not what the operation resizes", .grow, [disk], [disk.reserved],
            [.resize(VolumeUUID("v"), to: .zero)]),
        Row("changes a volume that it does not name", .destroy, [v], [disk.reserved]),
    ]

    /// Met by other tests, for they need an agent with few volumes, little space, or a report.
    private static let elsewhere = [
        "an agent has at most", "the disk of the agent's work directory is nearly full",
        "is in use and does not grow while mounted",
    ]

    @Test func eachRefusalChangesNothing() {
        var harness = Harness()
        _ = harness.makeVolume("v")
        _ = harness.run(.example("t", [.cpus(1), harness.makeVolume("u")]))
        harness.hear(
            .applyOperation(
                harness.apply(.reserve, .init(Self.disk, Self.disk.reserved))))
        let (total, volumes) = (harness.agent.state.total, harness.agent.state.volumes)
        for row in Self.rows {
            harness.hear(.applyOperation(harness.apply(row.type, row.conversion, row.changes)))
            let result = harness.results.first
            #expect(result?.state == .failed, "\(row.text)")
            #expect(result?.message?.contains(row.text) == true, "\(result?.message ?? "-")")
            let isBegun = harness.last.contains {
                if case .changeVolumes = $0 { true } else { false }
            }
            #expect(!isBegun, "\(row.text): work has begun")
            #expect(harness.agent.state.total == total, "\(row.text)")
            #expect(harness.agent.state.volumes == volumes, "\(row.text)")
        }
    }

    @Test func oneVolumeTooMany() {
        var options = AgentOptions.example
        options.limits.volumesPerAgent = 1
        var harness = Harness(options: options)
        _ = harness.makeVolume("v")
        _ = harness.makeVolume("w")
        #expect(harness.agent.state.volumes.count == 1)
        let problem = harness.agent.state.sortedResults.last?.result.message
        #expect(problem == "an agent has at most 1 volumes")
    }

    @Test func everyReasonIsMet() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        var reasons: [String] = []
        for file in ["AgentState+Books", "Agent+Operations"] {
            let path = root.appending(path: "Sources/AgentCore/\(file).swift")
            let source = try String(contentsOf: path, encoding: .utf8)
            reasons += source.components(separatedBy: "return \"").dropFirst().map { piece in
                String(piece.prefix { !$0.isNewline })
            }
        }
        #expect(reasons.count >= 8, "\(reasons)")
        for reason in reasons {
            let isMet = (Self.rows.map(\.text) + Self.elsewhere).contains { reason.contains($0) }
            #expect(isMet, "no row expects '\(reason)'")
        }
    }
}
