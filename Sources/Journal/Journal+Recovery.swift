import Linux

extension Journal {
    /// Opens the journal in a directory, which is made where it is missing.
    package static func open(
        directory: String, options: Options = Options()
    ) throws(JournalError) -> (journal: Journal, recovery: JournalRecovery) {
        let disk = try refusing { () throws(SystemError) in try DirectoryDisk(path: directory) }
        return try open(on: disk, options: options)
    }

    /// Reads what is stored, cuts a torn tail, and returns when all of it is durable.
    ///
    /// - Throws: `corrupt` where anything but the tail is unreadable; nothing is changed then.
    package static func open(
        on disk: any JournalDisk, options: Options = Options()
    ) throws(JournalError) -> (journal: Journal, recovery: JournalRecovery) {
        let names = try refusing { () throws(SystemError) in try disk.names() }
        var segments: [StoredSegment] = []
        for name in names.filter({ $0.hasPrefix("segment-") }).sorted() {
            segments.append(try StoredSegment(name: name, on: disk))
        }
        var superseded: [StoredSegment] = []
        if let start = segments.lastIndex(where: { $0.header.snapshotEnd > 0 }) {
            superseded = Array(segments[..<start])
            segments.removeFirst(start)
        } else if let first = segments.first, first.header.firstSequence != 1 {
            throw .corrupt(segment: first.name, offset: 0, reason: "earlier segments are missing")
        }
        if segments.isEmpty { segments.append(try makeFirst(on: disk)) }
        let recovery = try read(&segments)
        try settle(segments, superseded: superseded, cutting: recovery.bytesCut, on: disk)
        let journal = Journal(disk: disk, options: options, state: state(after: segments))
        return (journal, recovery)
    }

    private static func makeFirst(
        on disk: any JournalDisk
    ) throws(JournalError) -> StoredSegment {
        var random = SystemRandomNumberGenerator()
        let header = SegmentHeader(firstSequence: 1, salt: random.next(), snapshotEnd: 0)
        do {
            let file = try disk.create(temporaryName)
            try file.write(header.encoded(), at: 0)
            try file.synchronizeData()
            try disk.rename(temporaryName, to: name(firstSequence: 1))
        } catch let error as WriteFailure {
            throw error.cause.isNoSpace ? .noSpace(error.cause) : .system(error.cause)
        } catch let error as SystemError {
            throw error.isNoSpace ? .noSpace(error) : .system(error)
        } catch {
            throw .poisoned(reason: "\(error)")
        }
        return try StoredSegment(name: name(firstSequence: 1), on: disk)
    }

    /// Collects the records of all segments, each of which must go on where the last one ended.
    private static func read(
        _ segments: inout [StoredSegment]
    ) throws(JournalError) -> JournalRecovery {
        var recovery = JournalRecovery()
        var expected = segments[0].header.firstSequence
        for index in segments.indices {
            guard segments[index].header.firstSequence == expected else {
                throw .corrupt(
                    segment: segments[index].name, offset: 8,
                    reason: "the segment before it ends at record \(expected)")
            }
            let isLast = index == segments.count - 1
            recovery.records += try segments[index].read(isLast: isLast)
            recovery.bytesCut = segments[index].tornBytes
            expected = segments[index].nextSequence
        }
        return recovery
    }

    /// Makes what was read durable: it may still have been on its way when the process ended.
    private static func settle(
        _ segments: [StoredSegment], superseded: [StoredSegment], cutting tornBytes: Int,
        on disk: any JournalDisk
    ) throws(JournalError) {
        try refusing { () throws(SystemError) in
            let last = segments[segments.count - 1]
            if tornBytes > 0 { try last.file.truncate(to: last.end) }
            try last.file.synchronizeData()
            for segment in superseded { try disk.remove(segment.name) }
            if try disk.names().contains(temporaryName) { try disk.remove(temporaryName) }
            try disk.synchronizeNames()
        }
    }

    private static func state(after segments: [StoredSegment]) -> State {
        let last = segments[segments.count - 1]
        let earlier = segments.dropLast()
        return State(
            name: last.name, file: last.file, salt: last.header.salt, end: last.end,
            snapshotEnd: last.header.snapshotEnd,
            // On a full disk the space behind the end is all there is for what must be stored.
            allocated: last.allocated,
            nextSequence: last.nextSequence,
            earlierBytes: earlier.reduce(0) {
                $0 + $1.end - max($1.header.snapshotEnd, SegmentHeader.size)
            },
            earlierNames: earlier.map(\.name))
    }
}
