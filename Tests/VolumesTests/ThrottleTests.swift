import Glibc
import Model
import Testing

@testable import Linux
@testable import Volumes

/// How devices' limits are written, read back and taken away.
@Suite struct ThrottleTests {
    private let loop = DeviceNumber(major: 7, minor: 3)

    @Test func whatDiffersIsWrittenInEitherVersionsForm() {
        let old = DeviceRates(readBytes: 1, writes: 7)
        let new = DeviceRates(readBytes: 1, writtenBytes: 5_242_880)
        let v1 = ThrottleWrite.plan(loop, from: old, to: new, isUnified: false)
        #expect(
            v1 == [
                ThrottleWrite(file: "blkio.throttle.write_bps_device", text: "7:3 5242880"),
                ThrottleWrite(file: "blkio.throttle.write_iops_device", text: "7:3 0"),
            ])
        let v2 = ThrottleWrite.plan(loop, from: old, to: new, isUnified: true)
        #expect(
            v2 == [
                ThrottleWrite(file: "io.max", text: "7:3 rbps=1 wbps=5242880 riops=max wiops=max")
            ])
        #expect(ThrottleWrite.plan(loop, from: new, to: new, isUnified: false).isEmpty)
    }

    @Test func bothVersionsAreRead() {
        var v1 = ThrottleTable()
        v1.add("7:3 5242880\n254:0 100\nnonsense\n1 2 3\n", .writtenBytes)
        v1.add("7:3 9\n", .reads)
        let v2 = ThrottleTable(
            ioMax: "7:3 rbps=max wbps=5242880 riops=9 wiops=max\n254:0 wbps=100\n8:0 rbps=max\n")
        #expect(v1 == v2)
        #expect(v1.rates[loop] == DeviceRates(writtenBytes: 5_242_880, reads: 9))
    }

    /// A device that stands on something is somebody's, and a disk may be the operator's.
    @Test func onlyLoopDevicesThatStandOnNothingAreStale() {
        var table = ThrottleTable()
        table.add("7:9 1\n7:3 1\n7:4 1\n254:0 1\n", .readBytes)
        let stale = table.stale(attached: [DeviceNumber(major: 7, minor: 4)])
        #expect(stale.map(\.description) == ["7:3", "7:9"])
    }

    @Test func theStricterOfTwoCounts() {
        let both = DeviceRates(readBytes: 5, writes: 2)
            .stricter(DeviceRates(readBytes: 9, reads: 3, writes: 1))
        #expect(both == DeviceRates(readBytes: 5, reads: 3, writes: 1))
        let model = DiskRates(readBytes: 5, writes: 2)
            .stricter(DiskRates(readBytes: 9, reads: 3, writes: 1))
        #expect(DeviceRates(model) == both)
    }

    @Test func anOwnerFileKeepsLimits() throws {
        var spec = VolumeSpec(
            uuid: VolumeUUID("0-1"), role: "r", persistenceID: "p", bytes: 1)
        var record = VolumeRecord(spec: spec, backend: .loopExt4, state: .ready, createdAt: "")
        #expect(VolumeRecord(decoding: record.encoded())?.spec.limits.isEmpty == true)
        spec.limits = VolumeLimits(
            rates: DiskRates(readBytes: 1, writtenBytes: 2, reads: 3, writes: 4), inodes: 5)
        record.spec = spec
        #expect(VolumeRecord(decoding: record.encoded()) == record)
    }
}

/// What each way of keeping volumes says to limits, and what it then holds.
@Suite struct VolumeLimitsTests {
    private static let rates = VolumeLimits(rates: DiskRates(writtenBytes: 1 << 20))

    @Test(arguments: TestBackend.usable)
    func whatCanNotBeHeldIsRefusedAndLeavesNothing(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        for limits in [Self.rates, VolumeLimits(inodes: 100)] {
            var spec = disk.spec()
            spec.limits = limits
            var holds = false
            for kind in store.selection.kinds(forBytes: spec.bytes) {
                let reason = try store.backend(kind).objection(to: limits, bytes: spec.bytes)
                holds = holds || reason == nil
            }
            guard !holds else {
                #expect(try store.create(spec).spec.limits == limits)
                try store.retire(spec.uuid)
                #expect(try disk.erase(store, spec.uuid) == .done)
                continue
            }
            #expect(throws: VolumeError.self) { try store.create(spec) }
            #expect(store.inventory().isEmpty)
            #expect(throws: VolumeError.notFound(spec.uuid)) { try store.status(spec.uuid) }
        }
    }

    @Test(.enabled(if: TestBackend.usable.contains(.loopExt4), "no ext4 on loop here"))
    func ext4HasAtMostTheInodesThatWereAskedFor() throws {
        let disk = try TestDisk(.loopExt4)
        let store = try disk.store()
        for (number, bytes, inodes) in [
            (1, 16 << 20, 100), (2, 40 << 20, 64), (3, 300 << 20, 1000), (4, 200 << 20, 5000),
        ] as [(Int, Int64, Int64)] {
            var spec = disk.spec(number, name: "v\(number)", bytes: bytes)
            spec.limits = VolumeLimits(inodes: inodes)
            _ = try disk.ready(store, spec)
            let usable = try #require(try store.usage(spec.uuid).usableInodes)
            #expect(usable <= inodes && usable > inodes / 2, "\(usable) of \(inodes)")
            #expect(throws: VolumeError.self) { try store.grow(spec.uuid, to: bytes + (16 << 20)) }
        }
        var few = disk.spec(5, name: "few", bytes: 1 << 30)
        few.limits = VolumeLimits(inodes: 16)
        #expect(throws: VolumeError.self) { try store.create(few) }
    }

    /// Kernel state is asked for, never time.
    @Test(
        .enabled(if: TestBackend.usable.contains(.loopExt4), "no ext4 on loop here"),
        .enabled(if: VolumeThrottles.current().canLimit, "no device can be limited here"))
    func aDevicesLimitsComeAndGoWithIt() throws {
        let disk = try TestDisk(.loopExt4)
        let store = try disk.store()
        var spec = disk.spec()
        spec.limits = Self.rates
        let path = try disk.ready(store, spec)
        let device = try FileStatus.of(path).deviceNumber
        let layout = try #require(try CgroupLayout.current())
        let throttles = try #require(DeviceThrottles(layout, containers: "/"))
        let wanted = DeviceRates(writtenBytes: 1 << 20)
        #expect(try throttles.table().rates[device] == wanted)

        // Taken away by somebody: the next mount and the next start set it again.
        try throttles.set(DeviceRates(), of: device)
        _ = try store.mount(spec.uuid)
        #expect(try throttles.table().rates[device] == wanted)
        try throttles.set(DeviceRates(reads: 50), of: device)
        _ = try disk.store().recover(spec.uuid)
        #expect(try throttles.table().rates[device] == wanted)

        try store.unmount(spec.uuid)
        #expect(try throttles.table().rates[device] != wanted)
        try store.retire(spec.uuid)
        #expect(try disk.erase(store, spec.uuid) == .done)
    }
}
