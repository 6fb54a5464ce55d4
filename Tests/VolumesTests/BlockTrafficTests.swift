import Testing

@testable import Linux

@Suite struct BlockTrafficTests {
    @Test func aDevicesCountersAreRead() throws {
        let line = " 5 1 160 7 9 2 480 11 0 20 18 0 0 0 0 3 1"
        let traffic = try #require(BlockTraffic(statistics: line))
        #expect(traffic.reads == 5 && traffic.readBytes == 81_920)
        #expect(traffic.writes == 9 && traffic.writtenBytes == 245_760)
        #expect(traffic.waitMilliseconds == 18)
        #expect(BlockTraffic(statistics: "1 2 3") == nil)
    }

    @Test func countersOfBothVersionsOfControlGroupsAreRead() {
        let bytes = "7:1 Read 4096\n7:1 Write 8192\n7:1 Total 12288\n254:0 Write 512\nTotal 12800\n"
        let count = "7:1 Read 1\n7:1 Write 2\n254:0 Write 1\nTotal 4\n"
        let v1 = Cgroup.traffic(serviceBytes: bytes, serviced: count)
        #expect(v1.map(\.device.description) == ["7:1", "254:0"])
        #expect(v1.map(\.traffic.writtenBytes) == [8192, 512])
        #expect(v1.map(\.traffic.reads) == [1, 0])
        let v2 = Cgroup.traffic(
            ioStat: "7:1 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n8:0 \nnonsense\n")
        #expect(v2.map(\.traffic.writtenBytes) == [8192, 0])
        #expect(v2.first?.traffic == v1.first?.traffic)
    }

    @Test func pressureIsRead() throws {
        let text = """
            some avg10=0.00 avg60=1.50 avg300=0.22 total=123456
            full avg10=0.00 avg60=0.00 avg300=0.00 total=7890
            """
        let pressure = try #require(DiskPressure(text: text))
        #expect(pressure.someMicroseconds == 123_456 && pressure.fullMicroseconds == 7890)
        #expect(DiskPressure(text: "some avg10=0.00") == nil)
    }
}
