internal import CLinux
internal import Glibc

/// Space of a file, taken and given back.
package enum FileAllocation {
    /// Reserves disk space for the first `bytes` of a file and makes it that long; they read as zero.
    ///
    /// On failure (ENOSPC; EOPNOTSUPP where the file system can't) the file is as long as before.
    package static func reserve(
        _ file: borrowing Descriptor, bytes: Int64, _ path: String
    ) throws(SystemError) {
        let number = file.number
        let before = try FileStatus.of(file, path).size
        do throws(SystemError) {
            try SystemError.check("fallocate", path) { clinux_allocate(number, bytes) }
        } catch {
            // A part may have been given; what lies beyond the old end goes back.
            _ = ftruncate(number, off_t(before))
            throw error
        }
    }

    /// Cuts or extends a file without reserving space.
    package static func setLength(
        _ file: borrowing Descriptor, bytes: Int64, _ path: String
    ) throws(SystemError) {
        let number = file.number
        try SystemError.check("ftruncate", path) { ftruncate(number, off_t(bytes)) }
    }

    /// The parts of a file that may hold something else than zeros, in order.
    package static func dataRanges(
        _ file: borrowing Descriptor, _ path: String
    ) throws(SystemError) -> [Range<Int64>] {
        let seekData: Int32 = 3
        let seekHole: Int32 = 4
        let number = file.number
        var ranges: [Range<Int64>] = []
        var position: Int64 = 0
        while true {
            let start = lseek(number, off_t(position), seekData)
            if start < 0 {
                guard errno == ENXIO else { throw .last("lseek", path) }
                return ranges
            }
            let end = try SystemError.check("lseek", path) { lseek(number, start, seekHole) }
            ranges.append(Int64(start)..<Int64(end))
            position = Int64(end)
        }
    }
}
