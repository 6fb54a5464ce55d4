/// What a control group may do on one device in a second; nil: no limit.
package struct DeviceRates: Hashable, Sendable, Codable {
    package var readBytes: Int64?
    package var writtenBytes: Int64?
    package var reads: Int64?
    package var writes: Int64?

    package init(
        readBytes: Int64? = nil, writtenBytes: Int64? = nil, reads: Int64? = nil,
        writes: Int64? = nil
    ) {
        self.readBytes = readBytes
        self.writtenBytes = writtenBytes
        self.reads = reads
        self.writes = writes
    }

    package var isEmpty: Bool { self == DeviceRates() }

    /// The smaller of each two.
    package func stricter(_ other: DeviceRates) -> DeviceRates {
        var result = self
        for kind in Kind.allCases {
            if let limit = other[kind] { result[kind] = min(limit, result[kind] ?? limit) }
        }
        return result
    }

    /// The four kinds, in the order of their files in cgroup v1 and their keys in `io.max`.
    enum Kind: CaseIterable {
        case readBytes, writtenBytes, reads, writes

        /// The file of cgroup v1.
        var file: String {
            switch self {
            case .readBytes: "blkio.throttle.read_bps_device"
            case .writtenBytes: "blkio.throttle.write_bps_device"
            case .reads: "blkio.throttle.read_iops_device"
            case .writes: "blkio.throttle.write_iops_device"
            }
        }

        /// The key in cgroup v2's `io.max`.
        var key: String {
            switch self {
            case .readBytes: "rbps"
            case .writtenBytes: "wbps"
            case .reads: "riops"
            case .writes: "wiops"
            }
        }
    }

    subscript(kind: Kind) -> Int64? {
        get {
            switch kind {
            case .readBytes: readBytes
            case .writtenBytes: writtenBytes
            case .reads: reads
            case .writes: writes
            }
        }
        set {
            switch kind {
            case .readBytes: readBytes = newValue
            case .writtenBytes: writtenBytes = newValue
            case .reads: reads = newValue
            case .writes: writes = newValue
            }
        }
    }
}

/// What may be done on one device.
package struct DeviceThrottle: Hashable, Sendable {
    package var device: DeviceNumber
    package var rates: DeviceRates

    package init(device: DeviceNumber, rates: DeviceRates) {
        self.device = device
        self.rates = rates
    }
}

/// The throttles that are set in one control group, by device.
package struct ThrottleTable: Hashable, Sendable {
    package private(set) var rates: [DeviceNumber: DeviceRates] = [:]

    package init() {}

    /// Adds the lines of one of cgroup v1's files: `7:1 5242880`.
    mutating func add(_ text: String, _ kind: DeviceRates.Kind) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let device = DeviceNumber(text: words[0]),
                let value = Int64(words[1])
            else { continue }
            rates[device, default: DeviceRates()][kind] = value
        }
    }

    /// From the text of `io.max`: lines like `7:1 rbps=max wbps=5242880 riops=max wiops=max`.
    package init(ioMax text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let device = words.first.flatMap({ DeviceNumber(text: $0) }) else { continue }
            var found = DeviceRates()
            for word in words.dropFirst() {
                let parts = word.split(separator: "=")
                guard parts.count == 2, let value = Int64(parts[1]) else { continue }
                for kind in DeviceRates.Kind.allCases where kind.key == parts[0] {
                    found[kind] = value
                }
            }
            if !found.isEmpty { rates[device] = found }
        }
    }

    /// Those set for loop devices that stand on nothing: left by one that is gone, and a trap for
    /// the next one that gets the number. Sorted.
    package func stale(attached: Set<DeviceNumber>) -> [DeviceNumber] {
        rates.keys.filter { $0.isLoop && !attached.contains($0) }
            .sorted { ($0.major, $0.minor) < ($1.major, $1.minor) }
    }
}

/// One line for one of a control group's files.
struct ThrottleWrite: Hashable, Sendable {
    let file: String
    let text: String

    /// What makes `old` into `new` on a device, in the form of a version of control groups.
    static func plan(
        _ device: DeviceNumber, from old: DeviceRates, to new: DeviceRates, isUnified: Bool
    ) -> [ThrottleWrite] {
        guard old != new else { return [] }
        if isUnified {
            let values = DeviceRates.Kind.allCases.map { kind in
                "\(kind.key)=" + (new[kind].map(String.init) ?? "max")
            }
            return [
                ThrottleWrite(
                    file: "io.max", text: "\(device) " + values.joined(separator: " "))
            ]
        }
        // Zero takes a limit away.
        return DeviceRates.Kind.allCases.filter { old[$0] != new[$0] }.map { kind in
            ThrottleWrite(file: kind.file, text: "\(device) \(new[kind] ?? 0)")
        }
    }
}
