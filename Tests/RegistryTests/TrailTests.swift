import Foundation
import GRDB
import Testing

@testable import Registry

@Suite struct TrailTests {
    private func entry(_ number: Int64, _ subjects: String...) -> TrailEntry {
        TrailEntry(nanoseconds: number, subjects: subjects, value: Array("e\(number)".utf8))
    }

    private func times(_ store: any RegistryStore, _ query: TrailQuery) throws -> [Int64] {
        try store.trail(query).entries.map(\.entry.nanoseconds)
    }

    @Test(arguments: SubjectKind.allCases)
    func entriesComeBackNewestFirstAndByWhatTheyAreAbout(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        var store = try subject.open()
        try store.commit([put(.meta, "k", "1")], trail: [entry(1, "role:a", "volume:x")])
        try store.commit([], trail: [entry(2, "role:b"), entry(3, "role:a", "volume:y")])
        for isAgain in [false, true] {
            if isAgain { store = try subject.open() }
            var query = TrailQuery()
            #expect(try times(store, query) == [3, 2, 1])
            query.subjects = ["role:a"]
            #expect(try times(store, query) == [3, 1])
            query.subjects = ["role:a", "volume:x"]
            #expect(try times(store, query) == [1])
            query.subjects = ["role:"]
            #expect(try times(store, query).isEmpty)
            query.subjects = []
            query.from = 2
            query.to = 2
            let page = try store.trail(query)
            #expect(page.entries.map(\.entry) == [entry(2, "role:b")])
            #expect(page.next == nil)
        }
    }

    /// Whatever bounds a page, the pages together are the whole trail, each entry once.
    @Test(arguments: SubjectKind.allCases, [(1, 100), (100, 1), (3, 4)])
    func pagesGoOnWhereTheLastOneEnded(_ kind: SubjectKind, _ limits: (Int, Int)) throws {
        let store = try kind.make().open()
        try store.commit([], trail: (1...10).map { entry($0, $0 % 3 == 0 ? "third" : "other") })
        var query = TrailQuery()
        query.limit = limits.0
        query.scanLimit = limits.1
        query.subjects = ["third"]
        var found: [Int64] = []
        for _ in 0..<20 {
            let page = try store.trail(query)
            found += page.entries.map(\.entry.nanoseconds)
            query.before = page.next
            if page.next == nil { break }
        }
        #expect(query.before == nil)
        #expect(found == [9, 6, 3])
    }

    /// What is told twice, because nobody knew whether it had been told, is there once.
    @Test(arguments: SubjectKind.allCases)
    func anEntryIsLeftOutWhereItsSubjectIsThere(_ kind: SubjectKind) throws {
        let store = try kind.make().open()
        func retold(_ number: Int64, _ subject: String) -> TrailEntry {
            TrailEntry(
                nanoseconds: number, subjects: ["role:a", subject], value: [],
                unlessThere: subject)
        }
        try store.commit([], trail: [entry(1, "operation:x"), retold(2, "operation:x")])
        try store.commit([], trail: [retold(3, "operation:y"), retold(4, "operation:")])
        try store.commit([], trail: [retold(5, "operation:y"), entry(6, "operation:y")])
        #expect(try times(store, TrailQuery()) == [6, 4, 3, 1])
    }

    @Test(arguments: SubjectKind.allCases)
    func aRefusedCommitLeavesNoEntry(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        let store = try subject.open()
        subject.injectNoSpace()
        let large = RegistryChange(
            bucket: .roles, key: "large", value: [UInt8](repeating: 1, count: 4 << 20))
        #expect(throws: RegistryError.self) { try store.commit([large], trail: [entry(1, "a")]) }
        #expect(try times(store, TrailQuery()).isEmpty)
    }

    /// The oldest go; numbers go on, also over a restart.
    @Test func theTrailKeepsItsNewestBytes() throws {
        let directory = try TemporaryDirectory()
        var options = SQLiteRegistry.Options()
        options.trailBytesLimit = 16 * 100
        var numbers: Set<Int64> = []
        var last: Int64 = 0
        for round in 0..<4 {
            let store = try SQLiteRegistry(path: directory.path + "/r", options: options)
            for time in 1...50 {
                last = Int64(round * 50 + time)
                try store.commit([], trail: [entry(last, "subject")])
            }
            let page = try store.trail(TrailQuery())
            #expect(page.entries.first?.entry.nanoseconds == last)
            #expect((20...80).contains(page.entries.count), "\(page.entries.count) are kept")
            let times = page.entries.map(\.entry.nanoseconds)
            #expect(times == (0..<times.count).map { last - Int64($0) }, "a gap")
            for line in page.entries {
                #expect(line.number == line.entry.nanoseconds, "a number came again")
                numbers.insert(line.number)
            }
            store.close()
        }
        #expect(numbers.contains(last))
    }

    /// A registry of version 1 gets what it lacks, and keeps what it has.
    @Test func anEarlierRegistryIsMigrated() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/r"
        let first = try SQLiteRegistry(path: path)
        try first.commit([put(.volumes, "v", "1")])
        try first.queue.writeWithoutTransaction { database in
            try database.execute(sql: "DROP TABLE trail; DROP TABLE reservations")
            try database.execute(sql: "PRAGMA user_version = 1")
        }
        first.close()
        let store = try SQLiteRegistry(path: path)
        try store.commit([put(.reservations, "r", "2")], trail: [entry(7, "a")])
        store.close()
        let again = try SQLiteRegistry(path: path)
        #expect(try again.text(.volumes) == ["v=1"])
        #expect(try again.text(.reservations) == ["r=2"])
        #expect(try times(again, TrailQuery()) == [7])
    }
}
