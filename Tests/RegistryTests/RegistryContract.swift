import Foundation
import GRDB
import Testing

@testable import Registry

/// Something that must behave as a registry: opened again and again over what it stored.
protocol RegistrySubject: AnyObject {
    /// As after kill -9: whatever had the registry open is gone.
    func open() throws -> any RegistryStore
    /// Makes the next commit of four megabytes meet a full disk.
    func injectNoSpace()
    /// Makes the next commit fail in a way that leaves it unknown what is stored.
    func injectFailure() throws
}

final class SQLiteSubject: RegistrySubject {
    let directory: TemporaryDirectory
    var registry: SQLiteRegistry?
    var path: String { directory.path + "/state/registry.sqlite" }

    init() throws { directory = try TemporaryDirectory() }

    func open() throws -> any RegistryStore {
        registry?.close()
        registry = nil
        var options = SQLiteRegistry.Options()
        options.bytesLimit = 1 << 20
        let opened = try SQLiteRegistry(path: path, options: options)
        registry = opened
        return opened
    }

    func injectNoSpace() {}

    func injectFailure() throws {
        try registry?.queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA query_only = 1")
        }
    }
}

final class FakeSubject: RegistrySubject {
    private var registry = MemoryRegistry()

    func open() throws -> any RegistryStore {
        registry = registry.reopened()
        return registry
    }

    func injectNoSpace() { registry.inject(.noSpace) }
    func injectFailure() { registry.inject(.failure) }
}

enum SubjectKind: CaseIterable, Sendable {
    case sqlite, memory

    func make() throws -> any RegistrySubject {
        switch self {
        case .sqlite: try SQLiteSubject()
        case .memory: FakeSubject()
        }
    }
}

func put(_ bucket: RegistryBucket, _ key: String, _ value: String) -> RegistryChange {
    RegistryChange(bucket: bucket, key: key, value: Array(value.utf8))
}

extension RegistryStore {
    /// The records of a bucket as text.
    func text(_ bucket: RegistryBucket) throws -> [String] {
        let contents = try #require(try load().first { $0.bucket == bucket })
        return contents.entries.map { "\($0.key)=\(String(decoding: $0.value, as: UTF8.self))" }
    }
}

@Suite("Registry contract") struct RegistryContract {
    @Test(arguments: SubjectKind.allCases)
    func changesComeBackSortedByKey(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        let store = try subject.open()
        #expect(try store.load().map(\.bucket) == RegistryBucket.allCases)
        #expect(try store.load().allSatisfy { $0.entries.isEmpty })
        try store.commit([put(.agents, "b", "1"), put(.agents, "a", "2"), put(.volumes, "b", "3")])
        try store.commit([])
        try store.commit([put(.agents, "é", ""), put(.agents, "z", "4")])
        let again = try subject.open()
        #expect(try again.text(.agents) == ["a=2", "b=1", "z=4", "é="])
        #expect(try again.text(.volumes) == ["b=3"])
    }

    @Test(arguments: SubjectKind.allCases)
    func changesOfACommitAreMadeInOrder(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        let store = try subject.open()
        let removal = RegistryChange(bucket: .meta, key: "k", value: nil)
        try store.commit([put(.meta, "k", "1"), removal, put(.meta, "k", "2"), put(.meta, "l", "")])
        #expect(try store.text(.meta) == ["k=2", "l="])
        try store.commit([put(.meta, "k", "3"), removal, removal])
        #expect(try subject.open().text(.meta) == ["l="])
    }

    @Test(arguments: SubjectKind.allCases)
    func lackOfSpaceRefusesTheWholeCommitAndTheRegistryGoesOn(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        let store = try subject.open()
        try store.commit([put(.roles, "before", "1")])
        subject.injectNoSpace()
        let large = RegistryChange(
            bucket: .roles, key: "large", value: [UInt8](repeating: 1, count: 4 << 20))
        #expect {
            try store.commit([put(.roles, "refused", "1"), put(.meta, "refused", ""), large])
        } throws: { error in
            if case .noSpace = error as? RegistryError { true } else { false }
        }
        try store.commit([put(.roles, "after", "1")])
        let again = try subject.open()
        #expect(try again.text(.roles) == ["after=1", "before=1"])
        #expect(try again.text(.meta).isEmpty)
    }

    @Test(arguments: SubjectKind.allCases)
    func failureStopsTheRegistryUntilItIsOpenedAgain(_ kind: SubjectKind) throws {
        let subject = try kind.make()
        let store = try subject.open()
        try store.commit([put(.services, "before", "1")])
        try subject.injectFailure()
        for _ in 0..<2 {
            #expect {
                try store.commit([put(.services, "lost", "1")])
            } throws: { error in
                if case .poisoned = error as? RegistryError { true } else { false }
            }
        }
        let again = try subject.open()
        #expect(try again.text(.services) == ["before=1"])
        try again.commit([put(.services, "after", "1")])
        #expect(try again.text(.services) == ["after=1", "before=1"])
    }
}
