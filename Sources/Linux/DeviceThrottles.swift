internal import CLinux
internal import Glibc

/// Limits of whole devices, whoever uses them: of cgroup v1 in the root group, for what is written
/// back later is done there and not in the group of who wrote it; of v2, whose root has no limits,
/// in the group that holds all containers, which is charged with what they had written back.
package struct DeviceThrottles: Hashable, Sendable {
    private let directory: String
    private let isUnified: Bool

    /// Nil where this machine can limit no device. `containers` is the path of the group that holds
    /// all containers, as in `Cgroup`; it counts in v2 only.
    package init?(_ layout: CgroupLayout, containers: String) {
        switch layout.version {
        case .v1, .hybrid:
            guard let root = layout.controllers["blkio"],
                FileStatus.exists("\(root)/\(DeviceRates.Kind.readBytes.file)")
            else { return nil }
            directory = root
            isUnified = false
        case .v2:
            guard let root = layout.controllers["io"] else { return nil }
            directory = root + containers
            isUnified = true
        }
    }

    /// Those of one container's group; nil where its controller is not there.
    package init?(_ group: Cgroup) {
        let isUnified = group.layout.version == .v2
        let file = isUnified ? "io.max" : DeviceRates.Kind.readBytes.file
        guard let path = group.file(isUnified ? "io" : "blkio", file) else { return nil }
        directory = Files.parent(of: path)
        self.isUnified = isUnified
    }

    /// In a directory that holds the files; for tests.
    init(directory: String, isUnified: Bool) {
        self.directory = directory
        self.isUnified = isUnified
    }

    /// All that is set now.
    package func table() throws(SystemError) -> ThrottleTable {
        if isUnified {
            // The group is made with the first container.
            guard FileStatus.exists(directory) else { return ThrottleTable() }
            return ThrottleTable(ioMax: try KernelText.read("\(directory)/io.max"))
        }
        var table = ThrottleTable()
        for kind in DeviceRates.Kind.allCases {
            table.add(try KernelText.read("\(directory)/\(kind.file)"), kind)
        }
        return table
    }

    /// Makes a device's limits these and no others; ENODEV: it is a part of a disk, or none.
    package func set(_ rates: DeviceRates, of device: DeviceNumber) throws(SystemError) {
        let old = try table().rates[device] ?? DeviceRates()
        if isUnified, !rates.isEmpty { try makeGroup() }
        for write in ThrottleWrite.plan(device, from: old, to: rates, isUnified: isUnified) {
            try Self.write(write.text, to: "\(directory)/\(write.file)")
        }
    }

    /// Takes the limits off loop devices that stand on nothing any more.
    ///
    /// Nothing is attached meanwhile (`LoopDevice.attach` waits), so that no new device's limits
    /// are taken for old ones.
    package func clearStale() throws(SystemError) {
        guard try !table().rates.isEmpty else { return }
        let control = try Descriptor.open("/dev/loop-control", .readWrite)
        let number = control.number
        try SystemError.check("flock", "/dev/loop-control") { flock(number, LOCK_EX) }
        let attached = Set(try LoopDevice.attached().map(\.number))
        for device in try table().stale(attached: attached) {
            try set(DeviceRates(), of: device)
        }
    }

    /// More than any disk does.
    private static let unreached: Int64 = 1 << 50

    /// Has cgroup v1 count for each group what it does on a device: the kernel begins with the
    /// first limit of that device, and goes on when it is gone. Changes nothing where one is set.
    package func startCounting(on device: DeviceNumber) throws(SystemError) {
        guard !isUnified else { return }
        let marker = DeviceRates(readBytes: Self.unreached)
        let now = try table().rates[device]
        guard now == nil || now == marker else { return }
        try set(marker, of: device)
        try set(DeviceRates(), of: device)
    }

    /// The controller has to be handed down, level by level.
    private func makeGroup() throws(SystemError) {
        guard !FileStatus.exists(directory) else { return }
        let parent = Files.parent(of: directory)
        try Files.makeDirectory(parent)
        try Self.write("+io", to: "\(Files.parent(of: parent))/cgroup.subtree_control")
        try Self.write("+io", to: "\(parent)/cgroup.subtree_control")
        try Files.makeDirectory(directory)
    }

    private static func write(_ text: String, to path: String) throws(SystemError) {
        let number = try SystemError.check("open", path) { open(path, O_WRONLY | O_CLOEXEC) }
        let file = Descriptor(owning: number)
        let bytes = Array(text.utf8)
        try SystemError.check("write '\(text)'", path) {
            Glibc.write(file.number, bytes, bytes.count)
        }
    }
}
