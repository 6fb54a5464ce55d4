/// Something about a volume or a disk of an agent that somebody should hear of once.
package struct UsageAlarm: Hashable, Sendable {
    /// Like `volume-over`: stable, for programs.
    package var kind: String
    /// For people.
    package var text: String
    /// Since 1970.
    package var nanoseconds: Int64
    /// The volume, or of a whole disk those on it.
    package var volumes: [VolumeUUID] = []
    package var persistenceID: String?
    package var role: String?
    package var usedBytes: Int64?
    package var limitBytes: Int64?
    /// The threshold.
    package var percent: Int?
    package var fullInSeconds: Int64?
    package var earliestSeconds: Int64?
    package var latestSeconds: Int64?
    /// As `--resources` names its root.
    package var disk: String?

    /// What an agent may send of one alarm.
    package static let textBytesAtMost = 4096
    package static let volumesAtMost = 1000

    package init(kind: String, text: String, nanoseconds: Int64) {
        self.kind = kind
        self.text = text
        self.nanoseconds = nanoseconds
    }
}
