import Glibc
import Linux
import Model
import Testing

@testable import Volumes

/// Damage planted on real disks is found and mended; a volume that is in use keeps every byte.
@Suite(.serialized) struct StorageRepairTests {
    /// A live volume with data, and books that say so.
    final class Bench {
        let disk: TestDisk
        var store: VolumeStore
        var books = StorageBooks()
        let spec: VolumeSpec
        let path: String
        let paths: VolumePaths

        init(_ backend: TestBackend) throws {
            disk = try TestDisk(backend)
            store = try disk.store()
            spec = disk.spec()
            path = try disk.ready(store, spec)
            paths = try store.volume(spec.uuid).paths
            try writeText("precious", to: "\(path)/row")
            books.journal = [Self.booked(spec)]
        }

        static func booked(_ spec: VolumeSpec) -> BookedVolume {
            BookedVolume(
                uuid: spec.uuid, role: spec.role, persistenceID: spec.persistenceID,
                bytes: spec.bytes)
        }

        func findings() throws -> [StorageFinding] {
            var observation = StorageObservation()
            let mounts = try MountTable.current()
            observation.stores = [store.observe(disk: "", mounts: mounts)]
            try observation.observeMachine(
                mounts, sandboxes: "\(disk.root)/slaves", roots: "\(disk.root)/images/containers")
            return StorageComparison.findings(books, observation)
        }

        func codes() throws -> [FindingCode] { try findings().map(\.code) }

        /// Finds exactly `code`, mends it, finds nothing more, and the live volume is as it was.
        func mend(_ code: FindingCode, _ place: SourceLocation = #_sourceLocation) throws {
            let found = try findings()
            #expect(found.map(\.code) == [code], sourceLocation: place)
            for finding in found { try patiently { try store.repair(finding) } }
            #expect(try findings().isEmpty, sourceLocation: place)
            #expect(try readText("\(path)/row") == "precious", sourceLocation: place)
        }
    }

    @Test(arguments: TestBackend.usable)
    func aSoundDiskHasNoFindings(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        #expect(try bench.findings().isEmpty)
        let again = try bench.disk.store()
        #expect(try again.recover(bench.spec.uuid) == .ready(.healthy))
        bench.store = again
        #expect(try bench.findings().isEmpty)
    }

    @Test(arguments: TestBackend.usable)
    func ownerFilesAreWrittenAnew(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        let owner = bench.paths.owner
        let sound = try readText(owner)
        try Files.remove(owner)
        try bench.mend(.ownerMissing)
        #expect(try readText(owner) == sound)
        try writeText("{ no owner file", to: owner)
        try bench.mend(.ownerUnreadable)
        #expect(try readText(owner) == sound)
        let other = VolumeRecord(
            spec: bench.disk.spec(2), backend: .directory, state: .ready, createdAt: "")
        try DurableFile.write(other.encoded(), to: owner)
        try bench.mend(.ownerForeign)
        #expect(try readText(owner) == sound)
        // What stood there is kept.
        #expect(try Files.list("\(bench.disk.root)/volumes/found").count == 2)
    }

    @Test(arguments: TestBackend.images)
    func anImageThatLostItsOwnerFileIsTakenUpAgain(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        try patiently { try bench.store.unmount(bench.spec.uuid) }
        try Files.remove(bench.paths.owner)
        bench.store = try bench.disk.store()
        #expect(bench.store.inventory().isEmpty)
        #expect(try bench.codes() == [.ownerMissing, .volumeUnmounted])
        for finding in try bench.findings() { try patiently { try bench.store.repair(finding) } }
        #expect(try bench.findings().isEmpty)
        #expect(try readText("\(bench.path)/row") == "precious")
    }

    @Test(arguments: TestBackend.images)
    func anImageIsMountedAgain(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        try patiently { try Mount.detach(bench.path, isLazy: false) }
        try bench.mend(.volumeUnmounted)
        // A stranger over the volume: the volume's own mount stays as it is.
        let own = try MountTable.current().top(at: bench.path)
        try Mount.attach("tmpfs", at: bench.path, fileSystem: "tmpfs", flags: 0, options: "")
        try bench.mend(.volumeUnmounted)
        #expect(try MountTable.current().top(at: bench.path)?.id == own?.id)
    }

    @Test(arguments: TestBackend.images)
    func anInterruptedGrowthIsFinishedOrTakenBack(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        // The longer image is there, the books have the old size: cut where nothing uses it.
        let length = try FileStatus.of(bench.paths.image).size
        try FileAllocation.setLength(
            try Descriptor.open(bench.paths.image, .readWrite), bytes: length + (1 << 20),
            bench.paths.image)
        let open = try Descriptor.open("\(bench.path)/row")
        let found = try bench.findings()
        #expect(found.map(\.code) == [.imageLong])
        #expect(throws: VolumeError.self) { try bench.store.repair(found[0]) }
        #expect(try MountTable.current().top(at: bench.path) != nil)
        _ = consume open
        try bench.mend(.imageLong)
        #expect(try FileStatus.of(bench.paths.image).size == length)
        // The books have a larger size than the image.
        let before = try bench.store.usage(bench.spec.uuid).usableBytes
        let bytes = bench.spec.bytes + (32 << 20)
        var larger = bench.spec
        larger.bytes = bytes
        bench.books.journal = [Bench.booked(larger)]
        #expect(try bench.codes() == [.ownerDiffers, .imageShort])
        for finding in try bench.findings() { try patiently { try bench.store.repair(finding) } }
        #expect(try bench.findings().isEmpty)
        #expect(try FileStatus.of(bench.paths.image).size == bytes)
        #expect(try bench.store.usage(bench.spec.uuid).usableBytes > before + (16 << 20))
        #expect(try readText("\(bench.path)/row") == "precious")
    }

    @Test(arguments: TestBackend.images)
    func devicesOfImagesThatMakeNothingReachableGo(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        let attach = { (image: String) in
            let outcome = try Command("losetup", ["--find", "--show", image]).run()
            #expect(outcome.isSuccess)
        }
        try attach(bench.paths.image)
        try bench.mend(.loopStale)
        let stray = "\(bench.disk.root)/volumes/images/stray"
        try FileAllocation.setLength(
            try Descriptor.open(stray, .createNew), bytes: 1 << 20, stray)
        try attach(stray)
        try Files.remove(stray)
        try bench.mend(.loopStale)
    }

    @Test(arguments: TestBackend.images)
    func theMountOfADestroyedVolumeGoes(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        let second = bench.disk.spec(2, name: "gone")
        let path = try bench.disk.ready(bench.store, second)
        let paths = try bench.store.volume(second.uuid).paths
        try Files.remove(paths.owner)
        try Files.remove(paths.image)
        bench.store = try bench.disk.store()
        _ = try bench.store.recover(bench.spec.uuid)
        try bench.mend(.mountStale)
        #expect(!FileStatus.exists(path))
    }

    @Test(arguments: TestBackend.usable)
    func dataThatNoBookKnowsIsMovedAndKept(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        let second = bench.disk.spec(2, name: "unknown")
        let path = try bench.disk.ready(bench.store, second)
        try writeText("found", to: "\(path)/row")
        try bench.mend(.volumeUnclaimed)
        let found = "\(bench.disk.root)/volumes/found"
        #expect(try Files.list(found).contains("unknown-1.json"))
        #expect(!FileStatus.exists(path))
        try Files.makeDirectories("\(bench.disk.root)/volumes/roles/x/stray")
        try writeText("found", to: "\(bench.disk.root)/volumes/roles/x/stray/row")
        try bench.mend(.directoryUnclaimed)
        #expect(try readText("\(found)/stray-1/row") == "found")
        try writeText("found", to: "\(bench.disk.root)/volumes/images/stray")
        try bench.mend(.imageUnclaimed)
        #expect(try readText("\(found)/stray-2") == "found")
        try writeText("found", to: "\(bench.disk.root)/volumes/deleting/stray")
        try bench.mend(.deletingLeftover)
        #expect(try readText("\(found)/stray-3") == "found")
        try writeText("found", to: "\(bench.disk.root)/volumes/owners/stray.json")
        try bench.mend(.ownerUnclaimed)
        #expect(try readText("\(found)/stray.json-1") == "found")
    }

    @Test(arguments: TestBackend.usable)
    func whatWasGivenUpIsErasedToTheEnd(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        let second = bench.disk.spec(2, name: "gone")
        let path = try bench.disk.ready(bench.store, second)
        try writeText("erased", to: "\(path)/row")
        try bench.store.retire(second.uuid)
        try bench.mend(.erasurePending)
        #expect(bench.store.inventory().count == 1)
        #expect(try Files.list("\(bench.disk.root)/volumes/deleting").isEmpty)
    }

    /// A limit that a crash left behind is found and taken away.
    ///
    /// Scenario: xfs_quota_tests ROOT_XFS_QuotaEnforcement.NoCheckpointRecovery
    @Test(arguments: TestBackend.usable.filter { $0 == .projectExt4 || $0 == .projectXFS })
    func projectsAndTheirLimitsAreSetAgain(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        let device = try #require(MountTable.current().containing(bench.disk.root)?.source)
        let id = try #require(try bench.store.volume(bench.spec.uuid).record.projectID)
        try ProjectQuota.limit(id, to: 4 << 20, at: bench.disk.root, device: device)
        try bench.mend(.quotaLimit)
        try ProjectQuota.assign(0, to: bench.path)
        try bench.mend(.quotaMissing)
        try ProjectQuota.limit(0x4800_0001, to: 4 << 20, at: bench.disk.root, device: device)
        try bench.mend(.quotaLeaked)
    }

    @Test(arguments: TestBackend.usable.filter { $0 == .btrfs })
    func theLimitOfASubvolumeIsSetAgain(_ backend: TestBackend) throws {
        let bench = try Bench(backend)
        let digits = bench.spec.uuid.value.filter(\.isHexDigit)
        let group = Btrfs.group(UInt64(digits.prefix(12), radix: 16) ?? 0)
        try Btrfs.limit(group, to: 4 << 20, at: bench.disk.root)
        try bench.mend(.quotaLimit)
    }

    @Test func aMountWhereNoContainerIsGoesUnlessSomethingUsesIt() throws {
        let bench = try Bench(.directory)
        guard Privilege.isRoot else { return }
        let place = "\(bench.disk.root)/slaves/a/runs/c/data"
        try Files.makeDirectories(place)
        try Mount.attach("tmpfs", at: place, fileSystem: "tmpfs", flags: 0, options: "")
        let busy = try Descriptor.openDirectory(place)
        let found = try bench.findings()
        #expect(found.map(\.code) == [.containerMountStale])
        #expect(throws: VolumeError.self) { try bench.store.repair(found[0]) }
        _ = consume busy
        try bench.mend(.containerMountStale)
        #expect(FileStatus.exists(place))
    }
}
