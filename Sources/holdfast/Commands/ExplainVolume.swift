import ArgumentParser
import MesosAPI

struct ExplainVolume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Tell a volume's whole history, and how it is now.")
    @OptionGroup var options: ClientOptions
    @Argument(help: "The volume's UUID; of one that is no more, too. Or its id.")
    var volume: String

    func run() async throws {
        let (row, lines) = try await withClient(options.master) { client in
            let rows = try await client.ask(.listVolumes).listVolumes.volumes.filter {
                $0.uuid == volume || $0.resource.disk.persistence.id == volume
            }
            guard rows.count < 2 else {
                throw CommandFailure("\(rows.count) volumes have the id '\(volume)': use the UUID")
            }
            let uuid = rows.first?.uuid ?? volume
            let lines = try await auditLines(client, limit: 1_000_000) { $0.volumeUuid = uuid }
            return (rows.first, lines)
        }
        guard row != nil || !lines.isEmpty else {
            throw CommandFailure(
                "there is no volume '\(volume)', and the audit trail does not name it: "
                    + "'holdfast volumes' lists all that there are")
        }
        let history = auditTable(lines)
        guard !options.json else {
            print(jsonText(["now": sentences(row), "history": history.objects]))
            return
        }
        print(sentences(row).joined(separator: "\n"))
        print("\nhistory:")
        print(history.text)
    }

    /// How it is now, in words.
    private func sentences(
        _ row: Mesos_V1_Master_Response.ListVolumes.Volume?
    ) -> [String] {
        guard let row else { return ["volume \(volume) is no more"] }
        let resource = row.resource
        var sentences = [
            "volume \(row.uuid): '\(resource.disk.persistence.id)' of role "
                + "\(resource.reservations.last?.role ?? resource.role), "
                + "\(sizeText(bytes: Double(row.bookedBytes))) on agent \(row.agentID.value)",
            "made \(timeText(row.created.nanoseconds)) by "
                + (row.hasFrameworkID ? "framework \(row.frameworkID.value)" : "an operator")
                + (row.hasPrincipal ? " as \(row.principal)" : ""),
        ]
        if row.hasLimits { sentences.append("limited to " + limitsText(row.limits)) }
        if row.hasUsedSince {
            sentences.append(
                "task \(row.lastTaskID.value) (\(row.lastTaskName)) "
                    + (row.hasUsedUntil
                        ? "held it until \(timeText(row.usedUntil.nanoseconds))"
                        : "holds it since \(timeText(row.usedSince.nanoseconds))"))
        } else {
            sentences.append("no task has held it yet")
        }
        return sentences + [standing(of: row)]
    }

    private func standing(of row: Mesos_V1_Master_Response.ListVolumes.Volume) -> String {
        switch row.state {
        case "lost":
            "LOST: its agent came back without it, or was marked gone; its row is kept until it "
                + "is destroyed"
        case "unclaimed":
            "UNCLAIMED: the agent has it and the registry did not know it; nothing deletes it by "
                + "itself"
        default:
            row.hasAgentState
                ? "active; its agent is \(row.agentState), its data is where it was"
                : "active, on a registered agent"
        }
    }
}
