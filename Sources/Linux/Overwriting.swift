internal import CLinux
internal import Glibc

/// Overwrites or punches files, not faster than it is told to, and tells how far it is.
///
/// What it has told is on the disk.
package final class Overwriting {
    private static let chunk: Int64 = 1 << 20
    private static let betweenSyncs: Int64 = 16 << 20

    private let bytesPerSecond: Int64?
    private let tell: (Int64) throws(SystemError) -> Void
    private let zeros = [UInt8](repeating: 0, count: Int(chunk))
    private let startedAt = Overwriting.nanoseconds()
    private var done: Int64 = 0

    /// `tell` gets the bytes that were done since it was called last.
    package init(
        mebibytesPerSecond: UInt32?, tell: @escaping (Int64) throws(SystemError) -> Void
    ) {
        bytesPerSecond = mebibytesPerSecond.map { max(1, Int64($0)) << 20 }
        self.tell = tell
    }

    /// Writes zeros over a part of a file, in place.
    package func overwrite(
        _ file: borrowing Descriptor, _ range: Range<Int64>, _ path: String
    ) throws(SystemError) {
        var synced = range.lowerBound
        var position = synced
        while position < range.upperBound {
            let count = min(Self.chunk, range.upperBound - position)
            var failure: SystemError?
            zeros.withUnsafeBytes { buffer in
                let part = UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)])
                do throws(SystemError) {
                    try file.write(part, at: position, path)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            position += count
            pace(count)
            guard position - synced >= Self.betweenSyncs || position == range.upperBound else {
                continue
            }
            try file.syncData(path)
            try tell(position - synced)
            synced = position
        }
    }

    /// Gives the space of a part of a file back to the disk; it reads zeros then.
    package func punch(
        _ file: borrowing Descriptor, _ range: Range<Int64>, _ path: String
    ) throws(SystemError) {
        var position = range.lowerBound
        while position < range.upperBound {
            let count = min(Self.betweenSyncs, range.upperBound - position)
            let (number, start) = (file.number, position)
            try SystemError.check("fallocate", path) { clinux_punch(number, start, count) }
            position += count
            pace(count)
            try file.syncData(path)
            try tell(count)
        }
    }

    /// Overwrites and removes every file below a directory, not the directory itself; of a file
    /// with other names only the name goes, for those may not belong to it.
    package func empty(
        _ path: String, keeping kept: [String] = []
    ) throws(SystemError) {
        let removed: DirectoryRemoval.BeforeRemoval = { (directory, name) throws(SystemError) in
            try self.overwrite(name, in: directory, path)
        }
        while try !DirectoryRemoval.empty(
            path, entries: 10_000, keeping: kept, beforeRemoval: removed)
        {}
    }

    private func overwrite(
        _ name: [CChar], in directory: Int32, _ path: String
    ) throws(SystemError) {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            guard errno == ENOENT else { throw .last("fstatat", path) }
            return
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else { return }
        let flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        var opened = openat(directory, name, O_WRONLY | flags)
        if opened < 0, errno == EPERM || errno == EACCES {
            // Immutable files can't be written to.
            let readable = openat(directory, name, O_RDONLY | flags)
            if readable >= 0 {
                _ = clinux_clear_immutable(readable)
                close(readable)
            }
            opened = openat(directory, name, O_WRONLY | flags)
        }
        guard opened >= 0 else { throw .last("openat", path) }
        let file = Descriptor(owning: opened)
        var there = stat()
        guard fstat(opened, &there) == 0, there.st_ino == status.st_ino,
            there.st_mode & S_IFMT == S_IFREG, there.st_nlink == 1
        else { return }
        // To the end of its last block: what lies behind its end was written once, too.
        let block = max(512, Int64(there.st_blksize))
        let end = (Int64(there.st_size) + block - 1) / block * block
        if end > 0 { try overwrite(file, 0..<end, path) }
    }

    /// Waits until what was done is no more than the limit allows since the start.
    private func pace(_ bytes: Int64) {
        done += bytes
        guard let bytesPerSecond else { return }
        let allowed = Double(done) / Double(bytesPerSecond)
        let elapsed = Double(Self.nanoseconds() - startedAt) / 1e9
        guard allowed > elapsed else { return }
        usleep(UInt32(min((allowed - elapsed) * 1e6, 2e6)))
    }

    private static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
