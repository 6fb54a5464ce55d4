import Glibc
package import Linux

/// Why a directory could not be locked.
package enum DirectoryLockError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another process has it; `holder` is its id where the file tells.
    case held(directory: String, holder: Int32?)
    case system(SystemError)

    package var description: String {
        switch self {
        case .held(let directory, let holder?):
            "\(directory) is in use by process \(holder)"
        case .held(let directory, nil):
            "\(directory) is in use by another process"
        case .system(let cause):
            "\(cause)"
        }
    }
}

/// Holds a directory for this process until it is released or the process ends, however it ends.
package final class DirectoryLock: Sendable {
    private let file: OpenFile

    /// Locks `<directory>/lock`, making the directory where it is missing.
    package init(directory: String) throws(DirectoryLockError) {
        do {
            try Files.makeDirectories(directory)
            file = try OpenFile(path: "\(directory)/lock", flags: O_RDWR | O_CREAT)
            guard try file.lock() else {
                let text = String(decoding: try file.readAll(), as: UTF8.self)
                let holder = text.split(separator: "\n").first.flatMap { Int32($0) }
                throw DirectoryLockError.held(directory: directory, holder: holder)
            }
            // Only for people and the error above: the kernel's lock is what counts, so that a file
            // left over by a killed process locks nobody out.
            try file.truncate(to: 0)
            try Self.noteHolder(in: file)
        } catch let error as DirectoryLockError {
            throw error
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as WriteFailure {
            throw .system(error.cause)
        } catch {
            throw .system(SystemError("\(error)", directory, errno: 0))
        }
    }
    /// A full disk must not keep out who might make room on it: then the file stays empty.
    private static func noteHolder(in file: OpenFile) throws(WriteFailure) {
        do throws(WriteFailure) {
            try file.write(Array("\(getpid())\n".utf8), at: 0)
        } catch {
            if !error.cause.isNoSpace { throw error }
        }
    }
}
