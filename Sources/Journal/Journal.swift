// Life of a journal:
//
//     recover -> open -> append, append, ... -> compact -> append ...
//                  \-> poisoned (a failed fsync or a torn append; only a restart recovers)
//
// Invariants: a segment file exists under its name only with a valid header; batches are written
// one after the other, each begun only after the one before it is durable, so an unreadable batch
// with a readable one after it is damage, never a crash; all but the last segment are complete.
// What it does not do: lock the directory (`DirectoryLock`), interpret records, decide when to
// compact.

import Linux
import Synchronization

/// An append-only log of opaque records in segment files, each batch checksummed and durable.
package final class Journal: JournalStore {
    /// Sizes in bytes.
    package struct Options: Sendable {
        /// A segment is followed by a new one beyond this size.
        package var segmentBytes = 64 << 20
        /// Disk space is reserved in pieces of this size.
        package var chunkBytes = 1 << 20
        /// The next piece is reserved when less than this is left.
        package var aheadBytes = 256 << 10
        /// A larger batch is refused.
        package var batchBytesLimit = 256 << 20
        /// Called on the committing thread when the reserve can no longer be had (true), and again
        /// when it can (false): appends still succeed for a while after the first.
        package var spaceChanged: (@Sendable (_ isLow: Bool) -> Void)?

        package init() {}
    }

    struct State {
        var name: String
        var file: any JournalFile
        var salt: UInt64
        var end: Int
        var snapshotEnd: Int
        /// Up to where the file has disk space.
        var allocated: Int
        var nextSequence: UInt64
        /// Bytes in earlier segments that a snapshot would free.
        var earlierBytes: Int
        var earlierNames: [String]
        var isSpaceLow = false
        var poison: String?
    }

    let disk: any JournalDisk
    let options: Options
    let state: Mutex<State>

    init(disk: any JournalDisk, options: Options, state: sending State) {
        self.disk = disk
        self.options = options
        self.state = Mutex(state)
    }

    package var isSpaceLow: Bool { state.withLock(\.isSpaceLow) }

    package var bytesSinceSnapshot: Int {
        state.withLock { $0.earlierBytes + $0.end - max($0.snapshotEnd, SegmentHeader.size) }
    }

    package func append(_ records: [[UInt8]]) throws(JournalError) {
        try exclusively { (state) throws(JournalError) in
            let bytes = records.isEmpty ? 0 : Batch.extent(of: records)
            if bytes > options.batchBytesLimit {
                throw .tooLarge(bytes: bytes, limit: options.batchBytesLimit)
            }
            if state.end > SegmentHeader.size && state.end + bytes > options.segmentBytes {
                try roll(&state, for: bytes)
            }
            try reserve(bytes, &state)
            if !records.isEmpty { try write(records, &state) }
        }
    }

    /// Runs `body` unless the journal is poisoned, and tells of a change of space afterwards.
    func exclusively(
        _ body: (inout State) throws(JournalError) -> Void
    ) throws(JournalError) {
        var spaceChange: Bool?
        defer { if let spaceChange { options.spaceChanged?(spaceChange) } }
        try state.withLock { (state) throws(JournalError) in
            if let reason = state.poison { throw .poisoned(reason: reason) }
            let before = state.isSpaceLow
            defer { if state.isSpaceLow != before { spaceChange = state.isSpaceLow } }
            try body(&state)
        }
    }

    /// Writes one batch at the end and makes it durable.
    private func write(_ records: [[UInt8]], _ state: inout State) throws(JournalError) {
        let batch = Batch.encode(
            records, firstSequence: state.nextSequence, salt: state.salt)
        do {
            try state.file.write(batch, at: state.end)
        } catch {
            if error.bytesWritten == 0 && error.cause.isNoSpace { throw .noSpace(error.cause) }
            throw poison(&state, "torn append: \(error.cause)")
        }
        do {
            try state.file.synchronizeData()
        } catch {
            // The kernel may have dropped the pages: trying again would prove nothing.
            throw poison(&state, "\(error)")
        }
        state.end += batch.count
        state.nextSequence += UInt64(records.count)
    }

    /// Sees to it that `bytes` have disk space, and that the next ones will.
    private func reserve(_ bytes: Int, _ state: inout State) throws(JournalError) {
        let wanted = state.end + bytes + options.aheadBytes
        guard wanted > state.allocated else { return }
        let chunks = (wanted - state.allocated + options.chunkBytes - 1) / options.chunkBytes
        let length = chunks * options.chunkBytes
        do {
            try state.file.allocate(offset: state.allocated, length: length)
            state.allocated += length
            state.isSpaceLow = false
        } catch {
            guard error.isNoSpace else { throw .system(error) }
            state.isSpaceLow = true
            if state.end + bytes > state.allocated { throw .noSpace(error) }
        }
    }

    /// Goes on in a new segment; on a full disk in the old one, as long as its reserve lasts.
    private func roll(_ state: inout State, for bytes: Int) throws(JournalError) {
        let segment: NewSegment
        do {
            segment = try makeSegment(
                firstSequence: state.nextSequence, snapshot: [], replaces: false)
        } catch .noSpace where state.end + bytes <= state.allocated {
            state.isSpaceLow = true
            return
        }
        try publish(segment, &state)
        // The reserve behind the end is of no more use; recovery takes the file either way.
        try? state.file.truncate(to: state.end)
        state.earlierNames.append(state.name)
        state.earlierBytes += state.end - max(state.snapshotEnd, SegmentHeader.size)
        segment.take(over: &state)
    }

    func poison(_ state: inout State, _ reason: String) -> JournalError {
        state.poison = reason
        return .poisoned(reason: reason)
    }
}
