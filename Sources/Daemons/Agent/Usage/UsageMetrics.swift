import Containers
import Linux
import Model

/// What Prometheus reads: the use of volumes, sandboxes and disks.
struct UsageMetrics {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private enum Kind: String { case gauge, counter }
    private typealias Labels = [(String, String)]

    /// Metrics by name, in the order of their first use: Prometheus wants each in one piece.
    private var order: [String] = []
    private var lines: [String: [String]] = [:]

    init(
        _ views: UsageViews, traffic: (ContainerID) -> ContainerUsage?,
        events: [(kind: String, count: Int)]
    ) {
        let users = views.users
        for volume in views.snapshot.volumes {
            add(volume, isInUse: users[volume.uuid] != nil, views.now)
            add(volume, views.forecast(volume.uuid))
        }
        for (kind, count) in events {
            add(
                "holdfast_usage_events_total", .counter, "Limits crossed, and ends of that.",
                [("event", kind)], Double(count))
        }
        for container in views.found {
            add(container, views, traffic(container.row.container))
        }
        for disk in views.snapshot.disks { add(disk, views.now) }
        add(
            "holdfast_usage_read_seconds", .gauge,
            "How long the last reading of all volumes and disks took.", [],
            views.snapshot.readSeconds)
        add(
            "holdfast_usage_walk_seconds", .gauge,
            "How long the last count of directories and sandboxes took.", [],
            views.snapshot.walkSeconds)
    }

    var text: String {
        order.compactMap { lines[$0] }.joined().joined(separator: "\n") + "\n"
    }

    private mutating func add(
        _ volume: UsageSnapshot.Volume, isInUse: Bool, _ now: ContinuousClock.Instant
    ) {
        let labels = Self.labels(volume)
        add("holdfast_volume", labels, volume.amounts, now)
        add("holdfast_volume", labels, volume.traffic)
        add(
            "holdfast_volume_in_use", .gauge, "1 while a container has the volume.", labels,
            isInUse ? 1 : 0)
        add(
            "holdfast_volume_problem", .gauge, "1 while the volume can't be read.", labels,
            volume.problem == nil ? 0 : 1)
    }

    private static func labels(_ volume: UsageSnapshot.Volume) -> Labels {
        [
            ("uuid", volume.uuid.value), ("id", volume.persistenceID), ("role", volume.role),
            ("disk", volume.disk), ("backend", volume.backend),
        ]
    }

    /// A volume that does not fill has no such time: an alert on it then does not fire.
    private mutating func add(_ volume: UsageSnapshot.Volume, _ forecast: UsageForecast) {
        guard case .filling(let filling) = forecast else { return }
        add(
            "holdfast_volume_full_in_seconds", .gauge,
            "When the volume will be full if it goes on as it did.", Self.labels(volume),
            filling.fullIn.rounded())
        add(
            "holdfast_volume_full_earliest_seconds", .gauge,
            "The earliest time at which it may be full, with 95 %.", Self.labels(volume),
            filling.earliest.rounded())
    }

    private mutating func add(
        _ container: AgentViews.FoundContainer, _ views: UsageViews, _ usage: ContainerUsage?
    ) {
        let labels: Labels = [
            ("container", container.row.container.value),
            ("executor", container.row.executor.id.value),
            ("framework", container.row.framework.value),
        ]
        add(
            "holdfast_sandbox", labels, views.snapshot.sandboxes[container.row.container],
            views.now)
        add("holdfast_container_disk", labels, UsageViews.sum(usage?.disks))
        guard let pressure = usage?.diskPressure else { return }
        add(
            "holdfast_container_disk_some_pressure_seconds_total", .counter,
            "Time that at least one process waited for disks.", labels,
            Double(pressure.someMicroseconds) / 1e6)
        add(
            "holdfast_container_disk_full_pressure_seconds_total", .counter,
            "Time that all processes waited for disks.", labels,
            Double(pressure.fullMicroseconds) / 1e6)
    }

    private mutating func add(_ disk: UsageSnapshot.Disk, _ now: ContinuousClock.Instant) {
        let labels: Labels = [
            ("disk", disk.name), ("path", disk.path), ("device", disk.device),
        ]
        add("holdfast_disk", labels, disk.amounts, now)
        add("holdfast_disk", labels, disk.traffic)
        add(
            "holdfast_disk_suspect", .gauge, "1 while the disk takes no new volumes.", labels,
            disk.suspicions.isEmpty ? 0 : 1)
    }

    private mutating func add(
        _ subject: String, _ labels: Labels, _ amounts: UsageAmounts?,
        _ now: ContinuousClock.Instant
    ) {
        guard let amounts else { return }
        add("\(subject)_used_bytes", .gauge, "Bytes in use.", labels, Double(amounts.usedBytes))
        if let limit = amounts.limitBytes {
            add(
                "\(subject)_limit_bytes", .gauge, "Bytes that can be stored in all.", labels,
                Double(limit))
        }
        if let inodes = amounts.usedInodes {
            add("\(subject)_used_inodes", .gauge, "Inodes in use.", labels, Double(inodes))
        }
        if let limit = amounts.limitInodes {
            add("\(subject)_limit_inodes", .gauge, "Inodes in all.", labels, Double(limit))
        }
        add(
            "\(subject)_usage_age_seconds", .gauge, "Since when the figures are known.",
            labels + [("source", amounts.source.rawValue)], amounts.age(now))
    }

    private mutating func add(_ subject: String, _ labels: Labels, _ traffic: BlockTraffic?) {
        guard let traffic else { return }
        let counters: [(String, String, Double)] = [
            ("read_bytes", "Bytes read.", Double(traffic.readBytes)),
            ("written_bytes", "Bytes written.", Double(traffic.writtenBytes)),
            ("reads", "Read requests.", Double(traffic.reads)),
            ("writes", "Write requests.", Double(traffic.writes)),
        ]
        for (name, help, value) in counters {
            add("\(subject)_\(name)_total", .counter, help, labels, value)
        }
        guard let wait = traffic.waitMilliseconds else { return }
        add(
            "\(subject)_wait_seconds_total", .counter,
            "Time of all requests from submission to completion.", labels, Double(wait) / 1000)
    }

    private mutating func add(
        _ name: String, _ kind: Kind, _ help: String, _ labels: Labels, _ value: Double
    ) {
        if lines[name] == nil {
            order.append(name)
            lines[name] = ["# HELP \(name) \(help)", "# TYPE \(name) \(kind.rawValue)"]
        }
        let pairs = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
        lines[name]?.append("\(name)\(pairs.isEmpty ? "" : "{\(pairs)}") \(Self.number(value))")
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    /// As the text format wants it in quotes.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
