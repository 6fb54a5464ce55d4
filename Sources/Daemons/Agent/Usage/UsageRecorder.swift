import Foundation
import Glibc
import Linux
import Logging
import Model
import Synchronization
import Volumes

/// Writes the history of each volume, forecasts when it will be full, and tells of what is crossed.
///
/// A disk that takes no more points stops nothing: the points of that time are missing.
final class UsageRecorder: Sendable {
    private struct Entry {
        let file: UsageHistoryFile
        var rollup: UsageRollup
        var alarms: UsageAlarms
        var forecast = UsageForecast.unknown
        var forecastAt: Int64 = 0
        var forecastBytes: Int64 = -1
    }

    /// A forecast of an unchanged volume becomes better only slowly.
    private static let secondsBetweenForecasts: Int64 = 1800

    private let directory: String
    private let logger: Logger
    private let entries = Mutex<[VolumeUUID: Entry]>([:])
    private let counts = Mutex<[String: Int]>([:])
    /// What counts where a role's policy says nothing.
    private let alarms: AlarmRule
    /// Who hears of events: at once, on the thread that found it; must not block.
    private let listeners: [@Sendable (UsageEvent) -> Void]

    init(
        workDirectory: String, logger: Logger, alarms: AlarmRule = .usual,
        listeners: [@Sendable (UsageEvent) -> Void]
    ) {
        directory = workDirectory + "/usage"
        self.logger = logger
        self.alarms = alarms
        self.listeners = listeners
        try? Files.makeDirectories(directory, mode: 0o700)
    }

    /// How many events of a kind there were since the start, by kind.
    var eventCounts: [(kind: String, count: Int)] {
        counts.withLock { counts in counts.sorted { $0.key < $1.key } }
            .map { (kind: $0.key, count: $0.value) }
    }

    func forecast(_ uuid: VolumeUUID) -> UsageForecast {
        entries.withLock { $0[uuid]?.forecast } ?? .unknown
    }

    /// Takes what was read just now; `now` is the wall clock's, in seconds since 1970. Without
    /// rules nothing is told yet.
    func record(
        _ volumes: [UsageSnapshot.Volume], rules: [RoleDiskRule]? = [],
        now: Int64 = Int64(Date().timeIntervalSince1970)
    ) {
        var events: [UsageEvent] = []
        for volume in volumes where volume.problem == nil {
            guard let amounts = volume.amounts, amounts.source != .history else { continue }
            let rule = rules.map { $0.nearest(to: volume.role)?.alarms ?? alarms }
            events += record(volume, amounts, rule, now)
        }
        let present = Set(volumes.map(\.uuid))
        entries.withLock { entries in
            for uuid in entries.keys where !present.contains(uuid) { entries[uuid] = nil }
        }
        for event in events { emit(event) }
    }

    /// Tells everybody of an event: the log, the metrics, the listeners.
    func emit(_ event: UsageEvent) {
        logger.warning("\(event.text)", metadata: ["event": "\(event.kind)"])
        counts.withLock { $0[event.kind, default: 0] += 1 }
        for listener in listeners { listener(event) }
    }

    private func record(
        _ volume: UsageSnapshot.Volume, _ amounts: UsageAmounts, _ rule: AlarmRule?, _ now: Int64
    ) -> [UsageEvent] {
        guard var entry = entry(volume.uuid, now) else { return [] }
        let limit = amounts.limitBytes ?? 0
        let writes = entry.rollup.add(
            UsagePoint(
                time: now, lastBytes: amounts.usedBytes, limitBytes: limit,
                usedInodes: amounts.usedInodes))
        try? entry.file.write(writes)
        let isNewMinute = !writes.isEmpty
        let hasChanged = amounts.usedBytes != entry.forecastBytes
        if isNewMinute && hasChanged || abs(now - entry.forecastAt) >= Self.secondsBetweenForecasts
        {
            entry.forecast = forecast(entry, limit, now)
            entry.forecastAt = now
            entry.forecastBytes = amounts.usedBytes
        }
        let before = entry.alarms
        var crossings: [UsageAlarms.Crossing] = []
        if let rule {
            crossings = entry.alarms.judge(
                usedBytes: amounts.usedBytes, limitBytes: limit, forecast: entry.forecast, by: rule)
        }
        // Stored before anybody hears of it: after a crash it is not told again.
        if entry.alarms != before { try? entry.file.write(entry.alarms) }
        let result = entry
        entries.withLock { $0[volume.uuid] = result }
        return crossings.map {
            UsageEvent(
                $0,
                UsageEvent.Volume(
                    uuid: volume.uuid, persistenceID: volume.persistenceID, role: volume.role,
                    usedBytes: amounts.usedBytes, limitBytes: limit),
                entry.forecast, time: now)
        }
    }

    private func entry(_ uuid: VolumeUUID, _ now: Int64) -> Entry? {
        if let entry = entries.withLock({ $0[uuid] }) { return entry }
        guard let file = UsageHistoryFile(directory: directory, uuid: uuid) else { return nil }
        var missing: [UsageRollup.Write] = []
        let rollup = UsageRollup(
            minutes: file.points(.minute), hours: file.points(.hour), days: file.points(.day),
            now: now, missing: &missing)
        if !missing.isEmpty { try? file.write(missing) }
        return Entry(file: file, rollup: rollup, alarms: file.alarms())
    }

    private func forecast(_ entry: Entry, _ limit: Int64, _ now: Int64) -> UsageForecast {
        UsageForecast.of(
            minutes: series(.minute, entry, now), hours: series(.hour, entry, now), limit: limit,
            now: now)
    }

    private func series(_ step: UsageStep, _ entry: Entry, _ now: Int64) -> [UsagePoint] {
        entry.rollup.series(step, stored: entry.file.points(step), now: now)
    }

    /// What is known of a volume, by steps; nil: nothing yet. Reads the file.
    func history(
        _ uuid: VolumeUUID, now: Int64 = Int64(Date().timeIntervalSince1970)
    ) -> (series: [(UsageStep, [UsagePoint])], forecast: UsageForecast)? {
        guard let entry = entries.withLock({ $0[uuid] }) else { return nil }
        return (UsageStep.allCases.map { ($0, series($0, entry, now)) }, entry.forecast)
    }

    /// What was known last before this start, of a volume that can't be read now.
    func lastKnown(
        _ uuid: VolumeUUID, now: Int64 = Int64(Date().timeIntervalSince1970)
    ) -> UsageAmounts? {
        guard let file = UsageHistoryFile(directory: directory, uuid: uuid) else { return nil }
        for step in UsageStep.allCases {
            let points = UsageRollup().series(step, stored: file.points(step), now: now)
            guard let last = points.last else { continue }
            return UsageAmounts(
                usedBytes: last.lastBytes, limitBytes: last.limitBytes,
                usedInodes: last.usedInodes, limitInodes: nil, source: .history,
                at: .now - .seconds(now - last.time))
        }
        return nil
    }

    /// Removes the histories of volumes that are no more.
    func prune(keeping uuids: Set<VolumeUUID>) {
        guard let names = try? Files.list(directory) else { return }
        for name in names where !uuids.contains(VolumeUUID(name)) {
            _ = try? Files.remove("\(directory)/\(name)")
        }
    }
}
