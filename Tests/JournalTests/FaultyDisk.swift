import Journal
import Linux
import Synchronization

/// Any disk, with faults put between it and the journal.
final class FaultyDisk: JournalDisk {
    enum Fault: Hashable, Sendable { case fullWrite, tornWrite, failedSync }

    private let inner: any JournalDisk
    fileprivate let faults = Mutex<Set<Fault>>([])

    init(_ inner: any JournalDisk) { self.inner = inner }

    /// Befalls the next call of its kind.
    func inject(_ fault: Fault) { _ = faults.withLock { $0.insert(fault) } }

    func names() throws(SystemError) -> [String] { try inner.names() }
    func create(_ name: String) throws(SystemError) -> any JournalFile {
        FaultyFile(disk: self, inner: try inner.create(name))
    }
    func open(_ name: String) throws(SystemError) -> any JournalFile {
        FaultyFile(disk: self, inner: try inner.open(name))
    }
    func rename(_ name: String, to target: String) throws(SystemError) {
        try inner.rename(name, to: target)
    }
    func remove(_ name: String) throws(SystemError) { try inner.remove(name) }
    func synchronizeNames() throws(SystemError) { try inner.synchronizeNames() }

    fileprivate func strikes(_ fault: Fault) -> Bool {
        faults.withLock { $0.remove(fault) != nil }
    }
}

private struct FaultyFile: JournalFile {
    let disk: FaultyDisk
    let inner: any JournalFile

    func readAll() throws(SystemError) -> [UInt8] { try inner.readAll() }

    func write(_ bytes: [UInt8], at offset: Int) throws(WriteFailure) {
        let full = SystemError("pwrite", "injected", errno: 28)
        if disk.strikes(.fullWrite) { throw WriteFailure(cause: full, bytesWritten: 0) }
        if disk.strikes(.tornWrite) {
            let half = Array(bytes.prefix(bytes.count / 2))
            try inner.write(half, at: offset)
            throw WriteFailure(cause: full, bytesWritten: half.count)
        }
        try inner.write(bytes, at: offset)
    }

    func synchronizeData() throws(SystemError) {
        if disk.strikes(.failedSync) {
            throw SystemError("fdatasync", "injected", errno: 5)
        }
        try inner.synchronizeData()
    }

    func allocate(offset: Int, length: Int) throws(SystemError) {
        try inner.allocate(offset: offset, length: length)
    }

    func truncate(to length: Int) throws(SystemError) { try inner.truncate(to: length) }
}
