import ArgumentParser
import Foundation
import MesosAPI

/// Who runs this command, for the audit of master and agents: nobody else can say.
var requesterName: String {
    let process = ProcessInfo.processInfo
    return "\(process.userName)@\(process.hostName)"
}

struct VolumeForget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Take a lost volume out of the registry, for which nothing is left.",
        discussion: "Refused for a volume that is not lost, or that its agent may still have.")
    @OptionGroup var choice: VolumeChoice
    @Option(help: "Why, for the audit trail.")
    var reason: String?

    func run() async throws {
        try await withClient(choice.client.master) { client in
            let volume = try await choice.find(client)
            let answer = try await client.forget(volume.uuid, because: reason)
            report(answer, "forgot volume \(volume.uuid)", asJSON: choice.client.json)
        }
    }
}

extension APIClient {
    func forget(_ uuid: String, because reason: String?) async throws -> String {
        try await tell(.forgetVolume) {
            $0.forgetVolume.uuid = uuid
            $0.forgetVolume.requester = requesterName
            if let reason { $0.forgetVolume.reason = reason }
        }
    }
}

typealias StorageFindingMessage = Mesos_V1_Agent_Response.CheckStorage.Finding

/// What only the registry says, and how `fsck` mends that.
enum RegistryFindings {
    static let repair = "take its row out of the registry (with --forget)"

    /// Rows of an agent that was marked gone; nil: it was not, or there are none.
    static func ofGoneAgent(
        _ rows: [Mesos_V1_Master_Response.ListVolumes.Volume]
    ) -> [StorageFindingMessage]? {
        guard !rows.isEmpty, rows.allSatisfy({ $0.agentState == "gone" && $0.state == "lost" })
        else { return nil }
        return rows.map { row in
            var finding = StorageFindingMessage()
            finding.code = "registry-gone"
            finding.severity = "warning"
            finding.subject = row.uuid
            finding.uuid = row.uuid
            finding.evidence =
                "'\(row.resource.disk.persistence.id)' was on an agent that is marked gone"
            finding.repair = repair
            return finding
        }
    }

    /// A volume that its agent knows nothing of can be forgotten once it counts as lost.
    static func offerRepair(
        _ findings: inout [StorageFindingMessage],
        _ rows: [Mesos_V1_Master_Response.ListVolumes.Volume]
    ) {
        let lost = Set(rows.filter { $0.state == "lost" }.map(\.uuid))
        for index in findings.indices
        where findings[index].code == "registry-lost" && lost.contains(findings[index].subject) {
            findings[index].repair = repair
        }
    }

    static func mend(
        _ finding: StorageFindingMessage, _ master: APIClient
    ) async -> Mesos_V1_Agent_Response.RepairStorage.Result {
        var result = Mesos_V1_Agent_Response.RepairStorage.Result()
        result.code = finding.code
        result.subject = finding.subject
        do {
            _ = try await master.forget(finding.subject, because: "fsck: \(finding.evidence)")
            (result.result, result.message) = ("repaired", "its row is out of the registry")
        } catch {
            let text = (error as? CommandFailure)?.message ?? "\(error)"
            (result.result, result.message) = ("failed", text)
        }
        return result
    }
}

extension StorageFindingMessage {
    var needsForget: Bool { hasRepair && repair == RegistryFindings.repair }
}
