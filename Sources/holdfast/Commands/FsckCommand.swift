import ArgumentParser
import Foundation
import Glibc
import MesosAPI

/// Compares the master's registry, the agents' journals and what is on their disks.
struct FsckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck",
        abstract: "Compare registry, agents' journals and disks, while all goes on.",
        discussion: """
            Reads only, unless --repair is given; then it asks for each repair, or takes --yes. \
            Data that no book knows is never deleted; it is moved to the disk's 'found' directory \
            with --set-aside only. Ends with 0 where nothing is wrong, 1 where findings are left, \
            2 where something could not be checked.
            """)
    @OptionGroup var options: ClientOptions
    @Option(help: "Check this agent only, by its id.")
    var agent: String?
    @Flag(help: "Repair what can be repaired, asking each time.")
    var repair = false
    @Flag(help: "With --repair: do not ask.")
    var yes = false
    @Flag(help: "With --repair: also move data away that no book knows.")
    var setAside = false
    @Flag(help: "With --repair: also take volumes out of the registry that only it knows.")
    var forget = false

    func validate() throws {
        if (yes || setAside || forget) && !repair {
            throw ValidationError("--yes, --set-aside and --forget belong to --repair")
        }
    }

    func run() async throws {
        var report = FsckReport()
        do {
            try await withClient(options.master) { try await check($0, &report) }
        } catch let failure as CommandFailure {
            throw CommandFailure(failure.message, status: 2)
        }
        Progress.clear()
        report.print(asJSON: options.json)
        if !report.unchecked.isEmpty { throw ExitCode(2) }
        if report.hasDamage { throw ExitCode(1) }
    }

    private func check(_ master: APIClient, _ report: inout FsckReport) async throws {
        let registered = try await master.ask(.getAgents).getAgents.agents
        let rows = try await master.ask(.listVolumes).listVolumes.volumes
        let known = Set(registered.map(\.agentInfo.id.value) + rows.map(\.agentID.value))
        if let agent, !known.contains(agent) {
            throw CommandFailure("there is no agent '\(agent)': 'holdfast agents' lists them")
        }
        for id in known.sorted() where agent == nil || agent == id {
            let found = registered.first { $0.agentInfo.id.value == id && $0.active }
            guard let found else {
                let left = rows.filter { $0.agentID.value == id }
                if let findings = RegistryFindings.ofGoneAgent(left) {
                    try await settle(findings, of: id, master, &report)
                    continue
                }
                report.unchecked.append((id, "it is not registered with the master now"))
                continue
            }
            let address =
                found.pid.split(separator: "@").last.map(String.init)
                ?? "\(found.agentInfo.hostname):\(found.agentInfo.port)"
            Progress.show("checking agent \(id) at \(address)")
            do {
                try await withClient(address) { try await check(id, $0, master, &report) }
            } catch let failure as CommandFailure {
                report.unchecked.append((id, failure.message))
            }
        }
    }

    /// The rows of an agent that will never be back.
    private func settle(
        _ findings: [StorageFindingMessage], of id: String, _ master: APIClient,
        _ report: inout FsckReport
    ) async throws {
        for finding in findings {
            guard repair, forget, yes || confirm(finding) else {
                report.findings.append((id, finding))
                continue
            }
            let result = await RegistryFindings.mend(finding, master)
            report.repairs.append((id, result))
            if result.result != "repaired" { report.findings.append((id, finding)) }
        }
    }

    private func check(
        _ id: String, _ agent: APIClient, _ master: APIClient, _ report: inout FsckReport
    ) async throws {
        var answer = try await look(id, agent, master)
        report.volumes += answer.volumes
        if repair, !answer.findings.isEmpty {
            for finding in answer.findings where finding.hasRepair {
                try await mend(id, finding, agent, master, &report)
            }
            answer = try await look(id, agent, master)
        }
        report.findings += answer.findings.map { (id, $0) }
        if answer.leftOff > 0 {
            report.unchecked.append((id, "\(answer.leftOff) more findings are not shown"))
        }
    }

    /// A volume made or destroyed between the two calls is no damage: the second look settles it.
    private func look(
        _ id: String, _ agent: APIClient, _ master: APIClient
    ) async throws -> Mesos_V1_Agent_Response.CheckStorage {
        var answer = try await ask(id, agent, master)
        let isAboutRegistry = { (code: String) in code.hasPrefix("registry-") }
        guard answer.findings.contains(where: { isAboutRegistry($0.code) }) else { return answer }
        let again = try await ask(id, agent, master)
        let both = Set(answer.findings.map { [$0.code, $0.subject] })
        answer = again
        answer.findings.removeAll {
            isAboutRegistry($0.code) && !both.contains([$0.code, $0.subject])
        }
        return answer
    }

    private func ask(
        _ id: String, _ agent: APIClient, _ master: APIClient
    ) async throws -> Mesos_V1_Agent_Response.CheckStorage {
        let rows = try await master.ask(.listVolumes).listVolumes.volumes
        var registry = Mesos_V1_Agent_Call.CheckStorage.Registry()
        registry.volumes = rows.filter { $0.agentID.value == id }.map { row in
            var volume = Mesos_V1_Agent_Call.CheckStorage.Volume()
            volume.uuid = row.uuid
            volume.role = row.resource.reservations.last?.role ?? row.resource.role
            volume.persistenceID = row.resource.disk.persistence.id
            volume.bookedBytes = row.bookedBytes
            volume.state = row.state
            return volume
        }
        let asked = registry
        var answer = try await agent.askAgent(.checkStorage) {
            $0.checkStorage.registry = asked
        }.checkStorage
        RegistryFindings.offerRepair(&answer.findings, rows)
        return answer
    }

    private func mend(
        _ id: String, _ finding: Mesos_V1_Agent_Response.CheckStorage.Finding,
        _ agent: APIClient, _ master: APIClient, _ report: inout FsckReport
    ) async throws {
        if finding.needsSetAside && !setAside || finding.needsForget && !forget { return }
        guard yes || confirm(finding) else { return }
        Progress.show("repairing \(finding.code) of \(finding.subject)")
        if finding.needsForget {
            report.repairs.append((id, await RegistryFindings.mend(finding, master)))
            return
        }
        var wanted = Mesos_V1_Agent_Call.RepairStorage.Finding()
        wanted.code = finding.code
        wanted.subject = finding.subject
        let call = wanted
        let answer = try await agent.askAgent(.repairStorage) {
            $0.repairStorage.findings = [call]
            $0.repairStorage.setAside = setAside
            $0.repairStorage.requester = requesterName
        }
        report.repairs += answer.repairStorage.results.map { (id, $0) }
    }

    private func confirm(_ finding: Mesos_V1_Agent_Response.CheckStorage.Finding) -> Bool {
        Progress.clear()
        let question =
            "\(finding.code) of \(finding.subject): \(finding.evidence)\n"
            + "  \(finding.repair)? [y/N] "
        FileHandle.standardError.write(Data(question.utf8))
        return readLine()?.lowercased().hasPrefix("y") ?? false
    }
}

/// One line on a terminal that says what is being done.
private enum Progress {
    private static var isTerminal: Bool { isatty(2) == 1 }

    static func show(_ text: String) { write("\r\u{1B}[K\(text)...") }

    static func clear() { write("\r\u{1B}[K") }

    private static func write(_ text: String) {
        if isTerminal { FileHandle.standardError.write(Data(text.utf8)) }
    }
}

/// What was found and done, for people and for programs.
private struct FsckReport {
    var volumes: UInt64 = 0
    var findings: [(agent: String, finding: Mesos_V1_Agent_Response.CheckStorage.Finding)] = []
    var repairs: [(agent: String, result: Mesos_V1_Agent_Response.RepairStorage.Result)] = []
    var unchecked: [(agent: String, reason: String)] = []

    var hasDamage: Bool { findings.contains { $0.finding.severity != "note" } }

    func print(asJSON: Bool) {
        asJSON ? printJSON() : printText()
    }

    private func printJSON() {
        Swift.print(
            jsonText(
                [
                    "volumes": Int64(clamping: volumes),
                    "findings": findings.map { agent, finding in
                        [
                            "agent": agent, "code": finding.code, "severity": finding.severity,
                            "subject": finding.subject,
                            "uuid": finding.hasUuid ? finding.uuid : NSNull(),
                            "evidence": finding.evidence,
                            "repair": finding.hasRepair ? finding.repair : NSNull(),
                            "needs_set_aside": finding.needsSetAside,
                        ] as [String: Any]
                    },
                    "repairs": repairs.map { agent, result in
                        [
                            "agent": agent, "code": result.code, "subject": result.subject,
                            "result": result.result, "message": result.message,
                        ]
                    },
                    "unchecked": unchecked.map { ["agent": $0.agent, "reason": $0.reason] },
                ] as [String: Any]))
    }

    private func printText() {
        if !repairs.isEmpty {
            var table = Table([
                ("code", "REPAIR OF"), ("subject", "SUBJECT"), ("result", "RESULT"),
                ("message", "MESSAGE"),
            ])
            for (_, result) in repairs {
                table.add([
                    .text(result.code), .text(result.subject), .text(result.result),
                    .text(result.message),
                ])
            }
            Swift.print(table.text + "\n")
        }
        for (agent, finding) in findings {
            let repair =
                finding.hasRepair
                ? finding.repair + (finding.needsSetAside ? " (with --set-aside)" : "") : "by hand"
            Swift.print(
                """
                \(finding.severity) \(finding.code) \(finding.subject)
                  agent: \(agent)
                  found: \(finding.evidence)
                  repair: \(repair)

                """)
        }
        for (agent, reason) in unchecked {
            Swift.print("not checked: agent \(agent): \(reason)")
        }
        let damage = findings.count { $0.finding.severity != "note" }
        Swift.print(
            "\(volumes) \(volumes == 1 ? "volume" : "volumes") checked, "
                + "\(damage) \(damage == 1 ? "finding" : "findings")")
    }
}
