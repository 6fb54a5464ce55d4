import Linux
import Model
import Testing

@testable import Volumes

/// What Mesos's tests of its XFS isolator ask for, of project quota on ext4 and XFS; runs in
/// User-Mode Linux where the host's kernel has none (`Tests/linux/uml.sh`).
@Suite struct ProjectScenarioTests {
    static let usable = ProjectQuotaTests.usable
    private static let id: UInt32 = 0x1000_0001

    private func state(_ disk: TestDisk, _ id: UInt32 = id) throws -> ProjectQuota.State {
        try ProjectQuota.state(of: id, at: disk.root, device: "")
    }

    private func limit(_ disk: TestDisk, to bytes: Int64) throws {
        try ProjectQuota.limit(Self.id, to: bytes, at: disk.root, device: "")
    }

    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaTest.QuotaGetSet
    @Test(arguments: usable)
    func aLimitIsSetReadAndTakenAway(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        for bytes in [Int64(1 << 20), 11 << 20, 5 << 30, 0] {
            try limit(disk, to: bytes)
            #expect(try state(disk).limitBytes == bytes)
        }
        #expect(try state(disk).isUnused)
        // Of another id nothing is known, and nothing was changed.
        #expect(try state(disk, Self.id + 1).limitBytes == 0)
    }

    /// Scenario: xfs_quota_tests XFS_QuotaTest.BasicBlocks
    @Test(arguments: usable)
    func limitsAreWholeBlocksAndNeverLessThanAskedFor(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        for (asked, kept) in [(1, 1), (1023, 1), (1024, 1), (1025, 2), (16385, 17)] {
            try limit(disk, to: Int64(asked))
            let bytes = try state(disk).limitBytes
            #expect(bytes >= kept * 1024 && bytes < kept * 1024 + 4096, "\(asked): \(bytes)")
        }
    }

    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaTest.QuotaLimit
    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaTest.VolumeUsageExceedsQuota
    @Test(arguments: usable)
    func writesStopAtTheLimitAndGoOnWhenItIsRaised(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        let stopped = try fill("\(path)/file", limit: 2 * spec.bytes)
        #expect(stopped.error?.isNoSpace == true && stopped.bytes <= spec.bytes)
        try store.grow(spec.uuid, to: 2 * spec.bytes)
        #expect(try fill("\(path)/more", limit: spec.bytes - (1 << 20)).error == nil)
        #expect(try fill("\(path)/over", limit: spec.bytes).error?.isNoSpace == true)
    }

    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaTest.ProjectIdErrors
    @Test(arguments: usable)
    func whatCannotBelongToAProjectIsAnError(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        try writeText("", to: "\(disk.root)/file")
        try Files.makeDirectory("\(disk.root)/directory")
        _ = try Command("ln", ["-s", "directory", "\(disk.root)/link"]).run()
        for name in ["missing", "file", "link"] {
            #expect(throws: SystemError.self, "\(name)") {
                try ProjectQuota.assign(Self.id, to: "\(disk.root)/\(name)")
            }
        }
        // Where there are no projects.
        #expect(throws: SystemError.self) { try ProjectQuota.assign(Self.id, to: "/proc/self") }
        #expect(throws: SystemError.self) {
            try ProjectQuota.limit(Self.id, to: 1 << 20, at: "/proc/self", device: "")
        }
        #expect(try ProjectQuota.project(of: "\(disk.root)/directory").id == 0)
        #expect(try state(disk).isUnused)
    }

    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaTest.DirectoryTree
    @Test(arguments: usable)
    func aWholeTreeCountsButNotWhatItsLinksPointTo(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        #expect(try fill("\(disk.root)/outside", limit: 4 << 20).error == nil)
        try Files.makeDirectories("\(path)/a/b/c")
        #expect(try fill("\(path)/a/b/c/file", limit: 1 << 20).error == nil)
        _ = try Command("ln", ["-s", "\(disk.root)/outside", "\(path)/a/link"]).run()
        let id = try #require(try store.status(spec.uuid).record.projectID)
        for place in ["", "/a", "/a/b", "/a/b/c"] {
            let project = try ProjectQuota.project(of: path + place)
            #expect(project.id == id && project.isInherited, "\(place)")
        }
        let usage = try store.usage(spec.uuid)
        #expect(usage.usedInodes == 6)
        #expect(usage.usedBytes >= 1 << 20 && usage.usedBytes < 2 << 20)
        // What belongs to no project can't be brought in by a hard link.
        let linked = try Command("ln", ["\(disk.root)/outside", "\(path)/hard"]).run()
        #expect(!linked.isSuccess)
    }

    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaTest.CheckQuotaEnabled
    /// Scenario: xfs_quota_tests ROOT_XFS_NoQuota.CheckQuotaEnabled
    /// Scenario: xfs_quota_tests ROOT_XFS_NoProjectQuota.CheckQuotaEnabled
    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaTest.IsolatorFlags
    @Test(arguments: usable)
    func onlyADiskThatCountsProjectsIsTaken(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let layout = VolumeLayout(.root(workDirectory: disk.root))
        #expect(try BackendSelector.select(.projectQuota, layout).rejected.isEmpty)
        let source = try #require(try MountTable.current().containing(disk.root)?.source)
        // The device goes with its last mount, if nobody has it open.
        let device = try Descriptor.open(source)
        defer { _ = device.number }
        for options in ["", backend == .projectXFS ? "uquota" : "usrquota"] {
            try patiently { try Mount.detach(disk.root, isLazy: false) }
            try Mount.attach(
                source, at: disk.root, fileSystem: backend == .projectXFS ? "xfs" : "ext4",
                flags: 0, options: backend == .projectXFS || options != "" ? options : "noquota")
            #expect {
                try BackendSelector.select(.projectQuota, layout)
            } throws: { error in
                guard case .unavailable(.projectQuota, let reason)? = error as? VolumeError else {
                    return false
                }
                return reason.contains("prjquota")
            }
            #expect(
                try BackendSelector.select(.auto, layout).kind(forBytes: 1 << 30) != .projectQuota)
        }
    }

    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaEnforcement.ResourceStatistics
    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaEnforcement.CheckpointRecovery
    @Test(arguments: usable)
    func usageAndLimitAreTheKernelsAlsoAfterARestart(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let spec = disk.spec()
        let path = try disk.ready(try disk.store(), spec)
        #expect(try fill("\(path)/file", limit: 4 << 20).error == nil)
        let restarted = try disk.store()
        #expect(try restarted.recover(spec.uuid) == .ready(.healthy))
        let usage = try restarted.usage(spec.uuid)
        #expect(usage.usedBytes >= 4 << 20 && usage.usedBytes < 5 << 20)
        #expect(usage.usableBytes == spec.bytes && usage.usedInodes == 2)
        #expect(try restarted.status(spec.uuid).enforcement == .kernel)
        #expect(try fill("\(path)/more", limit: 2 * spec.bytes).error?.isNoSpace == true)
    }

    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaEnforcement.ResourceStatisticsNoEnforce
    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaEnforcement.DiskUsageExceedsQuotaNoEnforce
    @Test(arguments: usable)
    func aPlainDirectoryIsCountedAndNotStopped(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try VolumeStore(.root(workDirectory: disk.root), preference: .directory)
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        #expect(try fill("\(path)/file", limit: spec.bytes + (4 << 20)).error == nil)
        #expect(try store.usage(spec.uuid).usedBytes >= spec.bytes + (4 << 20))
        #expect(try store.status(spec.uuid).enforcement == .poll)
    }

    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaEnforcement.RecoverOldContainers
    @Test(arguments: usable)
    func whatWasMadeBeforeQuotaWasOnGoesOnWithoutIt(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let old = disk.spec(1, name: "old")
        let before = try VolumeStore(.root(workDirectory: disk.root), preference: .directory)
        try writeText("kept", to: "\(try disk.ready(before, old))/file")
        let store = try disk.store()
        #expect(try store.recover(old.uuid) == .ready(.healthy))
        let path = try store.mount(old.uuid)
        #expect(try readText("\(path)/file") == "kept")
        #expect(try ProjectQuota.project(of: path).id == 0)
        let new = disk.spec(2, name: "new")
        _ = try disk.ready(store, new)
        #expect(try store.status(new.uuid).enforcement == .kernel)
        try store.retire(old.uuid)
        #expect(try disk.erase(store, old.uuid) == .done)
    }
}
