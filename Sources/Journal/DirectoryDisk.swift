import Glibc
package import Linux

/// The real disk: a directory of the file system.
package struct DirectoryDisk: JournalDisk {
    private let path: String

    /// Makes the directory where it is missing.
    package init(path: String) throws(SystemError) {
        self.path = path
        try Files.makeDirectories(path)
    }

    package func names() throws(SystemError) -> [String] { try Files.list(path) }

    package func create(_ name: String) throws(SystemError) -> any JournalFile {
        try OpenFile(path: full(name), flags: O_RDWR | O_CREAT | O_TRUNC)
    }

    package func open(_ name: String) throws(SystemError) -> any JournalFile {
        try OpenFile(path: full(name), flags: O_RDWR)
    }

    package func rename(_ name: String, to target: String) throws(SystemError) {
        try Files.rename(full(name), to: full(target))
    }

    package func remove(_ name: String) throws(SystemError) { try Files.remove(full(name)) }

    package func synchronizeNames() throws(SystemError) { try Files.syncDirectory(path) }

    private func full(_ name: String) -> String { "\(path)/\(name)" }
}
