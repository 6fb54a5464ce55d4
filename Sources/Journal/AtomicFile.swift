import Glibc
package import Linux

/// Whole files that are replaced in one step: a reader or a crash sees the old or the new one.
package enum AtomicFile {
    /// Durable on return: the contents, the mode and the name.
    package static func write(
        _ bytes: [UInt8], to path: String, mode: UInt32 = 0o600
    ) throws(SystemError) {
        let temporary = path + ".tmp"
        do throws(SystemError) {
            let file = try OpenFile(
                path: temporary, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
            do {
                try file.write(bytes, at: 0)
            } catch {
                throw error.cause
            }
            try file.synchronize()
            try Files.rename(temporary, to: path)
        } catch {
            _ = try? Files.remove(temporary)
            throw error
        }
        try Files.syncDirectory(Files.parent(of: path))
    }

    /// The contents; nil where there is no such file.
    package static func read(_ path: String) throws(SystemError) -> [UInt8]? {
        do {
            return try OpenFile(path: path, flags: O_RDONLY).readAll()
        } catch  where error.errno == ENOENT {
            return nil
        }
    }
}
