import Foundation
import Linux
import Logging
import Model
import Synchronization

/// Which disks are suspect, and why: they take no new volumes.
///
/// A file system that has become read-only is noticed at once (the kernel tells of each change of
/// the mounts), errors of a device with the next look at the kernel's log and counters, SMART's
/// verdict once an hour where smartctl is installed. What a disk was suspected of stays until the
/// agent's next start, but for a mount that can be written again.
final class DiskHealth: Sendable {
    private struct State {
        var disks: [Disk] = []
        /// Reasons by disk, the first of each kind.
        var faults: [String: [String: String]] = [:]
        var errorCounts: [String: Int64] = [:]
        var askedSmartAt: ContinuousClock.Instant?
    }

    /// What is looked at of a disk.
    private struct Disk {
        let name: String
        let path: String
        let number: DeviceNumber
        /// `sda1` and `sda`.
        let devices: [String]
    }

    private static let smartctl = "/usr/sbin/smartctl"

    private let volumes: AgentVolumes
    private let emit: @Sendable (UsageEvent) -> Void
    private let thread = BlockingThreads("disk-health", limit: 1)
    private let state = Mutex(State())
    private let log = Mutex(KernelLog())

    init(volumes: AgentVolumes, emit: @escaping @Sendable (UsageEvent) -> Void) {
        self.volumes = volumes
        self.emit = emit
        let mounts = (try? MountTable.current()) ?? MountTable(text: "")
        let disks = volumes.places.compactMap { name, path -> Disk? in
            guard let number = mounts.containing(path)?.device else { return nil }
            return Disk(
                name: name, path: path, number: number, devices: Self.devices(number))
        }
        state.withLock { $0.disks = disks }
    }

    /// Looks now, and from now on whenever the mounts change.
    func start() {
        thread.run { [self] in look(isMountsOnly: false) }
        _ = try? MountWatch(name: "mount-watch") { [self] in
            thread.run { [self] in look(isMountsOnly: true) }
        }
    }

    /// Looks at all that does not tell by itself; returns at once.
    func check() { thread.run { [self] in look(isMountsOnly: false) } }

    private func look(isMountsOnly: Bool) {
        let disks = state.withLock { $0.disks }
        lookAtMounts(disks)
        guard !isMountsOnly else { return }
        let faults = log.withLock { $0?.news() ?? [] }.compactMap { DeviceFault(line: $0) }
        for disk in disks {
            if let fault = faults.first(where: { disk.devices.contains($0.device) }) {
                suspect(disk, "kernel", "the kernel reports: \(fault.text)")
            }
            lookAtCounter(disk)
        }
        askSmart(disks)
    }

    private func lookAtMounts(_ disks: [Disk]) {
        guard let mounts = try? MountTable.current() else { return }
        for disk in disks {
            guard let mount = mounts.containing(disk.path), mount.device == disk.number else {
                suspect(disk, "mount", "its file system is not mounted at \(disk.path) any more")
                continue
            }
            if mount.superOptions.contains("ro") || mount.options.contains("ro") {
                suspect(disk, "mount", "its file system is read-only")
            } else {
                clear(disk, "mount")
            }
        }
    }

    /// SCSI disks count the commands that failed, as a hexadecimal number.
    private func lookAtCounter(_ disk: Disk) {
        guard let device = disk.devices.last,
            let line = KernelText.line("/sys/block/\(device)/device/ioerr_cnt"),
            let count = Int64(line.dropFirst(2), radix: 16)
        else { return }
        let before = state.withLock { $0.errorCounts.updateValue(count, forKey: disk.name) }
        guard let before, count > before else { return }
        suspect(disk, "counter", "\(count - before) commands of \(device) failed")
    }

    /// At most once an hour: it wakes a disk that sleeps.
    private func askSmart(_ disks: [Disk]) {
        let now = ContinuousClock.now
        let isDue = state.withLock { state in
            guard state.askedSmartAt.map({ now - $0 > .seconds(3600) }) ?? true else {
                return false
            }
            state.askedSmartAt = now
            return true
        }
        guard isDue, FileStatus.exists(Self.smartctl) else { return }
        for disk in disks {
            guard let device = disk.devices.last,
                let outcome = try? Command(
                    Self.smartctl, ["--health", "--nocheck=standby", "/dev/\(device)"],
                    timeoutMilliseconds: 30_000
                ).run(), case .exited(let status) = outcome.ending,
                SmartStatus.isFailing(status)
            else { continue }
            suspect(disk, "smart", "SMART says that \(device) is failing")
        }
    }

    // MARK: verdicts

    private func suspect(_ disk: Disk, _ kind: String, _ reason: String) {
        let isNew = state.withLock { state in
            guard state.faults[disk.name]?[kind] == nil else { return false }
            state.faults[disk.name, default: [:]][kind] = reason
            return true
        }
        if isNew { publish(disk, "disk-suspect", "is suspect: \(reason)") }
    }

    private func clear(_ disk: Disk, _ kind: String) {
        let wasThere = state.withLock {
            $0.faults[disk.name]?.removeValue(forKey: kind) != nil
        }
        if wasThere { publish(disk, "disk-recovered", "can be written again") }
    }

    private func publish(_ disk: Disk, _ kind: String, _ text: String) {
        let reasons = state.withLock { state in
            (state.faults[disk.name] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
        }
        volumes.suspicions.withLock { $0[disk.name] = reasons.isEmpty ? nil : reasons }
        emit(
            UsageEvent(
                kind, disk: disk.name, text: "the disk of \(disk.path) \(text)",
                concerned: volumes.concerned(disk.name), time: Int64(Date().timeIntervalSince1970)))
    }

    /// The names of a device: its own, and that of the whole disk where it is a partition.
    private static func devices(_ number: DeviceNumber) -> [String] {
        let place = "/sys/dev/block/\(number)"
        guard let target = Files.linkTarget(place) else { return [] }
        let names = target.split(separator: "/").map(String.init)
        guard let name = names.last else { return [] }
        guard FileStatus.exists("\(place)/partition"), names.count > 1 else { return [name] }
        return [name, names[names.count - 2]]
    }
}

/// What smartctl's exit status says.
enum SmartStatus {
    /// Bit 3: the disk says of itself that it fails. Other bits mean that it could not be asked, or
    /// tell of the past.
    static func isFailing(_ exitStatus: Int32) -> Bool { exitStatus & 8 != 0 }
}
