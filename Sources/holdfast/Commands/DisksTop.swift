import ArgumentParser
import Foundation
import MesosAPI

struct DisksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disks",
        abstract: "List the disks of all agents; with 'top', who uses them now.",
        subcommands: [DisksList.self, DisksTop.self, BackendsCommand.self],
        defaultSubcommand: DisksList.self)
}

struct DisksTop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show what disks, volumes and sandboxes read and write now, the noisiest first.")
    @OptionGroup var options: ClientOptions
    @Option(help: "Only this agent's disks.")
    var agent: String?
    @Option(help: "Seconds between two looks: rates are of this time.")
    var interval = 2.0
    @Flag(help: "Print once and end, as without a terminal.")
    var once = false

    func validate() throws {
        guard (0.1...3600).contains(interval) else {
            throw ValidationError("--interval takes 0.1 to 3600 seconds")
        }
    }

    func run() async throws {
        let isLive = !once && !options.json && Paint().isOn
        var before = try await look()
        repeat {
            try await Task.sleep(for: .seconds(interval))
            let after = try await look()
            let rows = DiskTop.rows(before, after)
            if isLive { print("\u{1B}[H\u{1B}[2J", terminator: "") }
            show(rows)
            before = after
        } while isLive
    }

    /// What each agent's counters say; one that is away is left out.
    private func look() async throws -> [String: Mesos_V1_Agent_Response.DiskTraffic] {
        try await withClient(options.master) { master in
            var found: [String: Mesos_V1_Agent_Response.DiskTraffic] = [:]
            let agents = try await master.ask(.getAgents).getAgents.agents
            if let agent, !agents.contains(where: { $0.agentInfo.id.value == agent }) {
                throw CommandFailure(
                    "there is no agent '\(agent)': 'holdfast agents' lists all")
            }
            for candidate in agents where candidate.active {
                let id = candidate.agentInfo.id.value
                guard agent == nil || agent == id else { continue }
                let place = try await address(of: id, master)
                found[id] = try? await withClient(place) {
                    try await $0.askAgent(.diskTraffic).diskTraffic
                }
            }
            return found
        }
    }

    private func show(_ rows: [DiskTop.Row]) {
        var table = Table([
            ("agent", "AGENT"), ("disk", "DISK"), ("kind", "WHAT"), ("name", "NAME"),
            ("id", "ID"), ("role", "ROLE"), ("device", "DEVICE"),
            ("read_bytes_per_second", "READ/S"), ("written_bytes_per_second", "WRITTEN/S"),
            ("reads_per_second", "READS/S"), ("writes_per_second", "WRITES/S"),
            ("wait_milliseconds", "WAIT MS"), ("share_percent", "SHARE %"),
            ("limits", "LIMITS"), ("owners", "OWNERS"),
        ])
        for row in rows {
            table.add([
                .text(row.agent), .text(row.disk), .text(row.kind), .text(row.name),
                row.id.isEmpty ? .missing : .text(row.id),
                row.role.isEmpty ? .missing : .text(row.role), .text(row.device),
                bytes(row.readBytes), bytes(row.writtenBytes), rounded(row.reads),
                rounded(row.writes), row.waitMilliseconds.map(rounded) ?? .missing,
                row.share.map { rounded($0 * 100) } ?? .missing,
                row.limits.map { .text(limitsText($0)) } ?? .missing,
                row.owners.isEmpty ? .missing : .text(row.owners.joined(separator: ", ")),
            ])
        }
        table.print(asJSON: options.json)
        guard !options.json, let noisiest = rows.first(where: { $0.kind != "disk" }),
            noisiest.bytes > 0
        else { return }
        print(
            "\nnoisiest: \(noisiest.kind) \(noisiest.name) with "
                + "\(sizeText(bytes: noisiest.bytes))/s"
                + (noisiest.owners.isEmpty
                    ? "" : " of \(noisiest.owners.joined(separator: ", "))"))
    }

    private func bytes(_ rate: Double) -> Table.Value {
        options.json ? rounded(rate) : .text(sizeText(bytes: rate))
    }

    private func rounded(_ value: Double) -> Table.Value {
        .number((value * 10).rounded() / 10)
    }
}
