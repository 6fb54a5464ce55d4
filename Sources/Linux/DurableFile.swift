internal import Glibc

/// Small files that are either the old or the new one after a crash, never a part of one.
package enum DurableFile {
    /// Writes a file aside, syncs it, renames it over `path` and syncs the directory.
    ///
    /// After an error the old contents stand. The name aside is fixed: one writer a path.
    package static func write(
        _ bytes: [UInt8], to path: String, mode: UInt32 = 0o600
    ) throws(SystemError) {
        let aside = path + ".new"
        do {
            try Files.remove(aside)
            let file = try Descriptor.open(aside, .createNew, mode: mode)
            try write(bytes, into: file, aside)
            try file.sync(aside)
            try Files.rename(aside, to: path)
        } catch {
            unlink(aside)
            throw error
        }
        try Files.syncDirectory(Files.parent(of: path))
    }

    private static func write(
        _ bytes: [UInt8], into file: borrowing Descriptor, _ path: String
    ) throws(SystemError) {
        var failure: SystemError?
        bytes.withUnsafeBytes { buffer in
            do throws(SystemError) {
                try file.write(buffer, at: 0, path)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// A file's bytes; EFBIG where it is longer than `limit`, nil where none is.
    package static func read(_ path: String, limit: Int = 65_536) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            let file = try Descriptor.open(path)
            var bytes = [UInt8](repeating: 0, count: limit + 1)
            var failure: SystemError?
            let count = bytes.withUnsafeMutableBytes { buffer -> Int in
                do throws(SystemError) {
                    return try file.read(into: buffer, at: 0, path)
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
            guard count <= limit else { throw SystemError("read", path, errno: EFBIG) }
            return Array(bytes[..<count])
        } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
    }
}
