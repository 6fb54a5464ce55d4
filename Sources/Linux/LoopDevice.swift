internal import CLinux
internal import Glibc
internal import Synchronization

/// A block device that the kernel makes out of a file.
///
/// It is made with AUTOCLEAR: once the last mount and the last open file of it are gone, so is it.
package enum LoopDevice {
    /// What a loop device stands on.
    package struct Backing: Hashable, Sendable {
        package let device: UInt64
        package let inode: UInt64
        package let isDirect: Bool
    }

    /// Finding a free number and taking it are two calls; threads of this process take turns, other
    /// processes are met by trying again.
    private static let turn = Mutex(())
    private static let attempts = 64

    /// Attaches a file; the device lives while the answer or a mount of it does.
    ///
    /// Direct I/O where the file's file system can: no second copy in the page cache.
    /// `sectorSize` in bytes: 512 to 4096.
    package static func attach(
        _ image: borrowing Descriptor, _ path: String, sectorSize: UInt32
    ) throws(SystemError) -> AttachedLoop {
        let control = try Descriptor.open("/dev/loop-control", .readWrite)
        let controlNumber = control.number
        let imageNumber = image.number
        let direct = UInt32(CLINUX_LOOP_DIRECT_IO)
        var flags = UInt32(CLINUX_LOOP_AUTOCLEAR) | direct
        // Not while `DeviceThrottles` looks which devices are free.
        try SystemError.check("flock", "/dev/loop-control") { flock(controlNumber, LOCK_SH) }
        return try turn.withLock { _ throws(SystemError) -> AttachedLoop in
            for _ in 0..<attempts {
                let number = try SystemError.check("ioctl LOOP_CTL_GET_FREE", "/dev/loop-control") {
                    clinux_loop_get_free(controlNumber)
                }
                let device = "/dev/loop\(number)"
                let loop = try Descriptor.open(device, .readWrite)
                let loopNumber = loop.number
                if clinux_loop_configure(loopNumber, imageNumber, sectorSize, flags, path) == 0 {
                    return AttachedLoop(descriptor: loop, path: device)
                }
                switch errno {
                case EBUSY, EINTR: continue
                case EINVAL where flags & direct != 0: flags &= ~direct
                default: throw .last("ioctl LOOP_CONFIGURE", device)
                }
            }
            throw SystemError("ioctl LOOP_CONFIGURE", path, errno: EBUSY)
        }
    }

    /// What a loop device stands on; nil where it stands on nothing.
    package static func backing(
        _ loop: borrowing Descriptor, _ path: String
    ) throws(SystemError) -> Backing? {
        var status = clinux_loop_status()
        let number = loop.number
        do {
            try SystemError.check("ioctl LOOP_GET_STATUS64", path) {
                clinux_loop_status(number, &status)
            }
        } catch {
            guard error.errno == ENXIO else { throw error }
            return nil
        }
        return Backing(
            device: status.device, inode: status.inode,
            isDirect: status.flags & UInt32(CLINUX_LOOP_DIRECT_IO) != 0)
    }

    /// Takes over the file's new length.
    package static func updateCapacity(
        _ loop: borrowing Descriptor, _ path: String
    ) throws(SystemError) {
        let number = loop.number
        try SystemError.check("ioctl LOOP_SET_CAPACITY", path) {
            clinux_loop_set_capacity(number)
        }
    }

    /// The device file of a loop device's number, partitions or not; nil for any other device.
    package static func path(of number: DeviceNumber) -> String? {
        guard number.isLoop, let target = Files.linkTarget("/sys/dev/block/\(number)")
        else { return nil }
        return "/dev/" + Files.name(of: target)
    }
}

/// A loop device held open.
package struct AttachedLoop: ~Copyable, Sendable {
    package let descriptor: Descriptor
    /// `/dev/loop3`.
    package let path: String
}
