import ArgumentParser
import Daemons
import Foundation
import MesosAPI
import Model
import Wire

typealias AuditLine = Mesos_V1_Master_Response.ListAudit.Entry

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show who did what to reservations and volumes, the newest last.")
    @OptionGroup var options: ClientOptions
    @Option(help: "Only lines about this volume: its UUID, or its id when only one has it.")
    var volume: String?
    @Option(help: "Only lines about resources that are reserved for this role.")
    var role: String?
    @Option(help: "Only what this principal did.")
    var principal: String?
    @Option(help: "Only what this framework did.")
    var framework: String?
    @Option(help: "Only what happened on this agent.")
    var agent: String?
    @Option(help: "Only the steps of this transaction, by its UUID.")
    var transaction: String?
    @Option(help: "Only one kind of line, like CREATE or VOLUME_LOST.")
    var action: String?
    @Option(help: "Only the time since then, like 30mins or 2days.")
    var since: DurationOption?
    @Option(help: "At most so many lines, the newest ones.")
    var limit: UInt32 = 100
    @Option(
        help: "Read lines that have left the trail: a file, or the 'audit' directory, of a master.")
    var archive: String?

    func run() async throws {
        let lines =
            if let archive { try archived(archive) } else { try await current() }
        auditTable(lines).print(asJSON: options.json)
    }

    private func current() async throws -> [AuditLine] {
        try await withClient(options.master) { client in
            let uuid = volume == nil ? nil : try await volumeUUID(volume ?? "", client)
            return try await auditLines(client, limit: Int(limit)) { fill(&$0, volume: uuid) }
        }
    }

    /// Without a master: a volume is named by its UUID.
    private func archived(_ path: String) throws -> [AuditLine] {
        var call = Mesos_V1_Master_Call.ListAudit()
        fill(&call, volume: volume)
        call.limit = limit
        do throws(AuditArchive.Failure) {
            return try AuditArchive.read(path, call)
        } catch {
            throw CommandFailure(error.message)
        }
    }

    private func fill(_ call: inout Mesos_V1_Master_Call.ListAudit, volume uuid: String?) {
        if let uuid { call.volumeUuid = uuid }
        if let role { call.role = role }
        if let principal { call.principal = principal }
        if let framework { call.frameworkID.value = framework }
        if let agent { call.agentID.value = agent }
        if let action { call.action = action }
        if let transaction { call.transactionUuid = transaction }
        if let since {
            let now = Date().timeIntervalSince1970
            call.from.nanoseconds = Int64(now * 1000 - Double(since.milliseconds)) * 1_000_000
        }
    }
}

/// The trail's newest lines that `fill` asks for, the oldest of them first.
func auditLines(
    _ client: APIClient, limit: Int,
    _ fill: (inout Mesos_V1_Master_Call.ListAudit) -> Void
) async throws -> [AuditLine] {
    var lines: [AuditLine] = []
    var before: Int64?
    repeat {
        let answer = try await client.ask(.listAudit) { call in
            fill(&call.listAudit)
            call.listAudit.limit = UInt32(min(limit - lines.count, 10_000))
            if let before { call.listAudit.before = before }
        }
        lines += answer.listAudit.entries
        before = answer.listAudit.hasNext ? answer.listAudit.next : nil
    } while before != nil && lines.count < limit
    return lines.reversed()
}

/// A volume's UUID by itself or by its id. One that is no more is known by its UUID only.
private func volumeUUID(_ name: String, _ client: APIClient) async throws -> String {
    let volumes = try await client.ask(.listVolumes).listVolumes.volumes
    let found = volumes.filter { $0.resource.disk.persistence.id == name }
    guard found.count < 2 else {
        throw CommandFailure("\(found.count) volumes have the id '\(name)': use the UUID")
    }
    return found.first?.uuid ?? name
}

func auditTable(_ lines: [AuditLine]) -> Table {
    var table = Table([
        ("time", "TIME"), ("action", "ACTION"), ("outcome", "OUTCOME"), ("who", "WHO"),
        ("agent", "AGENT"), ("task", "TASK"), ("volumes", "VOLUMES"), ("resources", "RESOURCES"),
        ("message", "MESSAGE"), ("transaction", "TRANSACTION"),
    ])
    for line in lines {
        table.add([
            .text(timeText(line.time.nanoseconds)), .text(line.action), .text(line.outcome),
            .text(actor(of: line)), line.hasAgentID ? .text(line.agentID.value) : .missing,
            line.hasTaskID ? .text(line.taskID.value) : .missing,
            line.volumeUuids.isEmpty
                ? .missing : .text(line.volumeUuids.joined(separator: " ")),
            .text(change(of: line)), line.hasMessage ? .text(line.message) : .missing,
            line.hasTransactionUuid ? .text(line.transactionUuid) : .missing,
        ])
    }
    return table
}

private func actor(of line: AuditLine) -> String {
    let principal = line.hasPrincipal ? line.principal : nil
    switch line.action {
    case "AGENT_UNREACHABLE", "VOLUME_LOST", "VOLUME_FOUND", "VOLUME_UNCLAIMED", "VOLUME_MOVED":
        return "master"
    case "VOLUME_ORPHANED", "VOLUME_RECLAIMED", "VOLUME_ERASED": return "master"
    // By the policies, unless somebody asked for it.
    case "VOLUME_ERASING" where line.message != "by an operator",
        "VOLUME_TRASHED" where line.message != "destroyed":
        return "master"
    case "VOLUME_FORGOTTEN": return "operator"
    case "TEARDOWN", "KILL_TASK", "AGENT_GONE":
        return principal ?? "operator"
    case "UNRESERVE" where line.message.hasPrefix("lease: "):
        return "master"
    default:
        guard line.hasFrameworkID else { return principal ?? "operator" }
        return "framework \(line.frameworkID.value)" + (principal.map { " (\($0))" } ?? "")
    }
}

/// `what it was => what it became`, without what both sides have.
private func change(of line: AuditLine) -> String {
    let before = line.consumed.map(text)
    let after = line.converted.map(text)
    if before.isEmpty || after.isEmpty { return (before + after).joined(separator: "; ") }
    return before.joined(separator: "; ") + " => " + after.joined(separator: "; ")
}

private func text(_ message: Mesos_V1_Resource) -> String {
    (try? Resource(message))?.text ?? message.name
}

/// Nanoseconds since 1970 as UTC text with milliseconds.
func timeText(_ nanoseconds: Int64) -> String {
    let date = Date(timeIntervalSince1970: Double(nanoseconds / 1_000_000) / 1000)
    return date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
}
