package import Linux

/// The directory that holds a journal's segments: the seam below which tests put a failing disk.
package protocol JournalDisk: Sendable {
    /// The names in the directory, sorted.
    func names() throws(SystemError) -> [String]
    /// An empty file of that name, in place of any other; neither is durable yet.
    func create(_ name: String) throws(SystemError) -> any JournalFile
    func open(_ name: String) throws(SystemError) -> any JournalFile
    /// Takes the place of what bears the name `target`.
    func rename(_ name: String, to target: String) throws(SystemError)
    func remove(_ name: String) throws(SystemError)
    /// Makes every name made, moved or removed so far durable.
    func synchronizeNames() throws(SystemError)
}

/// One open segment file.
package protocol JournalFile: Sendable {
    func readAll() throws(SystemError) -> [UInt8]
    func write(_ bytes: [UInt8], at offset: Int) throws(WriteFailure)
    /// Makes what was written durable, and the length.
    func synchronizeData() throws(SystemError)
    /// Reserves space and lengthens the file with zeros.
    func allocate(offset: Int, length: Int) throws(SystemError)
    func truncate(to length: Int) throws(SystemError)
}

extension OpenFile: JournalFile {}
