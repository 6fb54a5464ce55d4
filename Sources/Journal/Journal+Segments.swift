import Linux
import Synchronization

/// A segment that is written and durable, but not yet under its name.
struct NewSegment {
    let name: String
    let file: any JournalFile
    let header: SegmentHeader
    let end: Int
    let nextSequence: UInt64

    /// Makes it the one that is appended to.
    func take(over state: inout Journal.State) {
        state.name = name
        state.file = file
        state.salt = header.salt
        state.snapshotEnd = header.snapshotEnd
        state.end = end
        state.allocated = end
        state.nextSequence = nextSequence
    }
}

extension Journal {
    static let temporaryName = "segment.tmp"
    /// A snapshot is written in batches of about this many bytes.
    private static let snapshotBatchBytes = 1 << 20

    /// The name sorts as the sequence does.
    static func name(firstSequence: UInt64) -> String {
        let digits = String(firstSequence, radix: 16)
        return "segment-" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    package func compact(_ snapshot: [[UInt8]]) throws(JournalError) {
        try exclusively { (state) throws(JournalError) in
            let segment = try makeSegment(
                firstSequence: state.nextSequence, snapshot: snapshot, replaces: true)
            try publish(segment, &state)
            // What is left behind after a failure here is removed by the next recovery.
            for name in state.earlierNames + [state.name] where name != segment.name {
                try? disk.remove(name)
            }
            state.earlierNames = []
            state.earlierBytes = 0
            segment.take(over: &state)
        }
    }

    /// Writes a segment under a temporary name; a failure leaves the journal as it was.
    func makeSegment(
        firstSequence: UInt64, snapshot: [[UInt8]], replaces: Bool
    ) throws(JournalError) -> NewSegment {
        do {
            return try writeSegment(firstSequence, snapshot, replaces)
        } catch {
            try? disk.remove(Self.temporaryName)
            throw error
        }
    }

    private func writeSegment(
        _ firstSequence: UInt64, _ snapshot: [[UInt8]], _ replaces: Bool
    ) throws(JournalError) -> NewSegment {
        let batches = Self.split(snapshot)
        let end = batches.reduce(SegmentHeader.size) { $0 + Batch.extent(of: $1) }
        var random = SystemRandomNumberGenerator()
        let header = SegmentHeader(
            firstSequence: firstSequence, salt: random.next(), snapshotEnd: replaces ? end : 0)
        let file = try refusing { () throws(SystemError) in
            try disk.create(Self.temporaryName)
        }
        try write(header.encoded(), to: file, at: 0)
        var offset = SegmentHeader.size
        var sequence = firstSequence
        for records in batches {
            let batch = Batch.encode(records, firstSequence: sequence, salt: header.salt)
            try write(batch, to: file, at: offset)
            offset += batch.count
            sequence += UInt64(records.count)
        }
        try refusing { () throws(SystemError) in try file.synchronizeData() }
        return NewSegment(
            name: Self.name(firstSequence: firstSequence), file: file, header: header,
            end: end, nextSequence: sequence)
    }

    private func write(
        _ bytes: [UInt8], to file: any JournalFile, at offset: Int
    ) throws(JournalError) {
        do {
            try file.write(bytes, at: offset)
        } catch {
            throw error.cause.isNoSpace ? .noSpace(error.cause) : .system(error.cause)
        }
    }

    /// Gives a new segment its name, durably.
    func publish(_ segment: NewSegment, _ state: inout State) throws(JournalError) {
        try refusing { () throws(SystemError) in
            try disk.rename(Self.temporaryName, to: segment.name)
        }
        do {
            try disk.synchronizeNames()
        } catch {
            throw poison(&state, "\(error)")
        }
    }

    /// Cuts a snapshot into batches.
    private static func split(_ records: [[UInt8]]) -> [[[UInt8]]] {
        var batches: [[[UInt8]]] = []
        var batch: [[UInt8]] = []
        var bytes = 0
        for record in records {
            batch.append(record)
            bytes += record.count
            if bytes >= snapshotBatchBytes {
                batches.append(batch)
                batch = []
                bytes = 0
            }
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }
}
