import Foundation
import GRDB
import Linux
import Synchronization
import Testing

@testable import Registry

/// The trail's older lines in files: each line is in the registry or in a file, once, whatever
/// befalls the process between.
@Suite struct TrailArchiveTests {
    private let directory: TemporaryDirectory
    private let troubles = Troubles()

    private final class Troubles: Sendable {
        let texts = Mutex<[String]>([])
    }

    init() throws { directory = try TemporaryDirectory() }

    private var archive: TrailArchive { TrailArchive(directory: directory.path + "/audit") }

    private func open(archiveBytes: Int = .max) throws -> SQLiteRegistry {
        var options = SQLiteRegistry.Options()
        options.trailBytesLimit = 16 * 100
        options.archive = TrailArchive(
            directory: directory.path + "/audit", bytesLimit: archiveBytes)
        options.noteTrouble = { [troubles] text in troubles.texts.withLock { $0.append(text) } }
        return try SQLiteRegistry(path: directory.path + "/r", options: options)
    }

    private func entry(_ number: Int64) -> TrailEntry {
        TrailEntry(
            nanoseconds: number, subjects: [number % 2 == 0 ? "even" : "odd"],
            value: Array("line \(number)".utf8))
    }

    private func append(_ numbers: ClosedRange<Int64>, to store: SQLiteRegistry) throws {
        for number in numbers { try store.commit([], trail: [entry(number)]) }
    }

    /// Archived and stored lines by their times, the oldest first.
    private func all(_ store: SQLiteRegistry) throws -> [Int64] {
        var query = TrailQuery()
        query.limit = 10_000
        query.scanLimit = 10_000
        var times: [Int64] = []
        for path in try archive.files() {
            times += try TrailArchive.entries(of: path, query).reversed()
                .map(\.entry.nanoseconds)
        }
        return try times + store.trail(query).entries.reversed().map(\.entry.nanoseconds)
    }

    @Test func whatLeavesTheTrailIsInFiles() throws {
        let store = try open()
        try append(1...300, to: store)
        let files = try archive.files()
        #expect(files.count > 3, "\(files)")
        #expect(try all(store) == Array(1...300))
        #expect(try store.trail(TrailQuery()).entries.count < 100)
        let first = try #require(files.first)
        var query = TrailQuery()
        query.subjects = ["even"]
        query.to = 6
        query.limit = 2
        let found = try TrailArchive.entries(of: first, query)
        #expect(found.map(\.entry) == [entry(6), entry(4)])
        #expect(found.map(\.number) == [6, 4])
        store.close()
        let again = try open()
        try append(301...400, to: again)
        #expect(try all(again) == Array(1...400))
    }

    /// Killed after the file, before the lines left the registry.
    @Test func aFileWhoseLinesAreStillStoredIsWrittenAgain() throws {
        var store = try open()
        try append(1...40, to: store)
        #expect(try archive.files().isEmpty)
        try archive.write(store.trail(TrailQuery()).entries.suffix(10).reversed())
        #expect(try archive.files().count == 1)
        store.close()
        store = try open()
        #expect(try archive.files().isEmpty)
        try append(41...200, to: store)
        #expect(try all(store) == Array(1...200))
    }

    /// The commit fails after the file is there: its lines are stored still.
    @Test func aCommitThatFailsTakesNoLine() throws {
        var store = try open()
        try store.queue.writeWithoutTransaction { database in
            try database.execute(
                sql: """
                    CREATE TRIGGER killed BEFORE DELETE ON trail
                    BEGIN SELECT raise(ABORT, 'killed'); END
                    """)
        }
        var last: Int64 = 0
        #expect(throws: RegistryError.self) {
            while last < 1_000 {
                try append((last + 1)...(last + 1), to: store)
                last += 1
            }
        }
        #expect(try archive.files().count == 1)
        store.close()
        store = try open()
        #expect(try archive.files().isEmpty)
        #expect(try all(store) == Array(1...last))
        try store.queue.writeWithoutTransaction { try $0.execute(sql: "DROP TRIGGER killed") }
        try append((last + 1)...(last + 200), to: store)
        #expect(try all(store) == Array(1...(last + 200)))
    }

    /// Killed while a file was written: what is aside is no archive.
    @Test func aPartOfAFileIsNone() throws {
        var store = try open()
        try append(1...40, to: store)
        store.close()
        try FileManager.default.createDirectory(
            atPath: archive.directory, withIntermediateDirectories: true)
        let path = "\(archive.directory)/audit-0000000000000000001.jsonl.new"
        try Data("{\"num".utf8).write(to: URL(filePath: path))
        store = try open()
        try append(41...200, to: store)
        #expect(try all(store) == Array(1...200))
        #expect(!FileStatus.exists(path))
    }

    /// Nothing goes that could not be archived, and the master goes on.
    @Test func anArchiveThatFailsCostsNoLine() throws {
        try Data().write(to: URL(filePath: archive.directory))
        let store = try open()
        try append(1...300, to: store)
        var query = TrailQuery()
        query.limit = 1_000
        #expect(try store.trail(query).entries.count == 300)
        let troubles = troubles.texts.withLock { $0.count }
        #expect((1..<300).contains(troubles), "tried \(troubles) times")
        try FileManager.default.removeItem(atPath: archive.directory)
        try append(301...400, to: store)
        #expect(try all(store) == Array(1...400))
        #expect(try store.trail(query).entries.count < 100)
    }

    /// Files of a registry that was put aside are kept, under another name.
    @Test func filesOfAnotherRegistryAreKept() throws {
        var store = try open()
        try append(1...200, to: store)
        let files = try archive.files().count
        store.close()
        for name in ["r", "r-wal", "r-shm"] {
            try? FileManager.default.removeItem(atPath: directory.path + "/" + name)
        }
        store = try open()
        let kept = try Files.list(archive.directory)
        #expect(try archive.files().isEmpty)
        #expect(kept.count == files && kept.allSatisfy { $0.contains(".other-") }, "\(kept)")
        try append(1...200, to: store)
        #expect(try all(store) == Array(1...200))
    }

    @Test func theOldestFilesGo() throws {
        let store = try open(archiveBytes: 6_000)
        for batch in 0..<100 {
            let numbers = Int64(batch * 20 + 1)...Int64(batch * 20 + 20)
            try store.commit([], trail: numbers.map(entry))
        }
        var bytes: Int64 = 0
        for path in try archive.files() { bytes += try FileStatus.of(path).size }
        #expect((3_000...6_000).contains(bytes), "\(bytes)")
        let times = try all(store)
        #expect(times.last == 2_000 && times == Array((times.first ?? 0)...2_000), "a gap")
    }

    @Test func aFileThatIsNoneIsRefused() throws {
        let path = directory.path + "/notes"
        try Data("hello\n".utf8).write(to: URL(filePath: path))
        #expect(throws: SystemError.self) { try TrailArchive.entries(of: path, TrailQuery()) }
    }
}
