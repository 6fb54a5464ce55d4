import Foundation
import GRDB
import Synchronization
import Testing

@testable import Registry

@Suite struct SQLiteRegistryTests {
    @Test func settingsAreDurableAndSmall() throws {
        let directory = try TemporaryDirectory()
        let registry = try SQLiteRegistry(path: directory.path + "/r")
        let expected = [
            "journal_mode": "wal", "synchronous": "2", "locking_mode": "exclusive",
            "cache_size": "-1024", "mmap_size": "0", "user_version": "3",
        ]
        for (name, value) in expected {
            let found = try registry.queue.writeWithoutTransaction { database in
                try String.fetchOne(database, sql: "PRAGMA \(name)")
            }
            #expect(found == value, "\(name)")
        }
    }

    @Test func secondOpenerIsRefused() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/r"
        let registry = try SQLiteRegistry(path: path)
        #expect(throws: RegistryError.inUse(path: path)) { _ = try SQLiteRegistry(path: path) }
        registry.close()
        #expect(throws: RegistryError.self) { try registry.commit([put(.meta, "a", "1")]) }
        #expect(try SQLiteRegistry(path: path).text(.meta).isEmpty)
    }

    @Test func laterVersionAndForeignFilesAreRefused() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/r"
        try SQLiteRegistry(path: path).close()
        try DatabaseQueue(path: path).writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA user_version = 9")
        }
        #expect(throws: RegistryError.unsupportedVersion(path: path, found: 9, newest: 3)) {
            _ = try SQLiteRegistry(path: path)
        }
        let foreign = directory.path + "/foreign"
        try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE t (a)") }
        #expect(throws: RegistryError.foreign(path: foreign)) {
            _ = try SQLiteRegistry(path: foreign)
        }
        let text = directory.path + "/text"
        try Data(repeating: 65, count: 8192).write(to: URL(fileURLWithPath: text))
        #expect(throws: RegistryError.foreign(path: text)) { _ = try SQLiteRegistry(path: text) }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
    func fullDiskRefusesAndFreedSpaceIsUsedAgain() throws {
        let directory = try TemporaryDirectory()
        try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=1m") == 0)
        defer { umount2(directory.path, Int32(MNT_DETACH)) }
        let filler = URL(fileURLWithPath: directory.path + "/filler")
        try Data(repeating: 1, count: 400 << 10).write(to: filler)
        let registry = try SQLiteRegistry(path: directory.path + "/r")
        let value = String(repeating: "v", count: 8000)
        var stored = 0
        #expect {
            while stored < 200 {
                try registry.commit([put(.volumes, "v\(stored)", value)])
                stored += 1
            }
        } throws: { error in
            if case .noSpace = error as? RegistryError { true } else { false }
        }
        #expect(stored > 5)
        #expect(try registry.text(.volumes).count == stored)
        try FileManager.default.removeItem(at: filler)
        try registry.commit([put(.volumes, "w", value)])
        registry.close()
        let again = try SQLiteRegistry(path: directory.path + "/r")
        #expect(try again.text(.volumes).count == stored + 1)
        again.close()
    }

    /// A commit that makes the log longer waits for more than its own bytes.
    @Test func commitsGoIntoALogOfFullLength() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/r"
        let size = { try #require(FileManager.default.contents(atPath: path + "-wal")).count }
        for start in 0..<2 {
            let registry = try SQLiteRegistry(path: path)
            let before = try size()
            #expect(before > 4_000_000)
            for number in 0..<50 { try registry.commit([put(.agents, "\(start)", "\(number)")]) }
            #expect(try size() == before)
            // As a killed process leaves it.
            let copy = directory.path + "/copy\(start)"
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
            }
            let killed = try SQLiteRegistry(path: copy)
            #expect(try killed.text(.agents) == (0...start).map { "\($0)=49" })
            killed.close()
            registry.close()
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
    func theReserveStoresWhatMustBeOnAFullDisk() throws {
        let directory = try TemporaryDirectory()
        try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=4m") == 0)
        defer { umount2(directory.path, Int32(MNT_DETACH)) }
        var options = SQLiteRegistry.Options()
        options.reserveBytes = 1 << 20
        let path = directory.path + "/r"
        let registry = try SQLiteRegistry(path: path, options: options)
        #expect(!registry.isSpaceLow())
        try registry.commit([put(.agents, "a", "1"), put(.roles, "r", "1")])
        let filler = directory.path + "/filler"
        try fill(filler)
        let value = String(repeating: "v", count: 8000)
        #expect {
            for number in 0..<10 { try registry.commit([put(.volumes, "v\(number)", value)]) }
        } throws: { error in
            if case .noSpace = error as? RegistryError { true } else { false }
        }
        #expect(registry.isSpaceLow())
        for number in 0..<20 { try registry.commit([put(.agents, "a", "\(number)")]) }
        try registry.commit([RegistryChange(bucket: .roles, key: "r", value: nil)])
        registry.close()
        // A start on the full disk needs no room.
        try fill(filler)
        let again = try SQLiteRegistry(path: path, options: options)
        #expect(try again.text(.agents) == ["a=19"])
        #expect(try again.text(.roles).isEmpty)
        #expect(again.isSpaceLow())
        try FileManager.default.removeItem(atPath: filler)
        #expect(!again.isSpaceLow())
        try again.commit([put(.volumes, "w", value)])
        again.close()
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
    func aKilledRegistryOpensOnAFullDisk() throws {
        let directory = try TemporaryDirectory()
        try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=4m") == 0)
        defer { umount2(directory.path, Int32(MNT_DETACH)) }
        let killed = directory.path + "/r"
        let registry = try SQLiteRegistry(path: killed)
        let value = String(repeating: "v", count: 8000)
        for number in 0..<50 { try registry.commit([put(.volumes, "v\(number)", value)]) }
        // What a killed process leaves: a short file and a long log.
        let copy = directory.path + "/copy"
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: killed + suffix, toPath: copy + suffix)
        }
        registry.close()
        try fill(directory.path + "/filler")
        let again = try SQLiteRegistry(path: copy)
        #expect(try again.text(.volumes).count == 50)
        #expect(again.isSpaceLow())
        again.close()
    }

    /// Takes every byte that is left.
    private func fill(_ path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        for size in [1 << 16, 1 << 10, 1] {
            let bytes = [UInt8](repeating: 1, count: size)
            while write(file, bytes, size) > 0 {}
        }
    }
}

@Suite struct RegistryWriterTests {
    @Test func submissionsAreAnsweredInOrder() throws {
        let store = MemoryRegistry()
        let writer = try RegistryWriter(store, sharedChangesLimit: 1)
        let answers = Mutex<[String]>([])
        for index in 0..<50 {
            if index == 0 { store.inject(.noSpace) }
            writer.submit([put(.meta, "\(index)", "")]) { result in
                let isStored = (try? result.get()) != nil
                answers.withLock { $0.append("\(index) \(isStored)") }
            }
        }
        writer.stop()
        #expect(answers.withLock { $0 } == ["0 false"] + (1..<50).map { "\($0) true" })
        #expect(try store.text(.meta).count == 49)
        writer.submit([put(.meta, "late", "")]) { result in
            answers.withLock { $0.append("late \((try? result.get()) != nil)") }
        }
        #expect(answers.withLock(\.last) == "late false")
    }

    @Test func manySubmittersShareTransactionsOnARealDisk() async throws {
        let directory = try TemporaryDirectory()
        let registry = try SQLiteRegistry(path: directory.path + "/r")
        let writer = try RegistryWriter(registry)
        await withTaskGroup(of: Void.self) { group in
            for submitter in 0..<8 {
                group.addTask {
                    for number in 0..<25 {
                        let change = put(.operations, "\(submitter)-\(number)", "x")
                        let isStored = await withCheckedContinuation { continuation in
                            writer.submit([change]) { result in
                                continuation.resume(returning: (try? result.get()) != nil)
                            }
                        }
                        #expect(isStored)
                    }
                }
            }
        }
        writer.stop()
        registry.close()
        let again = try SQLiteRegistry(path: directory.path + "/r")
        #expect(try again.text(.operations).count == 200)
    }
}
