import Daemons
import Linux
import MesosAPI
import Model
import ServiceCore
import Testing

@testable import Daemons

@Suite struct LimitTextTests {
    @Test func limitsAreReadFromACommandLineAndAServicesFile() throws {
        let wanted = VolumeLimits(
            rates: DiskRates(readBytes: 2 << 20, writtenBytes: 524_288, reads: 100, writes: 50),
            inodes: 1000)
        let text = "read_bytes=2MiB,write_bytes=512KiB,reads=100,writes=50,inodes=1000"
        #expect(try LimitText.parse(text) == wanted)
        let spec = try ServiceFile.parse(
            """
            name: db
            command: exec db
            volumes:
              - name: data
                size: 1GiB
                limits: {read_bytes: 2MiB, write_bytes: 512KiB, reads: 100, writes: 50,
                  inodes: 1000}
            """)
        #expect(spec.volumes.first?.limits == wanted)
        try spec.validate()
    }

    @Test(arguments: [
        ("", "no limit"), ("write_bytes", "is no limit like"), ("speed=1", "there is no limit"),
        ("write_bytes=fast", "is not a size a second"), ("inodes=1.5", "not a whole number"),
        ("write_bytes=1", "at least 65536"), ("read_bytes=infMiB", "is not a size"),
    ])
    func whatIsWrongIsSaid(text: String, part: String) {
        do throws(Refusal) {
            Issue.record("taken: \(try LimitText.parse(text))")
        } catch {
            #expect(error.message.contains(part), "\(error.message)")
        }
    }

    @Test func aServicesLimitsAreValidated() throws {
        let spec = try ServiceFile.parse(
            "name: a\ncommand: x\nvolumes: [{name: d, size: 1GiB, limits: {inodes: 3}}]")
        #expect(throws: Refusal.self) { try spec.validate() }
        #expect(throws: Refusal.self) {
            try ServiceFile.parse(
                "name: a\ncommand: x\nvolumes: [{name: d, size: 1GiB, limits: {speed: 3}}]")
        }
    }

    @Test func sharesOfADiskAreItsContainersLimits() throws {
        let bandwidth = Resource("disk_bandwidth", .scalar(Amount(thousandths: 1500)))
        let operations = Resource("disk_iops", .scalar(Amount(thousandths: 200_000)))
        #expect(DiskShare([]).rates.isEmpty)
        let rates = DiskShare([bandwidth, bandwidth, operations]).rates
        #expect(
            rates
                == DeviceRates(
                    readBytes: 3 << 20, writtenBytes: 3 << 20, reads: 200, writes: 200))
        let tiny = Resource("disk_bandwidth", .scalar(Amount(thousandths: 1)))
        #expect(DiskShare([tiny]).rates == DeviceRates(readBytes: 65_536, writtenBytes: 65_536))
    }
}
