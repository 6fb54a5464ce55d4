import AgentCore
import Journal
import Logging
import Model
import Testing
import Wire

@testable import Daemons

@Suite struct AgentJournalTests {
    private let store = MemoryJournal()
    private let journal: AgentJournal
    private let acknowledged = AgentRecord.resultAcknowledged(OperationUUID("o"))
    private let identified = AgentRecord.identified(AgentID("S0"))

    init() { journal = AgentJournal(store, logger: Logger(label: "test")) }

    private var records: [AgentRecord] {
        get throws { try store.records.map { try AgentRecord(decoding: $0) } }
    }

    @Test func anAcknowledgedResultWaitsForTheNextRecord() throws {
        try journal.persist([.store(acknowledged)])
        #expect(try records == [])
        try journal.persist([.store(identified)])
        #expect(try records == [acknowledged, identified])
        try journal.persist([.store(identified)])
        #expect(try records.count == 3)
    }

    @Test func noMoreThanSomeWait() throws {
        for _ in 0..<1_000 { try journal.persist([.store(acknowledged)]) }
        #expect(try records.count > 700)
    }

    @Test func whatWaitsIsNotLostToAFullDisk() throws {
        try journal.persist([.store(acknowledged)])
        store.inject(.noSpace)
        #expect(throws: StorageFull.self) { try journal.persist([.store(identified)]) }
        #expect(try records == [])
        try journal.persist([.store(identified)])
        #expect(try records == [acknowledged, identified])
    }

    @Test func aSnapshotHoldsWhatWaited() throws {
        try journal.persist([.store(acknowledged), .compactJournal([identified])])
        #expect(try records == [identified])
        try journal.persist([.store(identified)])
        #expect(try records == [identified, identified])
    }

    @Test func withoutSpaceForASnapshotItGoesOn() throws {
        try journal.persist([.store(acknowledged)])
        store.inject(.noSpace)
        try journal.persist([.compactJournal([identified])])
        #expect(try records == [])
        try journal.persist([.store(identified)])
        #expect(try records == [acknowledged, identified])
    }
}
