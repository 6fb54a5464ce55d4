import MesosAPI
import Model
import Testing
import Wire

@testable import Daemons

@Suite struct DiskUseTests {
    private let container = ContainerID("c")
    private let uuid = VolumeUUID("00000000-0000-0000-0000-000000000001")

    private func disk(_ mebibytes: Int64, volume: String? = nil) -> Resource {
        Resource(
            "disk", .scalar(Amount(thousandths: mebibytes * 1000)),
            disk: volume.map { Disk(persistence: .init(id: $0)) })
    }

    private func limits(_ resources: [Resource]) -> DiskLimits {
        DiskLimits(container: container, sandbox: "/s", resources: resources) { resource in
            resource.disk?.persistence == nil ? nil : uuid
        }
    }

    @Test func sizesAreWrittenAsMesosWritesThem() {
        let texts: [(Int64, String)] = [
            (0, "0KB"), (1, "1KB"), (8 << 20, "8MB"), (40_968 << 10, "40968KB"),
            ((8 << 20) + 1, "8193KB"), (3 << 30, "3GB"), (2048 << 30, "2TB"),
        ]
        for (bytes, text) in texts { #expect(DiskUse.text(bytes) == text) }
    }

    @Test func whatNamesNoVolumeLimitsTheSandbox() throws {
        let limits = limits([disk(4), disk(4), disk(100, volume: "v")])
        #expect(limits.sandboxBytes == 8 << 20)
        #expect(limits.volumes.map(\.uuid) == [uuid])
        var use = DiskUse()
        use.sandboxes[container] = 8 << 20
        #expect(use.excess(of: limits) == nil)
        use.sandboxes[container] = 40_968 << 10
        let excess = try #require(use.excess(of: limits))
        #expect(excess.message == "Disk usage (40968KB) exceeds quota (8MB)")
        let status: Mesos_V1_TaskStatus = excess.status.message()
        #expect(status.limitation.resources.map(\.scalar.value) == [4, 4])
    }

    @Test func withoutDiskTheSandboxHasNoLimit() {
        let limits = limits([disk(100, volume: "v")])
        #expect(limits.sandboxBytes == nil)
        var use = DiskUse()
        use.sandboxes[container] = 1 << 40
        #expect(use.excess(of: limits) == nil)
    }

    @Test func aVolumeThatHasGrownSinceTheLaunchHasItsNewLimit() throws {
        let limits = limits([disk(16, volume: "v")])
        var use = DiskUse()
        use.volumes[uuid] = .init(usedBytes: 20 << 20, limitBytes: 32 << 20)
        #expect(use.excess(of: limits) == nil)
        use.volumes[uuid] = .init(usedBytes: 40 << 20, limitBytes: 32 << 20)
        let excess = try #require(use.excess(of: limits))
        #expect(excess.message == "Disk usage (40MB) exceeds quota (32MB)")
        let status: Mesos_V1_TaskStatus = excess.status.message()
        #expect(status.limitation.resources.map(\.disk.persistence.id) == ["v"])
    }

    /// What a rule says of what only a count limits: a choice never takes disk from others.
    @Test func aChoiceDoesNotLiftAnEnforcedLimit() {
        var limits = limits([disk(8), disk(16, volume: "v")])
        var use = DiskUse()
        use.volumes[uuid] = .init(usedBytes: 20 << 20, limitBytes: 16 << 20)
        let step = Amount(thousandths: 8_000)
        let table: [(DiskLimitRule.Action?, enforced: Bool, other: Bool)] = [
            (nil, true, false), (.fail, true, false), (.kill, true, true),
            (.grow(GrowthRule(step: step)), false, false),
        ]
        for (action, enforced, other) in table {
            limits.actions[uuid] = action
            #expect((use.excess(of: limits) != nil) == enforced, "\(String(describing: action))")
            let found = use.excess(of: limits, isEnforced: false)
            #expect((found != nil) == other, "\(String(describing: action))")
        }
        use.volumes[uuid] = .init(usedBytes: 25 << 20, limitBytes: 16 << 20)
        #expect(use.excess(of: limits) != nil, "a step past its size")
        use = DiskUse()
        use.sandboxes[container] = 9 << 20
        #expect(use.excess(of: limits, isEnforced: false) == nil)
        limits.sandboxAction = .kill
        #expect(use.excess(of: limits, isEnforced: false)?.message.contains("(8MB)") == true)
    }

    /// What the kernel limits never passes its limit: it is ended when nothing more fits.
    @Test func aFullVolumeOfItsOwnIsEndedOnlyByItsRule() throws {
        var limits = limits([disk(64, volume: "v")])
        let report = { (used: Int64, enforcement: VolumeReport.Enforcement) in
            VolumeReport(
                uuid: uuid, backend: "loop-ext4", enforcement: enforcement,
                growsWhileMounted: false, usableBytes: 56 << 20, usedBytes: used << 20)
        }
        limits.reports[uuid] = report(56, .kernel)
        for action: DiskLimitRule.Action? in [nil, .fail, .grow(GrowthRule(step: .zero))] {
            limits.actions[uuid] = action
            #expect(DiskUse().excess(of: limits) == nil)
        }
        limits.actions[uuid] = .kill
        limits.reports[uuid] = report(54, .kernel)
        #expect(DiskUse().excess(of: limits) != nil, "ext4 gives nothing more")
        limits.reports[uuid] = report(56, .kernel)
        let excess = try #require(DiskUse().excess(of: limits, isEnforced: false))
        #expect(excess.message == "Disk usage (56MB) exceeds quota (56MB)")
        let status: Mesos_V1_TaskStatus = excess.status.message()
        #expect(status.limitation.resources.map(\.disk.persistence.id) == ["v"])
        limits.reports[uuid] = report(53, .kernel)
        #expect(DiskUse().excess(of: limits) == nil)
        limits.reports[uuid] = report(56, .none)
        #expect(DiskUse().excess(of: limits) == nil)
    }
}
