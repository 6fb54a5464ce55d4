import MesosAPI

/// Rates out of two looks at agents' counters.
enum DiskTop {
    typealias Traffic = Mesos_V1_Agent_Response.DiskTraffic

    struct Row {
        let agent: String
        let disk: String
        let kind: String
        let name: String
        let id: String
        let role: String
        let device: String
        /// Each of a second.
        let readBytes: Double
        let writtenBytes: Double
        let reads: Double
        let writes: Double
        /// Of one request; nil: none ended, or it is not counted.
        let waitMilliseconds: Double?
        let limits: Mesos_V1_Resource.DiskInfo.Limits?
        /// `executor of framework`, each.
        let owners: [String]
        /// Of all that volumes and sandboxes of its disk do, in bytes; nil: of a disk, or nothing.
        var share: Double?

        var bytes: Double { readBytes + writtenBytes }
    }

    /// Disks first, then the noisiest; what came or began to count anew between the looks is left
    /// out.
    static func rows(_ before: [String: Traffic], _ after: [String: Traffic]) -> [Row] {
        var rows = after.sorted { $0.key < $1.key }.flatMap { agent, now -> [Row] in
            guard let old = before[agent], now.nanoseconds > old.nanoseconds else { return [] }
            let seconds = Double(now.nanoseconds - old.nanoseconds) / 1e9
            let known = Dictionary(old.rows.map { (key($0), $0) }) { first, _ in first }
            return now.rows.compactMap { entry in
                known[key(entry)].flatMap { row(agent, $0, entry, seconds) }
            }
        }
        for index in rows.indices where rows[index].kind != "disk" {
            let sum = rows.filter {
                $0.kind != "disk" && $0.agent == rows[index].agent && $0.disk == rows[index].disk
            }.reduce(0) { $0 + $1.bytes }
            if sum > 0 { rows[index].share = rows[index].bytes / sum }
        }
        return rows.sorted { left, right in
            if (left.kind == "disk") != (right.kind == "disk") { return left.kind == "disk" }
            if left.bytes != right.bytes { return left.bytes > right.bytes }
            return (left.agent, left.name, left.id) < (right.agent, right.name, right.id)
        }
    }

    private static func key(_ row: Traffic.Row) -> String {
        "\(row.kind) \(row.id) \(row.device)"
    }

    /// Nil where a counter went back.
    private static func row(
        _ agent: String, _ old: Traffic.Row, _ new: Traffic.Row, _ seconds: Double
    ) -> Row? {
        let (before, after) = (old.counters, new.counters)
        guard after.readBytes >= before.readBytes, after.writtenBytes >= before.writtenBytes,
            after.reads >= before.reads, after.writes >= before.writes
        else { return nil }
        let count = Double(after.reads - before.reads + after.writes - before.writes)
        let isTimed = after.hasWaitSeconds && before.hasWaitSeconds && count > 0
        return Row(
            agent: agent, disk: new.kind == "disk" ? new.name : new.disk, kind: new.kind,
            name: new.name, id: new.id, role: new.role, device: new.device,
            readBytes: Double(after.readBytes - before.readBytes) / seconds,
            writtenBytes: Double(after.writtenBytes - before.writtenBytes) / seconds,
            reads: Double(after.reads - before.reads) / seconds,
            writes: Double(after.writes - before.writes) / seconds,
            waitMilliseconds: isTimed
                ? max(0, after.waitSeconds - before.waitSeconds) / count * 1000 : nil,
            limits: new.hasLimits ? new.limits : nil,
            owners: new.owners.map { "\($0.executorID.value) of \($0.frameworkID.value)" })
    }
}
