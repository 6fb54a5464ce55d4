import Linux

/// A segment file as recovery found it.
struct StoredSegment {
    let name: String
    let file: any JournalFile
    let header: SegmentHeader
    private var bytes: [UInt8]
    /// After the last readable batch.
    private(set) var end = SegmentHeader.size
    private(set) var nextSequence: UInt64
    /// Bytes from the end to the last one that is not zero.
    private(set) var tornBytes = 0
    private let length: Int

    /// Up to where the file has disk space: a file is made longer by reserving it. A torn tail is
    /// cut off with all behind it.
    var allocated: Int { tornBytes > 0 ? end : max(end, length) }

    init(name: String, on disk: any JournalDisk) throws(JournalError) {
        self.name = name
        let file = try refusing { () throws(SystemError) in try disk.open(name) }
        self.file = file
        bytes = try refusing { () throws(SystemError) in try file.readAll() }
        guard let header = SegmentHeader(bytes) else {
            throw .corrupt(segment: name, offset: 0, reason: "no valid segment header")
        }
        self.header = header
        length = bytes.count
        nextSequence = header.firstSequence
    }

    /// The records in order; frees the bytes.
    ///
    /// Batches are written one after the other, each only after the one before it is durable. So
    /// an unreadable one was being written at a crash only if nothing readable follows it, and only
    /// in the last segment after its snapshot; anything else is damage.
    mutating func read(isLast: Bool) throws(JournalError) -> [[UInt8]] {
        defer { bytes = [] }
        var records: [[UInt8]] = []
        while let batch = try next() { records += batch }
        guard let lastByte = bytes[end...].lastIndex(where: { $0 != 0 }) else {
            if end < header.snapshotEnd { throw corrupt("the snapshot is incomplete") }
            return records
        }
        if end < header.snapshotEnd { throw corrupt("unreadable batch in the snapshot") }
        if !isLast { throw corrupt("unreadable batch, and a later segment exists") }
        if let later = laterBatch() {
            throw corrupt("unreadable batch; byte \(later) has a later one")
        }
        tornBytes = lastByte + 1 - end
        return records
    }

    /// The records of the batch at the end; nil where none can be read there.
    private mutating func next() throws(JournalError) -> [[UInt8]]? {
        guard let batch = BatchHeader(bytes, at: end, salt: header.salt),
            let records = Batch.decode(batch, in: bytes, at: end, salt: header.salt)
        else { return nil }
        if batch.firstSequence != nextSequence {
            throw corrupt("record \(batch.firstSequence) where \(nextSequence) was expected")
        }
        end += batch.extent
        nextSequence += UInt64(records.count)
        return records
    }

    /// Where a batch begins that was written after the unreadable one at the end.
    private func laterBatch() -> Int? {
        // Where the header is readable, its batch's own content needs no search.
        let own = BatchHeader(bytes, at: end, salt: header.salt)?.extent ?? 8
        return stride(from: end + own, to: bytes.count, by: 8).first { offset in
            BatchHeader(bytes, at: offset, salt: header.salt) != nil
        }
    }

    private func corrupt(_ reason: String) -> JournalError {
        .corrupt(segment: name, offset: end, reason: reason)
    }
}
