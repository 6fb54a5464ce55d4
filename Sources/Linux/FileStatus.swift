internal import CLinux
internal import Glibc

/// What the kernel says of a file: kind, identity, owner, size.
package struct FileStatus: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case file, directory, symbolicLink, other }

    package let kind: Kind
    /// `st_dev`: the file system that it is on.
    package let device: UInt64
    package let inode: UInt64
    package let uid: UInt32
    package let gid: UInt32
    /// Permission bits with set-id and sticky bits.
    package let mode: UInt32
    /// Length in bytes.
    package let size: Int64
    /// Bytes allocated on the disk.
    package let allocatedBytes: Int64
    package let links: UInt64
    /// When its content was last changed, in seconds since 1970.
    package let modifiedSeconds: Double

    init(_ raw: stat) {
        switch raw.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .directory
        case S_IFLNK: kind = .symbolicLink
        default: kind = .other
        }
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        uid = raw.st_uid
        gid = raw.st_gid
        mode = raw.st_mode & 0o7777
        size = Int64(raw.st_size)
        allocatedBytes = Int64(raw.st_blocks) * 512
        links = UInt64(raw.st_nlink)
        modifiedSeconds = Double(raw.st_mtim.tv_sec) + Double(raw.st_mtim.tv_nsec) / 1e9
    }

    /// Of a path itself: a symbolic link is not followed.
    package static func of(_ path: String) throws(SystemError) -> FileStatus {
        var raw = stat()
        try SystemError.check("lstat", path) { lstat(path, &raw) }
        return FileStatus(raw)
    }

    /// Of a path that may be absent: nil where nothing is.
    package static func ifPresent(_ path: String) throws(SystemError) -> FileStatus? {
        do {
            return try of(path)
        } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
    }

    package static func of(
        _ descriptor: borrowing Descriptor, _ path: String
    ) throws(SystemError) -> FileStatus {
        var raw = stat()
        let number = descriptor.number
        try SystemError.check("fstat", path) { fstat(number, &raw) }
        return FileStatus(raw)
    }

    /// The major and minor number of `device`.
    package var deviceNumber: DeviceNumber { DeviceNumber(device) }
}

/// The kernel's name of a block device.
package struct DeviceNumber: Hashable, Sendable, CustomStringConvertible {
    package let major: UInt32
    package let minor: UInt32

    package init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    package init(_ device: UInt64) {
        major = clinux_major(device)
        minor = clinux_minor(device)
    }

    package var description: String { "\(major):\(minor)" }

    /// A block device made out of a file.
    package var isLoop: Bool { major == 7 }
}

extension FileStatus {
    /// Whether something is at a path; what can't be looked at counts as absent.
    package static func exists(_ path: String) -> Bool { (try? of(path)) != nil }

    /// Whether something is at the path, or where a symbolic link there points to.
    package static func leadsSomewhere(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
