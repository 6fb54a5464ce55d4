import Glibc
import Journal
import Synchronization
import Testing

/// A journal whose first commit waits until it is let go, counting all.
private final class GatedJournal: JournalStore {
    let inner = MemoryJournal()
    let counts = Mutex<[Int]>([])
    private let gate = UnsafeGate()

    var bytesSinceSnapshot: Int { inner.bytesSinceSnapshot }
    var isSpaceLow: Bool { inner.isSpaceLow }

    func append(_ records: [[UInt8]]) throws(JournalError) {
        let isFirst = counts.withLock { counts in
            counts.append(records.count)
            return counts.count == 1
        }
        if isFirst { gate.wait() }
        try inner.append(records)
    }

    func compact(_ snapshot: [[UInt8]]) throws(JournalError) { try inner.compact(snapshot) }

    func open() { gate.open() }
}

private final class UnsafeGate: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    init() { sem_init(semaphore, 0, 0) }
    deinit { semaphore.deallocate() }
    func wait() { sem_wait(semaphore) }
    func open() { sem_post(semaphore) }
}

@Suite struct JournalWriterTests {
    @Test func submissionsShareCommitsAndAreAnsweredInOrder() throws {
        let store = GatedJournal()
        let writer = try JournalWriter(store)
        let answered = Mutex<[Int]>([])
        for index in 0..<100 {
            writer.submit([[UInt8(index)]]) { result in
                if case .success = result { answered.withLock { $0.append(index) } }
            }
        }
        store.open()
        writer.stop()
        #expect(answered.withLock { $0 } == Array(0..<100))
        #expect(store.inner.records == (0..<100).map { [UInt8($0)] })
        // The first commit took what was there when the thread woke, the second all the rest.
        #expect(store.counts.withLock(\.count) <= 2)
    }

    @Test func refusalReachesItsSubmissionOnly() throws {
        let store = MemoryJournal()
        let writer = try JournalWriter(store, sharedBytesLimit: 0)
        store.inject(.noSpace)
        let answers = Mutex<[Bool]>([])
        for index in 0..<3 {
            writer.submit([[UInt8(index)]]) { result in
                answers.withLock { $0.append((try? result.get()) != nil) }
            }
        }
        writer.compact([[9]]) { result in
            answers.withLock { $0.append((try? result.get()) != nil) }
        }
        writer.stop()
        #expect(answers.withLock { $0 } == [false, true, true, true])
        #expect(store.records == [[9]])
    }

    @Test func failedSyncFailsEverythingLater() throws {
        let store = MemoryJournal()
        let writer = try JournalWriter(store, sharedBytesLimit: 0)
        store.inject(.failedSync)
        let failures = Mutex(0)
        for _ in 0..<5 {
            writer.submit([[1]]) { result in
                if case .failure(.poisoned) = result { failures.withLock { $0 += 1 } }
            }
        }
        writer.stop()
        writer.submit([[1]]) { result in
            if case .failure(.poisoned) = result { failures.withLock { $0 += 1 } }
        }
        #expect(failures.withLock { $0 } == 6)
        #expect(store.records.isEmpty)
    }

    @Test func manyThreadsLoseNothingOnARealDisk() async throws {
        let directory = try TemporaryDirectory()
        let (journal, _) = try Journal.open(directory: directory.path)
        let writer = try JournalWriter(journal)
        await withTaskGroup(of: Void.self) { group in
            for submitter in 0..<8 as Range<UInt8> {
                group.addTask {
                    for number in 0..<40 as Range<UInt8> {
                        let isStored = await withCheckedContinuation { continuation in
                            writer.submit([[submitter, number]]) { result in
                                continuation.resume(returning: (try? result.get()) != nil)
                            }
                        }
                        #expect(isStored)
                    }
                }
            }
        }
        writer.stop()
        let records = try Journal.open(directory: directory.path).recovery.records
        #expect(records.count == 320)
        for submitter in 0..<8 as Range<UInt8> {
            #expect(records.filter { $0[0] == submitter }.map { $0[1] } == Array(0..<40))
        }
    }
}
