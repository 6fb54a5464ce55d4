internal import Glibc

/// Block devices that stand on no file of ours.
package enum BlockDevice {
    /// Whether no mount, in whatever namespace, and no other device has it: only then does the
    /// kernel grant an exclusive open.
    package static func isUnused(_ path: String) throws(SystemError) -> Bool {
        do {
            let number = try SystemError.check("open", path) {
                open(path, O_RDWR | O_EXCL | O_CLOEXEC)
            }
            close(number)
            return true
        } catch {
            guard error.isBusy else { throw error }
            return false
        }
    }

    /// Who has it mounted: of each mount namespace a process, with each place.
    package static func holders(_ path: String, _ number: DeviceNumber) -> [LoopHolder] {
        let users = LoopDevice.users(
            of: LoopAttachment(path: path, number: number, device: 0, inode: 0, file: path))
        let unknown = LoopHolder(device: path, process: nil, command: nil, mountPoint: nil)
        return users.isEmpty ? [unknown] : users
    }

    /// The number of a device file; nil where there is none.
    package static func number(_ path: String) -> DeviceNumber? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFBLK else { return nil }
        return DeviceNumber(UInt64(status.st_rdev))
    }

    /// The name that device-mapper has for a device; nil for any other.
    package static func mapperName(of number: DeviceNumber) -> String? {
        KernelText.line("/sys/dev/block/\(number)/dm/name")
    }
}
