internal import Glibc

/// A system call that failed: which one, on what, and the kernel's reason.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call's name as in its manual page: `mount`, `fallocate`.
    package let call: String
    /// The file, device or program it was about; empty where there is none.
    package let path: String
    /// The kernel's number, positive.
    package let errno: Int32

    package init(_ call: String, _ path: String, errno: Int32) {
        self.call = call
        self.path = path
        self.errno = errno
    }

    /// The error of the call that has just failed on this thread.
    package static func last(_ call: String, _ path: String) -> SystemError {
        SystemError(call, path, errno: Glibc.errno)
    }

    /// The C library's text for the number: `No space left on device`.
    package var text: String { String(cString: strerror(errno)) }

    package var description: String {
        path.isEmpty ? "\(call): \(text)" : "\(call) \(path): \(text)"
    }

    /// ENOENT: it is not there.
    package var isNotFound: Bool { errno == ENOENT }
    /// EEXIST, ENOTEMPTY: something is already there.
    package var isOccupied: Bool { errno == EEXIST || errno == ENOTEMPTY }
    package var isBusy: Bool { errno == EBUSY }
    /// ENOSPC, EDQUOT, EFBIG: the disk, a quota or a limit is full.
    package var isNoSpace: Bool { errno == ENOSPC || errno == EDQUOT || errno == EFBIG }
    /// EOPNOTSUPP, ENOSYS: this file system or kernel can't.
    package var isUnsupported: Bool { errno == EOPNOTSUPP || errno == ENOSYS }
    /// EPERM, EACCES: this process may not.
    package var isNotPermitted: Bool { errno == EPERM || errno == EACCES }

    /// Runs a call that answers -1 on failure, again when a signal interrupted it.
    @discardableResult
    package static func check<Result: SignedInteger>(
        _ call: String, _ path: String = "", _ body: () -> Result
    ) throws(SystemError) -> Result {
        while true {
            let result = body()
            if result != -1 { return result }
            guard Glibc.errno == EINTR else { throw last(call, path) }
        }
    }
}
