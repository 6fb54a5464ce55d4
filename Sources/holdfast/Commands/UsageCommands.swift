import ArgumentParser
import Foundation
import MesosAPI
import Model

/// A time between points, as an option.
private enum StepName: String, ExpressibleByArgument, CaseIterable {
    case minute
    case hour
    case day

    var step: UsageStep {
        switch self {
        case .minute: .minute
        case .hour: .hour
        case .day: .day
        }
    }
}

struct VolumeUsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Show what a volume uses, used, and when it will be full.")
    @OptionGroup var choice: VolumeChoice
    @Option(help: "The time between points: minute (one day), hour (a month) or day (two years).")
    private var step = StepName.minute

    func run() async throws {
        try await withClient(choice.client.master) { master in
            let volume = try await choice.find(master)
            let agent = try await address(of: volume.agentID.value, master)
            try await withClient(agent) { agent in
                let usage = try await agent.askAgent(.volumeUsage) {
                    $0.volumeUsage.uuid = volume.uuid
                }
                let history = try await agent.askAgent(.volumeHistory) {
                    $0.volumeHistory.uuid = volume.uuid
                    $0.volumeHistory.stepSeconds = UInt32(step.step.rawValue)
                }
                if choice.client.json {
                    var merged = usage
                    merged.volumeHistory = history.volumeHistory
                    merged.clearType()
                    print(jsonText(message: merged))
                } else if let found = usage.volumeUsage.volumes.first {
                    show(found, history.volumeHistory)
                }
            }
        }
    }

    private func show(
        _ volume: Mesos_V1_Agent_Response.VolumeUsage.Volume,
        _ history: Mesos_V1_Agent_Response.VolumeHistory
    ) {
        let paint = Paint()
        print("\(volume.persistenceID)  \(volume.uuid)  \(volume.backend)")
        print("  " + amountsText(volume.amounts, paint))
        if volume.hasTraffic {
            let traffic = volume.traffic
            print(
                "  read \(sizeText(bytes: Double(traffic.readBytes))) in \(traffic.reads) "
                    + "requests, wrote \(sizeText(bytes: Double(traffic.writtenBytes))) in "
                    + "\(traffic.writes)")
        }
        print(
            "  "
                + (volume.hasExecutorID
                    ? "used by \(volume.executorID.value) of \(volume.frameworkID.value)" : "idle"))
        let forecast = UsageForecast(history.forecast)
        print("  " + paint(forecast.text, forecast.colour))
        if volume.hasProblem { print("  " + paint(volume.problem, .red)) }
        guard let points = history.series.first?.points, let first = points.first,
            let last = points.last
        else { return print("  (no points yet: one comes each \(step.rawValue))") }
        let chart = UsageChart(
            points: points.map { UsageChart.Point(time: $0.time, bytes: Double($0.maxBytes)) },
            limitBytes: Double(last.limitBytes), stepSeconds: step.step.rawValue)
        let top = max(Double(last.limitBytes), Double(points.map(\.maxBytes).max() ?? 0))
        let scale = sizeText(bytes: top)
        print("")
        for (index, line) in chart.lines.enumerated() {
            let label = index == 0 ? scale : index == chart.rows - 1 ? "0" : ""
            let padding = String(repeating: " ", count: max(0, 10 - label.count))
            print("\(padding)\(label) ┤\(paint(line, forecast.colour))")
        }
        let from = momentText(nanoseconds: first.time * 1_000_000_000)
        let to = momentText(nanoseconds: last.time * 1_000_000_000)
        let gap = String(repeating: " ", count: max(1, chart.columns - from.count - to.count))
        print(String(repeating: " ", count: 12) + from + gap + to)
    }
}

/// `12 MiB of 32 MiB (38 %), 5 inodes of 8192; statvfs, 3 s ago`.
private func amountsText(
    _ amounts: Mesos_V1_Agent_Response.VolumeUsage.Amounts, _ paint: Paint
) -> String {
    guard amounts.hasUsedBytes else { return "not read yet" }
    var text = sizeText(bytes: Double(amounts.usedBytes))
    if amounts.hasLimitBytes, amounts.limitBytes > 0 {
        let percent = Int(Double(amounts.usedBytes) / Double(amounts.limitBytes) * 100)
        text += " of \(sizeText(bytes: Double(amounts.limitBytes))) (\(percent) %)"
    }
    if amounts.hasUsedInodes {
        text += ", \(amounts.usedInodes) inodes"
        if amounts.hasLimitInodes { text += " of \(amounts.limitInodes)" }
    }
    let age = Int(amounts.ageSeconds)
    return text + paint("; \(amounts.source), \(age) s ago", .faint)
}

extension UsageForecast {
    fileprivate init(_ message: Mesos_V1_Agent_Response.VolumeUsage.Forecast) {
        switch message.verdict {
        case "filling":
            self = .filling(
                Filling(
                    bytesPerSecond: message.rateBytesPerSecond, fullIn: message.fullInSeconds,
                    earliest: message.earliestSeconds,
                    latest: message.hasLatestSeconds ? message.latestSeconds : nil))
        case "not-filling": self = .notFilling
        default: self = .unknown
        }
    }

    fileprivate var colour: Paint.Colour {
        switch self {
        case .unknown: .faint
        case .notFilling: .green
        case .filling(let filling): filling.fullIn < 86_400 ? .red : .yellow
        }
    }
}

struct DisksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disks",
        abstract: "List the disks of all agents, with what is on them.",
        subcommands: [BackendsCommand.self])
    @OptionGroup var options: ClientOptions

    func run() async throws {
        var table = Table([
            ("agent", "AGENT"), ("path", "PATH"), ("device", "DEVICE"), ("total_bytes", "TOTAL"),
            ("used_bytes", "USED"), ("used_percent", "USED %"), ("volumes", "VOLUMES"),
            ("read_bytes", "READ"), ("written_bytes", "WRITTEN"), ("state", "STATE"),
        ])
        try await withClient(options.master) { master in
            for agent in try await master.ask(.getAgents).getAgents.agents {
                let id = agent.agentInfo.id.value
                guard agent.active else {
                    table.add([.text(id)] + Array(repeating: .missing, count: 8) + [.text("away")])
                    continue
                }
                let place = try await address(of: id, master)
                let usage = try await withClient(place) {
                    try await $0.askAgent(.volumeUsage).volumeUsage
                }
                for disk in usage.disks { table.add(row(disk, id, usage)) }
            }
        }
        table.print(asJSON: options.json)
    }

    private func row(
        _ disk: Mesos_V1_Agent_Response.VolumeUsage.Disk, _ agent: String,
        _ usage: Mesos_V1_Agent_Response.VolumeUsage
    ) -> [Table.Value] {
        let amounts = disk.amounts
        let percent = Double(amounts.usedBytes) / Double(max(1, amounts.limitBytes)) * 100
        return [
            .text(agent), .text(disk.path), disk.device.isEmpty ? .missing : .text(disk.device),
            size(amounts.limitBytes, disk.hasAmounts), size(amounts.usedBytes, disk.hasAmounts),
            disk.hasAmounts ? .number(percent.rounded()) : .missing,
            .number(Double(usage.volumes.count { $0.disk == disk.root })),
            size(disk.traffic.readBytes, disk.hasTraffic),
            size(disk.traffic.writtenBytes, disk.hasTraffic),
            .text(disk.suspicions.isEmpty ? "sound" : disk.suspicions.joined(separator: "; ")),
        ]
    }

    private func size(_ bytes: UInt64, _ isKnown: Bool) -> Table.Value {
        guard isKnown else { return .missing }
        return options.json ? .number(Double(bytes)) : .text(sizeText(bytes: Double(bytes)))
    }
}
