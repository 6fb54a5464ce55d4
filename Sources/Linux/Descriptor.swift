internal import CLinux
internal import Glibc

/// An open file of this process, closed with the value's end; closed on exec.
package struct Descriptor: ~Copyable, Sendable {
    package enum Access: Sendable {
        case readOnly
        case readWrite
        /// Made if absent, never through a symbolic link.
        case create
        /// Made; fails where something is already there.
        case createNew

        fileprivate var flags: Int32 {
            switch self {
            case .readOnly: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT | O_NOFOLLOW
            case .createNew: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
            }
        }
    }

    package let number: Int32

    /// Takes over an open descriptor.
    package init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Opens a file; `mode` counts where it is made.
    package static func open(
        _ path: String, _ access: Access = .readOnly, mode: UInt32 = 0o600
    ) throws(SystemError) -> Descriptor {
        let number = try SystemError.check("open", path) {
            Glibc.open(path, access.flags | O_CLOEXEC, mode)
        }
        return Descriptor(owning: number)
    }

    /// Opens a directory itself, not what a symbolic link in its place points to.
    package static func openDirectory(_ path: String) throws(SystemError) -> Descriptor {
        let number = try SystemError.check("open", path) {
            Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        return Descriptor(owning: number)
    }

    /// An unnamed file in memory; `name` shows in /proc only.
    package static func inMemory(_ name: String) throws(SystemError) -> Descriptor {
        Descriptor(owning: try SystemError.check("memfd_create", name) { clinux_memfd(name) })
    }

    /// Makes contents and metadata durable.
    package func sync(_ path: String) throws(SystemError) {
        let number = self.number
        try SystemError.check("fsync", path) { fsync(number) }
    }

    /// Makes contents durable and of the metadata only what reading them back needs.
    package func syncData(_ path: String) throws(SystemError) {
        let number = self.number
        try SystemError.check("fdatasync", path) { fdatasync(number) }
    }

    /// Writes all bytes at an offset.
    package func write(
        _ bytes: UnsafeRawBufferPointer, at offset: Int64, _ path: String
    ) throws(SystemError) {
        var done = 0
        let number = self.number
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try SystemError.check("pwrite", path) {
                pwrite(number, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
            }
        }
    }

    /// Reads up to the buffer's size at an offset; fewer bytes only at the end of the file.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int64, _ path: String
    ) throws(SystemError) -> Int {
        var done = 0
        let number = self.number
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try SystemError.check("pread", path) {
                pread(number, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }
}
