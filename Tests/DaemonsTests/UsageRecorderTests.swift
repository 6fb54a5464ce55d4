import Foundation
import Logging
import Model
import Synchronization
import Testing

@testable import Daemons

@Suite struct UsageRecorderTests {
    /// Events in the order in which they came.
    private final class Heard: Sendable {
        private let list = Mutex<[UsageEvent]>([])
        var events: [UsageEvent] { list.withLock { $0 } }
        func hear(_ event: UsageEvent) { list.withLock { $0.append(event) } }
    }

    private static let start: Int64 = 1_799_971_200
    private let directory: String
    private let heard = Heard()

    init() throws {
        let place = FileManager.default.temporaryDirectory
            .appending(path: "holdfast-usage-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        directory = place.path
    }

    private func recorder() -> UsageRecorder {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return UsageRecorder(
            workDirectory: directory, logger: logger, listeners: [heard.hear])
    }

    private func volume(_ bytes: Int64, _ uuid: String = "a-1") -> UsageSnapshot.Volume {
        UsageSnapshot.Volume(
            uuid: VolumeUUID(uuid), persistenceID: "v", role: "db", disk: "",
            backend: "directory",
            amounts: UsageAmounts(
                usedBytes: bytes, limitBytes: 1000, usedInodes: 3, source: .walk, at: .now))
    }

    @Test func aCrossingIsToldOnceOverRestarts() throws {
        let first = recorder()
        for (minute, bytes) in [10, 850, 860, 790, 855].enumerated() {
            first.record([volume(Int64(bytes))], now: Self.start + Int64(minute) * 60)
        }
        #expect(heard.events.map(\.kind) == ["volume-over"])
        #expect(heard.events.first?.percent == 80)
        // Another life, as after kill -9: nothing was said goodbye to.
        let second = recorder()
        second.record([volume(870)], now: Self.start + 400)
        #expect(heard.events.count == 1)
        second.record([volume(100)], now: Self.start + 460)
        #expect(heard.events.map(\.kind) == ["volume-over", "volume-under"])
        #expect(second.eventCounts.map(\.kind) == ["volume-under"])
        let found = try #require(second.history(VolumeUUID("a-1"), now: Self.start + 461))
        let minutes = try #require(found.series.first { $0.0 == .minute }?.1)
        #expect(minutes.map(\.lastBytes) == [10, 850, 860, 790, 870, 100])
        #expect(minutes.last?.usedInodes == 3)
        try FileManager.default.removeItem(atPath: directory)
    }

    @Test func whatFillsIsForecast() throws {
        let recorder = recorder()
        for minute in 0..<60 {
            recorder.record([volume(Int64(100 + minute))], now: Self.start + Int64(minute) * 60)
        }
        guard case .filling(let filling) = recorder.forecast(VolumeUUID("a-1")) else {
            Issue.record("it is \(recorder.forecast(VolumeUUID("a-1")))")
            return
        }
        #expect(abs(filling.fullIn - 841 * 60) < 120)
        #expect(heard.events.map(\.kind) == ["volume-filling"])
        try FileManager.default.removeItem(atPath: directory)
    }

    @Test func theLastPointOutlivesARestart() throws {
        let first = recorder()
        for minute in 0..<3 {
            first.record([volume(77)], now: Self.start + Int64(minute) * 60)
        }
        let last = try #require(
            recorder().lastKnown(VolumeUUID("a-1"), now: Self.start + 1060))
        #expect(last.usedBytes == 77 && last.source == .history)
        #expect(last.age() >= 1000)
        try FileManager.default.removeItem(atPath: directory)
    }

    @Test func aDirectoryThatTakesNothingStopsNothing() throws {
        let recorder = recorder()
        try FileManager.default.removeItem(atPath: directory)
        for minute in 0..<3 {
            recorder.record([volume(900)], now: Self.start + Int64(minute) * 60)
        }
        #expect(heard.events.map(\.kind) == ["volume-over"])
        let found = try #require(recorder.history(VolumeUUID("a-1"), now: Self.start + 130))
        #expect(found.series.first?.1.map(\.lastBytes) == [900])
    }

    @Test func historiesOfGoneVolumesGo() throws {
        let recorder = recorder()
        for minute in 0..<2 {
            recorder.record(
                [volume(1), volume(2, "b-2")], now: Self.start + Int64(minute) * 60)
        }
        recorder.prune(keeping: [VolumeUUID("b-2")])
        let left = try FileManager.default.contentsOfDirectory(atPath: directory + "/usage")
        #expect(left == ["b-2"])
        try FileManager.default.removeItem(atPath: directory)
    }
}
