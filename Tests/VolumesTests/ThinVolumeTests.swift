import Linux
import Model
import Testing

@testable import Volumes

/// What only thin volumes of LVM have; runs where `HOLDFAST_TEST_THIN_POOL` names a pool, as in
/// User-Mode Linux (`Tests/linux/uml.sh`).
@Suite struct ThinVolumeTests {
    static let usable = TestBackend.usable.filter(\.isThin)

    private func pool() throws -> ThinPool { try #require(TestBackend.thinPool) }

    /// A volume, where its data is, and what its pool calls it.
    private struct Made {
        let disk: TestDisk
        let store: VolumeStore
        let spec: VolumeSpec
        let path: String
        var name: String { "holdfast-\(spec.uuid)" }

        init(_ backend: TestBackend) throws {
            disk = try TestDisk(backend)
            store = try disk.store()
            spec = disk.spec()
            path = try disk.ready(store, spec)
            try writeText("kept", to: "\(path)/file")
        }
    }

    @Test(arguments: usable)
    func aRebootActivatesAndMountsIt(_ backend: TestBackend) throws {
        let made = try Made(backend)
        try patiently { try Mount.detach(made.path, isLazy: false) }
        let outcome = try Command("lvchange", ["-an", "\(pool().group)/\(made.name)"]).run()
        #expect(outcome.isSuccess, "\(outcome.summary)")
        #expect(BlockDevice.number(try pool().device(of: made.name)) == nil)
        let restarted = try made.disk.store()
        #expect(throws: VolumeError.lost(made.path)) { try restarted.usage(made.spec.uuid) }
        #expect(try restarted.recover(made.spec.uuid) == .ready(.healthy))
        #expect(try readText("\(made.path)/file") == "kept")
    }

    /// XFS replays its log while mounting.
    @Test(arguments: usable.filter { $0 == .lvmThinExt4 })
    func oneThatLostPowerIsCheckedBeforeItIsMounted(_ backend: TestBackend) throws {
        let made = try Made(backend)
        // The device as it is while mounted, which is how a power cut leaves it.
        let device = try pool().device(of: made.name)
        let copy = "\(made.disk.root)/copy"
        func copyBytes(_ from: String, _ to: String) throws {
            let outcome = try Command("dd", ["if=\(from)", "of=\(to)", "bs=1M"]).run()
            #expect(outcome.isSuccess, "\(outcome.summary)")
        }
        try copyBytes(device, copy)
        try patiently { try made.store.unmount(made.spec.uuid) }
        try copyBytes(copy, device)
        let result = try made.disk.store().recover(made.spec.uuid)
        let said = "it was not unmounted cleanly; e2fsck found it sound"
        #expect(result == .ready(.checked(said)))
        #expect(try readText("\(made.path)/file") == "kept")
    }

    @Test(arguments: usable)
    func oneThatAContainerStillHasIsNeitherErasedNorMountedTwice(_ backend: TestBackend) throws {
        let made = try Made(backend)
        let other = try OtherNamespace("cd \"$1\" && exec 3>open", [made.path])
        try made.store.retire(made.spec.uuid)
        #expect(!FileStatus.exists("\(made.path)/file"))
        guard case .waiting(let holders) = try made.store.erase(made.spec.uuid) else {
            Issue.record("a volume in use was erased")
            return other.end()
        }
        #expect(holders.first?.device == (try pool().device(of: made.name)))
        #expect(try pool().volume(made.name) != nil)
        other.end()
        var erasure = Erasure.unfinished
        try patiently {
            erasure = try made.store.erase(made.spec.uuid)
            if case .waiting(let holders) = erasure { throw VolumeError.stillAttached(by: holders) }
        }
        #expect(erasure == .done)
        #expect(try pool().volume(made.name) == nil)
    }

    @Test(arguments: usable)
    func whatAKilledAgentLeftIsTakenUpOrRemoved(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let spec = disk.spec()
        let name = "holdfast-\(spec.uuid)"
        // A command that outlived its agent made it; no owner file was ever written.
        try pool().create(name, bytes: 4 << 20)
        let path = try disk.ready(try disk.store(), spec)
        #expect(try Files.list(path).isEmpty)
        #expect(try pool().volume(name)?.bytes == spec.bytes)
        try writeText("precious", to: "\(path)/file")
        _ = try Command("sync", ["-f", path]).run()
        // An owner file that is lost is no reason to lose the data.
        try Files.remove("\(disk.root)/volumes/owners/\(spec.uuid).json")
        #expect(throws: VolumeError.self) { try disk.store().create(spec) }
        #expect(try pool().volume(name)?.dataPercent ?? 0 > 0)
    }

    @Test(arguments: usable)
    func growthThatWasCutOffBetweenDeviceAndFileSystemIsFinished(_ backend: TestBackend) throws {
        let made = try Made(backend)
        let larger = made.spec.bytes + (32 << 20)
        let before = try made.store.usage(made.spec.uuid).usableBytes
        try pool().extend(made.name, to: larger)
        let restarted = try made.disk.store()
        #expect(try restarted.recover(made.spec.uuid) == .ready(.healthy))
        try restarted.grow(made.spec.uuid, to: larger)
        #expect(try restarted.usage(made.spec.uuid).usableBytes > before + (24 << 20))
        #expect(try readText("\(made.path)/file") == "kept")
    }

    @Test(arguments: usable)
    func allVolumesTogetherHaveNoMoreThanThePool(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let state = try #require(try pool().state())
        let rest = state.bytes - state.bookedBytes
        // Thin or not: what is booked is there.
        #expect {
            try store.create(disk.spec(1, bytes: rest + 1))
        } throws: { error in
            if case .noSpace? = error as? VolumeError { return true }
            return false
        }
        let spec = disk.spec(2, bytes: rest - state.extentBytes)
        try store.create(spec)
        #expect(throws: VolumeError.self) { try store.create(disk.spec(3, name: "third")) }
        try store.retire(spec.uuid)
        #expect(try disk.erase(store, spec.uuid) == .done)
        #expect(try pool().state()?.bookedBytes == state.bookedBytes)
    }

    @Test func onlyNamesOfPoolsAreTaken() {
        #expect(ThinPool("data/pool0")?.description == "data/pool0")
        #expect(
            ThinPool("my-vg/my-pool")?.device(of: "holdfast-1-2")
                == "/dev/mapper/my--vg-holdfast--1--2")
        for text in [
            "", "pool", "a/b/c", "/pool", "vg/", "-vg/pool", "../pool", "vg/a b", "vg/a|b",
        ] {
            #expect(ThinPool(text) == nil, "\(text)")
        }
    }

    @Test func aDiskWithoutAPoolIsRefused() throws {
        let disk = try TestDisk(.directory)
        let layout = VolumeLayout(.root(workDirectory: disk.root))
        #expect(throws: VolumeError.self) { try BackendSelector.select(.lvmThin, layout) }
        let none = try #require(ThinPool("holdfast-none/pool"))
        #expect(throws: VolumeError.self) { try BackendSelector.select(.lvmThin, layout, none) }
        #expect(throws: VolumeError.self) { try BackendSelector.select(.auto, layout, none) }
    }
}
