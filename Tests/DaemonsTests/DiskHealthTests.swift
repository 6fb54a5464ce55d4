import Linux
import Testing

@testable import Daemons

@Suite struct DiskHealthTests {
    @Test func faultsNameTheirDevice() {
        let lines = [
            "blk_update_request: I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x0": "sda",
            "Buffer I/O error on dev sdb1, logical block 0, async page read": "sdb1",
            "EXT4-fs error (device vda1): ext4_find_entry:1455: inode #2: comm ls": "vda1",
            "XFS (nvme0n1p2): metadata I/O error in \"xfs_buf_ioend\" at daddr 0x0": "nvme0n1p2",
            "BTRFS error (device sdc state E): parent transid verify failed": "sdc",
        ]
        for (line, device) in lines {
            #expect(DeviceFault(line: line)?.device == device, "\(line)")
        }
    }

    @Test func otherLinesAreNoFaults() {
        for line in [
            "", "XFS (loop0): Mounting V5 Filesystem", "I/O error, dev ", "XFS (",
            "EXT4-fs (loop2): mounted filesystem r/w with ordered data mode",
            "systemd[1]: Started I/O errors of sda",
        ] {
            #expect(DeviceFault(line: line) == nil, "\(line)")
        }
    }

    @Test func smartctlMeansOneBit() {
        #expect(SmartStatus.isFailing(8) && SmartStatus.isFailing(0x48))
        #expect(![0, 1, 2, 4, 0x40, 0x80].contains { SmartStatus.isFailing($0) })
    }

    @Test func theKernelsLogIsReadFromItsEnd() throws {
        let log = try #require(KernelLog(), "/dev/kmsg can't be read")
        #expect(log.news().count < 10_000)
    }

    @Test func labelsOfMetricsAreEscaped() {
        #expect(UsageMetrics.escaped("a\"b\\c\nd") == "a\\\"b\\\\c\\nd")
    }
}
