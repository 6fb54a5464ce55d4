import Linux
import Synchronization

/// A journal in memory that fails on demand, for tests of what stands above it.
package final class MemoryJournal: JournalStore {
    /// What befalls the next append or compaction.
    package enum Fault: Hashable, Sendable {
        /// Refused for lack of space before anything was stored.
        case noSpace
        /// Fails after the records may have been stored; everything later fails too.
        case failedSync
    }

    private struct Contents {
        var records: [[UInt8]] = []
        var bytesSinceSnapshot = 0
        var faults: [Fault] = []
        var isPoisoned = false
        var isSpaceLow = false
    }

    private let contents: Mutex<Contents>

    /// A journal that holds what another one did before its process was killed.
    package init(records: [[UInt8]] = []) {
        contents = Mutex(Contents(records: records))
    }

    /// What a recovery would find.
    package var records: [[UInt8]] { contents.withLock(\.records) }

    package var bytesSinceSnapshot: Int { contents.withLock(\.bytesSinceSnapshot) }

    package var isSpaceLow: Bool { contents.withLock(\.isSpaceLow) }

    /// As if somebody had made room on the disk.
    package func makeRoom() { contents.withLock { $0.isSpaceLow = false } }

    /// Queues a fault; each befalls one call.
    package func inject(_ fault: Fault) { contents.withLock { $0.faults.append(fault) } }

    package func append(_ records: [[UInt8]]) throws(JournalError) {
        try contents.withLock { (contents) throws(JournalError) in
            try Self.suffer(&contents)
            contents.records += records
            contents.bytesSinceSnapshot += Batch.extent(of: records)
        }
    }

    package func compact(_ snapshot: [[UInt8]]) throws(JournalError) {
        try contents.withLock { (contents) throws(JournalError) in
            try Self.suffer(&contents)
            contents.records = snapshot
            contents.bytesSinceSnapshot = 0
        }
    }

    private static func suffer(_ contents: inout Contents) throws(JournalError) {
        if contents.isPoisoned { throw .poisoned(reason: "injected earlier") }
        guard !contents.faults.isEmpty else { return }
        switch contents.faults.removeFirst() {
        case .noSpace:
            contents.isSpaceLow = true
            throw .noSpace(SystemError("injected", "memory", errno: 28))
        case .failedSync:
            contents.isPoisoned = true
            throw .poisoned(reason: "injected")
        }
    }
}
