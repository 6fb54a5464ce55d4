import Glibc
import Journal
import Linux
import Synchronization
import Testing

@Suite struct FileTests {
    @Test func checksumIsCastagnoli() {
        // RFC 3720, B.4: thirty-two zeros, thirty-two ones, and ascending bytes.
        let samples: [([UInt8], UInt32)] = [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E),
            (Array("123456789".utf8), 0xE306_9283),
        ]
        for (bytes, expected) in samples {
            var checksum = Checksum()
            checksum.update(bytes)
            #expect(checksum.value == expected)
            var inPieces = Checksum()
            inPieces.update(bytes[..<5])
            inPieces.update(bytes[5...])
            #expect(inPieces.value == expected)
        }
    }

    @Test func lockIsHeldOnceAndNamesItsHolder() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/a/b"
        var lock: DirectoryLock? = try DirectoryLock(directory: path)
        #expect(throws: DirectoryLockError.held(directory: path, holder: getpid())) {
            _ = try DirectoryLock(directory: path)
        }
        withExtendedLifetime(lock) {}
        lock = nil
        withExtendedLifetime(try DirectoryLock(directory: path)) {}
    }

    @Test func batchLargerThanTheLimitIsRefused() throws {
        var options = Journal.Options()
        options.batchBytesLimit = 100
        let directory = try TemporaryDirectory()
        let (journal, _) = try Journal.open(directory: directory.path, options: options)
        #expect(throws: JournalError.tooLarge(bytes: 136, limit: 100)) {
            try journal.append([[UInt8](repeating: 0, count: 100)])
        }
        try journal.append([record("fits")])
        #expect(try Journal.open(directory: directory.path).recovery.records == [record("fits")])
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
    func fullDiskIsNoticedAheadAndRefusedCleanly() throws {
        let directory = try TemporaryDirectory()
        try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=512k") == 0)
        defer { umount2(directory.path, Int32(MNT_DETACH)) }
        let signals = Mutex<[Bool]>([])
        var options = Journal.Options()
        options.chunkBytes = 64 << 10
        options.aheadBytes = 64 << 10
        options.spaceChanged = { isLow in signals.withLock { $0.append(isLow) } }
        let filler = directory.path + "/filler"
        try DurableFile.write([UInt8](repeating: 1, count: 200 << 10), to: filler)
        let (journal, _) = try Journal.open(directory: directory.path + "/j", options: options)
        let kept = [UInt8](repeating: 7, count: 4000)
        var count = 0
        var countAtWarning: Int?
        #expect {
            while count < 200 {
                try journal.append([kept])
                count += 1
                if journal.isSpaceLow && countAtWarning == nil { countAtWarning = count }
            }
        } throws: { error in
            if case .noSpace = error as? JournalError { true } else { false }
        }
        #expect(try #require(countAtWarning) < count)
        try Files.remove(filler)
        try journal.append([])
        #expect(signals.withLock { $0 } == [true, false])
        try journal.append([kept])
        let records = try Journal.open(directory: directory.path + "/j").recovery.records
        #expect(records.count == count + 1)
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
    func theReserveIsThereAfterARestartOnAFullDisk() throws {
        let directory = try TemporaryDirectory()
        try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=1m") == 0)
        defer { umount2(directory.path, Int32(MNT_DETACH)) }
        var options = Journal.Options()
        options.chunkBytes = 64 << 10
        options.aheadBytes = 64 << 10
        let path = directory.path + "/j"
        let (journal, _) = try Journal.open(directory: path, options: options)
        try journal.append([record("before")])
        var filler = 0
        while (try? DurableFile.write(
            [UInt8](repeating: 1, count: 4096), to: "\(directory.path)/filler\(filler)")) != nil
        {
            filler += 1
        }
        let (again, _) = try Journal.open(directory: path, options: options)
        let kept = [UInt8](repeating: 7, count: 4000)
        for _ in 0..<20 { try again.append([kept]) }
        #expect(again.isSpaceLow)
        // A snapshot needs room of its own; without it the journal goes on as it was.
        #expect(throws: JournalError.self) { try again.compact([record("before"), kept]) }
        try again.append([record("after")])
        let records = try Journal.open(directory: path, options: options).recovery.records
        #expect(records.count == 22)
        #expect(records.last == record("after"))
    }
}
