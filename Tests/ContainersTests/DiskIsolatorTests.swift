import Foundation
import Linux
import Testing

@testable import Containers

@Suite struct DiskIsolatorTests {
    private let disk = DeviceNumber(major: 254, minor: 0)
    private let loop = DeviceNumber(major: 7, minor: 1)

    private func spec(
        _ share: DeviceRates = DeviceRates(), ceiling: DeviceRates = DeviceRates(),
        volume: DeviceRates = DeviceRates()
    ) -> ContainerSpec {
        let volumes = ["a", "b"].map {
            ContainerSpec.Volume(
                hostPath: "/v", containerPath: $0, isReadOnly: false,
                throttle: DeviceThrottle(device: loop, rates: volume))
        }
        return ContainerSpec(
            id: "c", sandbox: "/work/s",
            user: UserIdentity(name: "u", uid: 7, gid: 7, groups: [], home: "/"),
            command: .shell("true"), volumes: volumes,
            limits: .init(cpus: 1, diskRates: share, diskCeiling: ceiling))
    }

    @Test func theStricterOfShareAndWishIsPlannedBesideItsVolumes() throws {
        let isolator = DiskIsolator(disk: disk)
        #expect(try isolator.prepare(spec()).throttles.isEmpty)
        let plan = try isolator.prepare(
            spec(
                DeviceRates(readBytes: 9, writtenBytes: 9), ceiling: DeviceRates(readBytes: 5),
                volume: DeviceRates(writes: 3)))
        #expect(
            plan.throttles == [
                DeviceThrottle(device: loop, rates: DeviceRates(writes: 3)),
                DeviceThrottle(device: disk, rates: DeviceRates(readBytes: 5, writtenBytes: 9)),
            ])
    }

    @Test func whatCanNotBeLimitedIsRefused() throws {
        let isolator = DiskIsolator(disk: nil)
        #expect(try isolator.prepare(spec()).throttles.isEmpty)
        #expect(throws: ContainerError.self) {
            try isolator.prepare(spec(DeviceRates(reads: 20)))
        }
    }

    @Test func throttlesAreInTheRuntimesConfig() throws {
        let spec = spec(DeviceRates(readBytes: 5, writes: 8), volume: DeviceRates(readBytes: 3))
        var plan = try DiskIsolator(disk: disk).prepare(spec)
        plan.root = .init(directory: "/r", isReadOnly: true)
        let data = try JSONEncoder().encode(OCIConfig(spec, plan, supervisor: "/s"))
        let text = String(decoding: data, as: UTF8.self)
        for part in [
            #""throttleReadBpsDevice":["#, #""throttleWriteIOPSDevice":["#, #""rate":5"#,
            #""rate":8"#, #""rate":3"#, #""major":254"#, #""major":7"#,
            #""throttleReadIOPSDevice":[]"#,
        ] {
            #expect(text.contains(part), "\(part) in \(text)")
        }
    }
}
