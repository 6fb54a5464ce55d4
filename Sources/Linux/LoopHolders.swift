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

/// A loop device and what it stands on.
package struct LoopAttachment: Hashable, Sendable {
    /// `/dev/loop3`.
    package let path: String
    package let number: DeviceNumber
    /// The file's own identity.
    package let device: UInt64
    package let inode: UInt64
    /// As the kernel names the file: with ` (deleted)` at its end once it is.
    package let file: String

    package init(
        path: String, number: DeviceNumber, device: UInt64, inode: UInt64, file: String
    ) {
        self.path = path
        self.number = number
        self.device = device
        self.inode = inode
        self.file = file
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

    /// Every loop device of this machine that stands on something.
    package static func attached() throws(SystemError) -> [LoopAttachment] {
        var attached: [LoopAttachment] = []
        for name in try Files.list("/sys/block") where name.hasPrefix("loop") {
            // Only a bound device has this file; the name in it may be stale or "(deleted)".
            guard let file = KernelText.line("/sys/block/\(name)/loop/backing_file"),
                let backing = try backing(ofDevice: "/dev/\(name)"),
                let numbers = KernelText.line("/sys/block/\(name)/dev")?.split(separator: ":"),
                numbers.count == 2, let major = UInt32(numbers[0]), let minor = UInt32(numbers[1])
            else { continue }
            attached.append(
                LoopAttachment(
                    path: "/dev/\(name)", number: DeviceNumber(major: major, minor: minor),
                    device: backing.device, inode: backing.inode, file: file))
        }
        return attached
    }

    /// Who has a loop device mounted: of each mount namespace a process, with each place.
    package static func users(of loop: LoopAttachment) -> [LoopHolder] {
        users(of: loop, in: mountsOfAllNamespaces())
    }

    private static func users(
        of loop: LoopAttachment, in mounts: [(process: Int32, table: MountTable)]
    ) -> [LoopHolder] {
        mounts.flatMap { namespace in
            namespace.table.entries.filter { $0.device == loop.number }.map {
                LoopHolder(
                    device: loop.path, process: namespace.process,
                    command: KernelText.line("/proc/\(namespace.process)/comm"),
                    mountPoint: $0.mountPoint)
            }
        }
    }

    /// Takes the file off a loop device that nothing uses; in use, the device goes with its last
    /// user.
    package static func clear(_ path: String) throws(SystemError) {
        let loop = try Descriptor.open(path, .readWrite)
        let number = loop.number
        try SystemError.check("ioctl LOOP_CLR_FD", path) { clinux_loop_clear(number) }
    }

    private static func holders(device: UInt64, inode: UInt64) throws(SystemError) -> [LoopHolder] {
        let attached = try attached().filter { $0.device == device && $0.inode == inode }
        guard !attached.isEmpty else { return [] }
        let mounts = mountsOfAllNamespaces()
        return attached.flatMap { loop -> [LoopHolder] in
            let users = users(of: loop, in: mounts)
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
