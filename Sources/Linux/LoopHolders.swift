internal import CLinux
internal import Glibc

/// Who keeps a loop device of an image alive.
package struct LoopHolder: Hashable, Sendable, CustomStringConvertible {
    /// `/dev/loop3`; nil where the image itself is held open by someone unknown.
    package let device: String?
    /// A process in the mount namespace that holds a mount of it; nil where none was found.
    package let process: Int32?
    /// That process's name.
    package let command: String?
    package let mountPoint: String?

    package var description: String {
        guard let device else { return "a process that has the image open" }
        guard let process, let mountPoint else { return "\(device), which no visible mount uses" }
        return "\(device), mounted at \(mountPoint) for process \(process) (\(command ?? "?"))"
    }
}

extension LoopDevice {
    /// Why an image may not be touched.
    package enum DetachmentError: Error, Hashable, Sendable {
        case stillAttached(by: [LoopHolder])
        case system(SystemError)
    }

    /// Returns only if no loop device and no other process has the image open.
    ///
    /// The proof is a write lease, which the kernel grants only then. A device that is just being
    /// let go, or a child between fork and exec, is waited for up to `patienceMilliseconds`.
    package static func proveDetached(
        image path: String, patienceMilliseconds: Int64 = 5000
    ) throws(DetachmentError) {
        let limit = MonotonicTime.milliseconds() + patienceMilliseconds
        while true {
            let found: [LoopHolder]
            do {
                let image = try Descriptor.open(path, .readWrite)
                let number = image.number
                if clinux_prove_unopened(number) == 0 { return }
                let isLeaseKnown = errno == EAGAIN || errno == EBUSY
                let status = try FileStatus.of(image, path)
                found = try holders(device: status.device, inode: status.inode)
                // A file system without leases: the scan is all there is.
                if !isLeaseKnown, found.isEmpty { return }
            } catch {
                throw .system(error)
            }
            let isSettled = found.contains { $0.process != nil }
            if isSettled || MonotonicTime.milliseconds() >= limit {
                let unknown = LoopHolder(
                    device: nil, process: nil, command: nil, mountPoint: nil)
                throw .stillAttached(by: found.isEmpty ? [unknown] : found)
            }
            usleep(2000)
        }
    }

    /// The loop devices on an image and, of each mount namespace that has one mounted, a process.
    package static func holders(ofImage path: String) throws(SystemError) -> [LoopHolder] {
        let status = try FileStatus.of(path)
        return try holders(device: status.device, inode: status.inode)
    }

    private static func holders(device: UInt64, inode: UInt64) throws(SystemError) -> [LoopHolder] {
        var attached: [(path: String, number: DeviceNumber)] = []
        for name in try Files.list("/sys/block") where name.hasPrefix("loop") {
            // Only a bound device has this file; the name in it may be stale or "(deleted)".
            guard access("/sys/block/\(name)/loop/backing_file", F_OK) == 0,
                let backing = try backing(ofDevice: "/dev/\(name)"),
                backing.device == device, backing.inode == inode,
                let numbers = KernelText.line("/sys/block/\(name)/dev")?.split(separator: ":"),
                numbers.count == 2, let major = UInt32(numbers[0]), let minor = UInt32(numbers[1])
            else { continue }
            attached.append(("/dev/\(name)", DeviceNumber(major: major, minor: minor)))
        }
        guard !attached.isEmpty else { return [] }
        let mounts = mountsOfAllNamespaces()
        return attached.flatMap { loop -> [LoopHolder] in
            let users = mounts.flatMap { namespace in
                namespace.table.entries.filter { $0.device == loop.number }.map {
                    LoopHolder(
                        device: loop.path, process: namespace.process,
                        command: KernelText.line("/proc/\(namespace.process)/comm"),
                        mountPoint: $0.mountPoint)
                }
            }
            let unused = LoopHolder(
                device: loop.path, process: nil, command: nil, mountPoint: nil)
            return users.isEmpty ? [unused] : users
        }
    }

    private static func backing(ofDevice path: String) throws(SystemError) -> Backing? {
        do {
            return try backing(try Descriptor.open(path), path)
        } catch {
            guard error.isNotFound || error.errno == ENXIO else { throw error }
            return nil
        }
    }

    /// One process and its mount table for each mount namespace; this process's comes first.
    private static func mountsOfAllNamespaces() -> [(process: Int32, table: MountTable)] {
        var seen: [String] = []
        var result: [(process: Int32, table: MountTable)] = []
        let others = ((try? Files.list("/proc")) ?? []).compactMap { Int32($0) }.sorted()
        for process in [getpid()] + others {
            guard let namespace = Files.linkTarget("/proc/\(process)/ns/mnt"),
                !seen.contains(namespace), let table = try? MountTable.of(process: process)
            else { continue }
            seen.append(namespace)
            result.append((process, table))
        }
        return result
    }
}
