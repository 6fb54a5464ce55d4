import Journal
import Testing

/// Something that must behave as a journal: opened again and again over what it stored.
protocol JournalSubject: AnyObject {
    /// As after kill -9: whatever had the journal open is gone.
    func open() throws -> (store: any JournalStore, records: [[UInt8]])
    func injectNoSpace()
    func injectFailedSync()
}

final class RealSubject: JournalSubject {
    private let directory: TemporaryDirectory
    private let disk: FaultyDisk

    init() throws {
        directory = try TemporaryDirectory()
        disk = FaultyDisk(try DirectoryDisk(path: directory.path + "/journal"))
    }

    func open() throws -> (store: any JournalStore, records: [[UInt8]]) {
        let (journal, recovery) = try Journal.open(on: disk)
        return (journal, recovery.records)
    }

    func injectNoSpace() { disk.inject(.fullWrite) }
    func injectFailedSync() { disk.inject(.failedSync) }
}

final class FakeSubject: JournalSubject {
    private var journal = MemoryJournal()

    func open() throws -> (store: any JournalStore, records: [[UInt8]]) {
        journal = MemoryJournal(records: journal.records)
        return (journal, journal.records)
    }

    func injectNoSpace() { journal.inject(.noSpace) }
    func injectFailedSync() { journal.inject(.failedSync) }
}

enum SubjectKind: CaseIterable, Sendable {
    case directory, memory

    func make() throws -> any JournalSubject {
        switch self {
        case .directory: try RealSubject()
        case .memory: FakeSubject()
        }
    }
}

func record(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("Journal contract") struct JournalContract {
    @Test(arguments: SubjectKind.allCases)
    func recordsComeBackInOrder(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        let first = try subject.open()
        #expect(first.records.isEmpty)
        try first.store.append([record("a"), [], record("b")])
        try first.store.append([])
        try first.store.append([record("c")])
        let second = try subject.open()
        #expect(second.records == [record("a"), [], record("b"), record("c")])
        try second.store.append([record("d")])
        #expect(try subject.open().records.last == record("d"))
    }

    @Test(arguments: SubjectKind.allCases)
    func snapshotTakesThePlaceOfEarlierRecords(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        let (store, _) = try subject.open()
        try store.compact([])
        try store.append([record("old")])
        #expect(store.bytesSinceSnapshot > 0)
        try store.compact([record("state")])
        #expect(store.bytesSinceSnapshot == 0)
        try store.append([record("new")])
        #expect(try subject.open().records == [record("state"), record("new")])
        let (again, _) = try subject.open()
        try again.compact([])
        #expect(try subject.open().records.isEmpty)
    }

    @Test(arguments: SubjectKind.allCases)
    func lackOfSpaceRefusesTheBatchAndTheJournalGoesOn(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        let (store, _) = try subject.open()
        try store.append([record("before")])
        subject.injectNoSpace()
        #expect { try store.append([record("refused")]) } throws: { error in
            if case .noSpace = error as? JournalError { true } else { false }
        }
        try store.append([record("after")])
        subject.injectNoSpace()
        #expect(throws: JournalError.self) { try store.compact([record("refused")]) }
        try store.append([record("later")])
        #expect(
            try subject.open().records == [record("before"), record("after"), record("later")])
    }

    @Test(arguments: SubjectKind.allCases)
    func failedSyncStopsTheJournalUntilItIsOpenedAgain(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        let (store, _) = try subject.open()
        try store.append([record("before")])
        subject.injectFailedSync()
        for _ in 0..<2 {
            #expect { try store.append([record("unknown")]) } throws: { error in
                if case .poisoned = error as? JournalError { true } else { false }
            }
        }
        #expect(throws: JournalError.self) { try store.compact([]) }
        let (again, records) = try subject.open()
        #expect(records.first == record("before"))
        #expect(records.count <= 2)
        try again.append([record("after")])
        #expect(try subject.open().records == records + [record("after")])
    }
}
