import Linux
import Model
import Volumes

/// How much of something is used, how that was found, and when.
struct UsageAmounts: Sendable {
    /// How a figure was found.
    enum Source: String, Sendable {
        /// The kernel's own counters of a project or a qgroup.
        case quota
        /// A file system of its own.
        case statvfs
        /// A count of the tree.
        case walk
        /// The last point of the history, from before the agent's start.
        case history
    }

    var usedBytes: Int64
    /// What can be stored in all; nil: nothing but the disk limits it.
    var limitBytes: Int64?
    var usedInodes: Int64?
    var limitInodes: Int64?
    var source: Source
    var at: ContinuousClock.Instant

    /// Seconds since the figures were right.
    func age(_ now: ContinuousClock.Instant = .now) -> Double {
        max(0, (now - at) / .seconds(1))
    }
}

extension UsageAmounts {
    init(_ usage: VolumeUsage, _ source: Source) {
        self.init(
            usedBytes: usage.usedBytes, limitBytes: usage.usableBytes,
            usedInodes: usage.usedInodes, limitInodes: usage.usableInodes, source: source,
            at: .now)
    }
}

extension BackendKind {
    /// How its usage is found.
    var usageSource: UsageAmounts.Source {
        switch self {
        case .projectQuota, .btrfs: .quota
        case .loopExt4, .loopXFS, .lvmThinExt4, .lvmThinXFS, .mountDisk: .statvfs
        case .directory: .walk
        }
    }

    /// Whether a volume's directory is on a device that no other volume is on.
    var hasOwnDevice: Bool {
        switch self {
        case .loopExt4, .loopXFS, .lvmThinExt4, .lvmThinXFS, .mountDisk: true
        case .projectQuota, .btrfs, .directory: false
        }
    }
}

/// What a device had done when a volume came to it.
struct TrafficBaseline: Sendable {
    let device: DeviceNumber
    let traffic: BlockTraffic
}

extension BlockTraffic {
    /// What came after an earlier look at the same counters.
    func since(_ earlier: BlockTraffic) -> BlockTraffic {
        var result = self
        result.readBytes = max(0, readBytes - earlier.readBytes)
        result.writtenBytes = max(0, writtenBytes - earlier.writtenBytes)
        result.reads = max(0, reads - earlier.reads)
        result.writes = max(0, writes - earlier.writes)
        result.waitMilliseconds = waitMilliseconds.map {
            max(0, $0 - (earlier.waitMilliseconds ?? 0))
        }
        return result
    }
}
