import Glibc

/// A write that failed, with how much of it the file holds now.
package struct WriteFailure: Error, Hashable, Sendable {
    package let cause: SystemError
    package let bytesWritten: Int

    package init(cause: SystemError, bytesWritten: Int) {
        self.cause = cause
        self.bytesWritten = bytesWritten
    }
}

/// An open file, closed with its last reference; positions are always given, never kept.
package final class OpenFile: Sendable {
    package let path: String
    package let descriptor: Int32

    /// Opens with close-on-exec; `flags` are those of open(2).
    package init(path: String, flags: Int32, mode: UInt32 = 0o600) throws(SystemError) {
        self.path = path
        descriptor = retrying { open(path, flags | O_CLOEXEC, mode) }
        if descriptor < 0 { throw SystemError("open", path, errno: errno) }
    }

    deinit { close(descriptor) }

    /// Length in bytes.
    package func size() throws(SystemError) -> Int {
        var status = stat()
        try check("fstat", fstat(descriptor, &status))
        return Int(status.st_size)
    }

    /// The whole contents.
    package func readAll() throws(SystemError) -> [UInt8] {
        let size = try size()
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let rest = UnsafeMutableBufferPointer(rebasing: buffer[count...])
                let read = retrying { pread(descriptor, rest.baseAddress, rest.count, count) }
                if read < 0 { failure = SystemError("pread", path, errno: errno) }
                if read <= 0 { return }
                count += read
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all of `bytes`, going on after short writes.
    package func write(_ bytes: [UInt8], at offset: Int) throws(WriteFailure) {
        var written = 0
        var failed: Int32 = 0
        bytes.withUnsafeBytes { buffer in
            while written < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
                let count = retrying {
                    pwrite(descriptor, rest.baseAddress, rest.count, offset + written)
                }
                if count <= 0 {
                    // A regular file never takes nothing without an error.
                    failed = count < 0 ? errno : EIO
                    return
                }
                written += count
            }
        }
        if failed != 0 {
            let cause = SystemError("pwrite", path, errno: failed)
            throw WriteFailure(cause: cause, bytesWritten: written)
        }
    }

    /// Makes the contents durable, and the metadata needed to read them (fdatasync).
    package func synchronizeData() throws(SystemError) {
        try check("fdatasync", retrying { fdatasync(descriptor) })
    }

    /// Makes contents and all metadata durable (fsync).
    package func synchronize() throws(SystemError) {
        try check("fsync", retrying { fsync(descriptor) })
    }

    /// Reserves disk space for the range and lengthens the file to its end, filled with zeros.
    ///
    /// The C library writes zeros where the file system reserves nothing.
    package func allocate(offset: Int, length: Int) throws(SystemError) {
        // It returns its error and leaves errno alone.
        var code = posix_fallocate(descriptor, offset, length)
        while code == EINTR { code = posix_fallocate(descriptor, offset, length) }
        if code != 0 { throw SystemError("posix_fallocate", path, errno: code) }
    }

    package func truncate(to length: Int) throws(SystemError) {
        try check("ftruncate", retrying { ftruncate(descriptor, length) })
    }

    /// Takes the exclusive flock(2) without waiting; false: another open file has it.
    package func lock() throws(SystemError) -> Bool {
        if retrying({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 { return true }
        if errno == EWOULDBLOCK { return false }
        throw SystemError("flock", path, errno: errno)
    }

    private func check(_ call: String, _ result: Int32) throws(SystemError) {
        if result < 0 { throw SystemError(call, path, errno: errno) }
    }
}

/// Repeats a call that a signal interrupted.
func retrying<Result: BinaryInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
