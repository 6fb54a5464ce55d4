import Foundation
import GRDB
import Linux
import Testing

@testable import Registry

@Suite struct BackupTests {
    let directory: TemporaryDirectory
    var path: String { directory.path + "/registry.sqlite" }
    var copy: String { directory.path + "/copy.sqlite" }

    init() throws { directory = try TemporaryDirectory() }

    @Test func aCopyIsWhatWasCommittedBefore() throws {
        let registry = try SQLiteRegistry(path: path)
        let line = TrailEntry(nanoseconds: 1, subjects: ["a"], value: [1])
        try registry.commit([put(.volumes, "v", "1")], trail: [line])
        let bytes = try registry.backUp(to: copy)
        #expect(bytes > 0)
        try registry.commit([put(.volumes, "v", "2"), put(.volumes, "w", "1")])
        registry.close()
        let kept = try #require(try SQLiteRegistry.restore(copy, to: path))
        let restored = try SQLiteRegistry(path: path)
        #expect(try restored.text(.volumes) == ["v=1"])
        #expect(try restored.trail(TrailQuery()).entries.map(\.entry) == [line])
        try restored.commit([put(.volumes, "x", "1")])
        restored.close()
        #expect(try SQLiteRegistry(path: kept).text(.volumes) == ["v=2", "w=1"])
        // The copy is still what it was.
        #expect(try SQLiteRegistry.restore(copy, to: directory.path + "/other") == nil)
        #expect(try SQLiteRegistry(path: directory.path + "/other").text(.volumes) == ["v=1"])
    }

    @Test func aTakenNameAndAFullDiskLeaveNothing() throws {
        let registry = try SQLiteRegistry(path: path)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: copy))
        #expect(throws: RegistryError.self) { try registry.backUp(to: copy) }
        #expect(try String(contentsOfFile: copy, encoding: .utf8) == "mine")
        #expect(throws: RegistryError.self) {
            try registry.backUp(to: directory.path + "/absent/copy")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(!names.contains { $0.hasSuffix(".new") })
        try registry.commit([put(.meta, "after", "1")])
    }

    @Test func nothingIsRestoredUnderARunningMasterOrFromWhatIsNoRegistry() throws {
        let registry = try SQLiteRegistry(path: path)
        try registry.commit([put(.meta, "mine", "1")])
        _ = try registry.backUp(to: copy)
        #expect(throws: RegistryError.inUse(path: path)) {
            try SQLiteRegistry.restore(copy, to: path)
        }
        try registry.commit([put(.meta, "after", "1")])
        registry.close()
        let foreign = directory.path + "/foreign"
        try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE t (a)") }
        let text = directory.path + "/text"
        try Data(repeating: 65, count: 8192).write(to: URL(fileURLWithPath: text))
        var broken = try Data(contentsOf: URL(fileURLWithPath: copy))
        for index in 4096..<min(broken.count, 12_288) { broken[index] = 0xEE }
        let damaged = directory.path + "/damaged"
        try broken.write(to: URL(fileURLWithPath: damaged))
        for source in [foreign, text, damaged, directory.path + "/absent"] {
            #expect(throws: RegistryError.self, "\(source)") {
                try SQLiteRegistry.restore(source, to: path)
            }
        }
        #expect(try SQLiteRegistry(path: path).text(.meta) == ["after=1", "mine=1"])
    }

    /// A registry that can't be opened is what backups are for.
    @Test func aDamagedRegistryIsReplacedAndKept() throws {
        let registry = try SQLiteRegistry(path: path)
        try registry.commit([put(.meta, "mine", "1")])
        _ = try registry.backUp(to: copy)
        registry.close()
        let garbage = Data(repeating: 65, count: 8192)
        try garbage.write(to: URL(fileURLWithPath: path))
        let kept = try #require(try SQLiteRegistry.restore(copy, to: path))
        #expect(try Data(contentsOf: URL(fileURLWithPath: kept)) == garbage)
        #expect(try SQLiteRegistry(path: path).text(.meta) == ["mine=1"])
    }
}
