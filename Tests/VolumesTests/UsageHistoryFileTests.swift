import Glibc
import Linux
import Model
import Testing

@testable import Volumes

@Suite struct UsageHistoryFileTests {
    private let disk: TestDisk
    private let file: UsageHistoryFile
    private static let start: Int64 = 1_799_971_200

    init() throws {
        disk = try TestDisk(.directory)
        file = try #require(UsageHistoryFile(directory: disk.root, uuid: VolumeUUID("a-1")))
    }

    private func write(_ minute: Int) -> UsageRollup.Write {
        UsageRollup.Write(
            step: .minute,
            point: UsagePoint(
                time: Self.start + Int64(minute) * 60, lastBytes: Int64(minute) << 33, minBytes: 1,
                maxBytes: .max, limitBytes: 7, usedInodes: minute % 2 == 0 ? nil : 3))
    }

    private func sorted(_ points: [UsagePoint]) -> [UsagePoint] {
        points.sorted { $0.time < $1.time }
    }

    @Test func whatIsStoredIsFound() throws {
        #expect(file.points(.minute).isEmpty)
        let hour = UsageRollup.Write(
            step: .hour, point: UsagePoint(time: Self.start, lastBytes: 4, limitBytes: 5))
        try file.write([write(0), write(1), hour])
        #expect(sorted(file.points(.minute)) == [write(0).point, write(1).point])
        #expect(file.points(.hour) == [hour.point])
        #expect(file.points(.day).isEmpty)
    }

    @Test func theOldestMakeRoom() throws {
        try file.write((0..<1500).map(write))
        #expect(
            sorted(file.points(.minute)).map(\.time) == (60..<1500).map { write($0).point.time })
        let size = try FileStatus.of(file.path).size
        #expect(size <= Int64(UsageHistoryFile.bytesAtMost))
    }

    @Test func whatIsDamagedIsLeftOut() throws {
        try file.write((0..<10).map(write))
        try file.write(UsageAlarms(percent: 90, isFillingSoon: true))
        #expect(file.alarms() == UsageAlarms(percent: 90, isFillingSoon: true))
        // A byte of each of two points, and one of the alarms.
        let index = Int(Self.start / 60 % 1440)
        let raw = try OpenFile(path: file.path, flags: O_RDWR)
        for place in [64 + (index + 3) * 48 + 9, 64 + (index + 7) * 48 + 2, 8] {
            try raw.write([0xEE], at: place)
        }
        #expect(
            sorted(file.points(.minute)).map(\.time)
                == [0, 1, 2, 4, 5, 6, 8, 9].map { write($0).point.time })
        #expect(file.alarms() == UsageAlarms())
        try file.write([write(3)])
        #expect(file.points(.minute).count == 9)
    }

    @Test func aFileCutShortIsRead() throws {
        try file.write((0..<10).map(write))
        let index = Int(Self.start / 60 % 1440)
        truncate(file.path, off_t(64 + (index + 4) * 48 + 20))
        #expect(file.points(.minute).count == 4)
    }

    @Test func namesLeadNowhereElse() {
        for name in ["", "../x", "a/b", ".", String(repeating: "a", count: 65)] {
            #expect(UsageHistoryFile(directory: disk.root, uuid: VolumeUUID(name)) == nil)
        }
    }
}
