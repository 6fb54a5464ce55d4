import Journal
import Synchronization
import Testing

/// What a run of the workload knows to be stored, and what may be.
private struct Expectation {
    var stored: [[UInt8]] = []
    /// What would be stored had the call that failed been completed.
    var inFlight: [[UInt8]]?

    func allows(_ records: [[UInt8]]) -> Bool { records == stored || records == inFlight }
}

/// Small segments and pieces, so that every kind of step happens within a few records.
private func smallOptions() -> Journal.Options {
    var options = Journal.Options()
    options.segmentBytes = 600
    options.chunkBytes = 256
    options.aheadBytes = 64
    return options
}

/// Appends, rolls and compacts; stops at the first failure after which nothing more is taken.
private func run(on disk: MemoryDisk) -> Expectation {
    var expectation = Expectation()
    guard let (journal, recovery) = try? Journal.open(on: disk, options: smallOptions()) else {
        return expectation
    }
    expectation.stored = recovery.records
    for step in 0..<24 {
        let isCompaction = step % 9 == 8
        let batch = (0...step % 3).map { index in
            [UInt8](repeating: UInt8(step), count: 7 + 40 * index)
        }
        let next = isCompaction ? batch : expectation.stored + batch
        do {
            if isCompaction { try journal.compact(batch) } else { try journal.append(batch) }
            expectation.stored = next
        } catch JournalError.poisoned {
            expectation.inFlight = next
            return expectation
        } catch {
            if disk.state.withLock(\.isCrashed) {
                expectation.inFlight = next
                return expectation
            }
        }
    }
    return expectation
}

@Suite struct JournalCrashTests {
    @Test func everyCrashLeavesWhatWasStored() throws {
        let clean = MemoryDisk()
        _ = run(on: clean)
        #expect(clean.steps > 80)
        for step in 0..<clean.steps {
            for seed in 0..<12 as Range<UInt64> {
                let disk = MemoryDisk()
                disk.plan(.crash, at: step)
                let expectation = run(on: disk)
                let after =
                    seed == 0
                    ? disk.afterKill()
                    : disk.afterPowerFailure(seed: seed &* 7919 &+ UInt64(step))
                let (journal, recovery) = try Journal.open(on: after, options: smallOptions())
                try #require(
                    expectation.allows(recovery.records), "crash at step \(step), seed \(seed)")
                // What recovery returned must itself survive the next failure.
                let again = after.afterPowerFailure(seed: seed)
                #expect(try Journal.open(on: again).recovery.records == recovery.records)
                try journal.append([record("after")])
                let last = try Journal.open(on: after.afterKill()).recovery.records
                #expect(last == recovery.records + [record("after")])
            }
        }
    }

    @Test(arguments: [28, 5] as [Int32])
    func everyRefusedCallLeavesWhatWasStored(errno: Int32) throws {
        let clean = MemoryDisk()
        _ = run(on: clean)
        for step in 0..<clean.steps {
            let disk = MemoryDisk()
            disk.plan(.refusal(errno: errno), at: step)
            let expectation = run(on: disk)
            let (journal, recovery) = try Journal.open(
                on: disk.afterKill(), options: smallOptions())
            try #require(expectation.allows(recovery.records), "refusal at step \(step)")
            try journal.append([record("after")])
        }
    }

    @Test func damageBeforeTheTailIsReportedNotCut() throws {
        let disk = MemoryDisk()
        var options = Journal.Options()
        options.chunkBytes = 1024
        let (journal, _) = try Journal.open(on: disk, options: options)
        for _ in 0..<5 { try journal.append([[UInt8](repeating: 1, count: 100)]) }
        let name = try #require(try disk.names().first)
        // Every byte of the first four batches matters, but for four zeros in each header.
        for offset in stride(from: 64, to: 64 + 4 * 136, by: 5) {
            let damaged = disk.afterKill()
            damaged.flip(name, at: offset)
            if (28..<32).contains((offset - 64) % 136) { continue }
            #expect("byte \(offset)") { _ = try Journal.open(on: damaged) } throws: { error in
                if case .corrupt = error as? JournalError { true } else { false }
            }
        }
        let damaged = disk.afterKill()
        damaged.flip(name, at: 3)
        #expect(throws: JournalError.self) { _ = try Journal.open(on: damaged) }
    }

    @Test func missingSegmentIsReported() throws {
        let disk = MemoryDisk()
        let (journal, _) = try Journal.open(on: disk, options: smallOptions())
        for _ in 0..<12 { try journal.append([[UInt8](repeating: 2, count: 200)]) }
        let names = try disk.names()
        #expect(names.count > 3)
        for name in names.dropLast() {
            let damaged = disk.afterKill()
            try damaged.remove(name)
            #expect(throws: JournalError.self) { _ = try Journal.open(on: damaged) }
        }
    }

    @Test func batchInsideATornRecordIsNotTakenForALaterOne() throws {
        let donor = MemoryDisk()
        try Journal.open(on: donor).journal.append([record("forged")])
        let forged = try donor.open(try #require(try donor.names().first)).readAll()
        let disk = FaultyDisk(MemoryDisk())
        let (journal, _) = try Journal.open(on: disk)
        disk.inject(.tornWrite)
        let content = Array(forged[64..<128])
        #expect(throws: JournalError.self) {
            try journal.append([content + content + [UInt8](repeating: 9, count: 400)])
        }
        let recovery = try Journal.open(on: disk).recovery
        #expect(recovery.records.isEmpty)
        #expect(recovery.bytesCut > 0)
    }
}
