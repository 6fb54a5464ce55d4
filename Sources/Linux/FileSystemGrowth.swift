internal import CLinux

/// Growth of a mounted file system to the new size of its device.
package enum FileSystemGrowth {
    package static func growXFS(mountedAt path: String, to bytes: Int64) throws(SystemError) {
        let root = try Descriptor.openDirectory(path)
        let number = root.number
        try SystemError.check("ioctl XFS_IOC_FSGROWFSDATA", path) {
            clinux_xfs_grow(number, UInt64(bytes))
        }
    }

    /// EPERM without CAP_SYS_RESOURCE.
    package static func growExt4(
        mountedAt path: String, to bytes: Int64, blockSize: UInt32
    ) throws(SystemError) {
        let root = try Descriptor.openDirectory(path)
        let number = root.number
        try SystemError.check("ioctl EXT4_IOC_RESIZE_FS", path) {
            clinux_ext4_grow(number, UInt64(bytes), blockSize)
        }
    }
}
