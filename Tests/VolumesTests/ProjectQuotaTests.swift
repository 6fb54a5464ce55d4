import Linux
import Model
import Testing

@testable import Volumes

/// What only project quota has; runs in User-Mode Linux where the host's kernel has none
/// (`Tests/linux/uml.sh`).
@Suite struct ProjectQuotaTests {
    static let usable = TestBackend.usable.filter { $0 == .projectExt4 || $0 == .projectXFS }

    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaEnforcement.ProjectIdReclaiming
    @Test(arguments: usable)
    func filesInsideCountAndIdsAreGivenAgainOnlyWhenNothingIsLeft(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let first = disk.spec(1, name: "first")
        let path = try disk.ready(store, first)
        try Files.makeDirectories("\(path)/a/b")
        #expect(try fill("\(path)/a/b/file", limit: 2 << 20).error == nil)
        let usage = try store.usage(first.uuid)
        #expect(usage.usedBytes >= 2 << 20 && usage.usedInodes == 4)
        let id = try #require(try store.status(first.uuid).record.projectID)
        #expect(try ProjectQuota.project(of: "\(path)/a/b").id == id)
        // The same UUID on another disk of the same file system wants the same id.
        let second = try VolumeStore(
            .path(root: "\(disk.root)/other"), preference: .projectQuota)
        var twin = first
        twin.persistenceID = "twin"
        try second.create(twin)
        let other = try #require(try second.status(twin.uuid).record.projectID)
        #expect(other != id)
        // Retired data still counts under its id until it is gone.
        try store.retire(first.uuid)
        #expect(
            try ProjectQuota.project(of: "\(disk.root)/volumes/deleting/\(first.uuid)").id == id)
        #expect(try disk.erase(store, first.uuid) == .done)
        var state = try ProjectQuota.state(of: id, at: disk.root, device: "")
        #expect(state.limitBytes == 0)
        // XFS counts an unlinked file until a thread in the background has freed it.
        for _ in 0..<100 where !state.isUnused {
            _ = try Command("sync", ["-f", disk.root]).run()
            state = try ProjectQuota.state(of: id, at: disk.root, device: "")
        }
        #expect(state.isUnused)
    }

    @Test(arguments: usable)
    func aLimitThatSomeoneTookAwayIsSetAgain(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        let id = try #require(try store.status(spec.uuid).record.projectID)
        try ProjectQuota.limit(id, to: 0, at: disk.root, device: "")
        #expect(try disk.store().recover(spec.uuid) == .ready(.healthy))
        let result = try fill("\(path)/file", limit: 2 * spec.bytes)
        #expect(result.error?.isNoSpace == true && result.bytes <= spec.bytes)
    }

    @Test(arguments: usable)
    func autoChoosesProjectQuotaWhereItIsMounted(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let chosen = try BackendSelector.select(
            .auto, VolumeLayout(.root(workDirectory: disk.root)))
        #expect(chosen.kind(forBytes: 1) == .projectQuota)
        #expect(chosen.rejected.isEmpty)
    }
}
