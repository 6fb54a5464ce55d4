import Linux
import Model
import Testing

@testable import Volumes

@Suite struct StoreTests {
    @Test func theOwnerFileTellsEverythingAndDamagedOnesAreRefused() throws {
        var spec = VolumeSpec(
            uuid: VolumeUUID("7a9b0c1d-1111-4111-8111-111111111111"), role: "eng/\"db\"\\",
            persistenceID: "naïve\tid", bytes: .max, createdBy: "ops\u{1}")
        spec.owner = VolumeOwner(uid: .max, gid: 7, mode: 0o1777)
        for state in [VolumeState.creating, .ready, .deleting] {
            for kind in BackendKind.allCases {
                var record = VolumeRecord(
                    spec: spec, backend: kind, state: state, createdAt: "2026-01-01T00:00:00Z",
                    projectID: kind == .projectQuota ? 0x4800_0001 : nil)
                record.rootInode = kind == .mountDisk ? 128 : nil
                let bytes = record.encoded()
                #expect(VolumeRecord(decoding: bytes) == record)
                for length in 0..<(bytes.count - 2) {
                    #expect(VolumeRecord(decoding: Array(bytes[..<length])) == nil)
                }
            }
        }
        for text in [
            "", "[]", "{\"a\": {}}", "{\"a\": 1.5}", "{\"a\": \"\\ud800\"}", "{\"a\" 1}",
            "{\"a\": 99999999999999999999}", "{\"a\": true}", "{} x", "{\"a\": \"\\q\"}",
        ] {
            #expect(FlatJSON.decode(Array(text.utf8)) == nil, "\(text)")
        }
        #expect(
            FlatJSON.decode(Array("{\"a\": \"\\u0041\", \"a\": -1 }".utf8)) == ["a": .number(-1)])
    }

    @Test(.enabled(if: !TestBackend.images.isEmpty, "no loop images here"))
    func verySmallVolumesAreDirectoriesAndAmountsStayExact() throws {
        let disk = try TestDisk(TestBackend.images[0])
        let store = try disk.store()
        let tiny = disk.spec(1, name: "tiny", bytes: (1 << 20) - 1)
        _ = try disk.ready(store, tiny)
        #expect(try store.status(tiny.uuid).enforcement == .poll)
        #expect(try store.status(tiny.uuid).record.backend == .directory)
        let small = disk.spec(2, name: "small", bytes: (1 << 20) + 1)
        _ = try disk.ready(store, small)
        #expect(try store.status(small.uuid).enforcement == .kernel)
        #expect(try store.status(small.uuid).record.spec.bytes == (1 << 20) + 1)
        let image = "\(disk.root)/volumes/images/\(small.uuid)"
        #expect(try FileStatus.of(image).size == (1 << 20) + 4096)
        // Space that is really there, not a promise.
        #expect(try FileStatus.of(image).allocatedBytes >= (1 << 20) + 4096)
        #expect(try store.usage(small.uuid).usableBytes < 1 << 20)
    }

    @Test(arguments: TestBackend.images)
    func veryLargeImagesAreFormattedInPlace(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let spec = disk.spec()
        let layout = VolumeLayout(.root(workDirectory: disk.root))
        let paths = try layout.paths(
            uuid: spec.uuid, role: spec.role, persistenceID: spec.persistenceID)
        let image = LoopImageBackend(
            backend == .loopXFS ? .xfs : .ext4, templates: FormatTemplates(largestBytes: 0))
        var volume = StoredVolume(
            record: VolumeRecord(
                spec: spec, backend: image.kind, state: .creating, createdAt: ""),
            paths: paths)
        try image.allocate(&volume)
        try image.prepare(volume)
        #expect(try Files.list(paths.data).isEmpty)
        #expect(try FileStatus.of(paths.image).allocatedBytes >= spec.bytes)
        let device = try #require(try image.mountedDevice(volume))
        let isDirect = try LoopDevice.backing(try Descriptor.open(device), device)?.isDirect
        if try DiskSpace.of(disk.root).kind == DiskSpace.ext4 { #expect(isDirect == true) }
    }

    @Test(.enabled(if: TestBackend.usable.contains(.loopXFS), "no XFS on loop here"))
    func loopImagesTakeTheFileSystemThatCanGrow() throws {
        let disk = try TestDisk(.loopXFS)
        let selection = try BackendSelector.select(
            .loop, VolumeLayout(.root(workDirectory: disk.root)))
        let large: BackendKind = Privilege.has(.sysResource) ? .loopExt4 : .loopXFS
        #expect(selection.kind(forBytes: 300 << 20) == large)
        #expect(selection.kind(forBytes: (300 << 20) - 1) == .loopExt4)
        #expect(selection.kind(forBytes: 1 << 20) == .loopExt4)
        #expect(selection.kind(forBytes: (1 << 20) - 1) == .directory)
    }

    @Test func aBackendAskedForByNameThatCannotBeUsedIsAnError() throws {
        let disk = try TestDisk(.directory)
        let layout = VolumeLayout(.root(workDirectory: disk.root))
        guard try DiskSpace.of(disk.root).kind != DiskSpace.btrfs else { return }
        #expect {
            try BackendSelector.select(.btrfs, layout)
        } throws: { error in
            if case .unavailable(.btrfs, _)? = error as? VolumeError { return true }
            return false
        }
        let chosen = try BackendSelector.select(.auto, layout)
        #expect(chosen.rejected.contains { $0.kind == .btrfs && !$0.reason.isEmpty })
        #expect(
            try Files.list(layout.base).sorted() == [
                "adoptions", "deleting", "detached", "found", "images", "owners", "roles",
            ])
        #expect(try Files.list(layout.images).isEmpty)
    }

    @Test(arguments: TestBackend.usable)
    func sixteenClientsMakeAndDestroyAtOnce(_ backend: TestBackend) async throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let failures = await withTaskGroup(of: String?.self) { group in
            // LVM's commands are one after the other anyway.
            for client in 0..<(backend.isThin ? 3 : 16) {
                group.addTask { @Sendable in
                    do {
                        for round in 0..<(backend.isThin ? 1 : 3) {
                            let spec = disk.spec(
                                client * 100 + round + 1, name: "data-\(client)",
                                bytes: backend.isXFSOfItsOwn ? nil : 4 << 20)
                            let path = try disk.ready(store, spec)
                            try writeText("\(client)", to: "\(path)/file")
                            guard try Files.list(path) == ["file"] else { return path }
                            try store.retire(spec.uuid)
                            guard try disk.erase(store, spec.uuid) == .done else {
                                return "\(spec.uuid) is not erased"
                            }
                        }
                        return nil
                    } catch {
                        return "\(error)"
                    }
                }
            }
            return await group.reduce(into: [String]()) { $0 += $1.map { [$0] } ?? [] }
        }
        #expect(failures == [])
        #expect(store.inventory().isEmpty)
        #expect(try Files.list("\(disk.root)/volumes/images").isEmpty)
    }

    @Test(arguments: TestBackend.images)
    func aWorkDirectoryBehindASymbolicLinkIsTheRealOne(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let link = "\(disk.root)-link"
        _ = try Command("ln", ["-s", disk.root, link]).run()
        let store = try VolumeStore(
            .root(workDirectory: link), preference: backend.preference)
        #expect(try disk.ready(store, disk.spec()).hasPrefix(disk.root + "/volumes"))
    }

    @Test func aPathDiskHasBooksOfItsOwn() throws {
        let disk = try TestDisk(.directory)
        let root = "\(disk.root)/big disk/"
        let store = try VolumeStore(.path(root: root), preference: .directory)
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        #expect(path == "\(disk.root)/big disk/volumes/roles/eng db/data")
        #expect(try disk.store().inventory().isEmpty)
        #expect(store.inventory().count == 1)
    }

    @Test func aMountDiskIsOneVolumeAndItsRootStays() throws {
        let disk = try TestDisk(.directory)
        let root = "\(disk.root)/whole"
        try Files.makeDirectory(root)
        try Files.makeDirectory("\(root)/lost+found")
        let store = try VolumeStore(
            .mount(root: root, workDirectory: disk.root), preference: .auto)
        let spec = disk.spec()
        try writeText("stranger", to: "\(root)/file")
        #expect(throws: VolumeError.notEmpty(root)) { try store.create(spec) }
        try Files.remove("\(root)/file")
        #expect(try disk.ready(store, spec) == root)
        #expect(try store.status(spec.uuid).enforcement == Enforcement.none)
        try writeText("mine", to: "\(root)/file")
        #expect(throws: VolumeError.self) { try store.grow(spec.uuid, to: spec.bytes * 2) }
        #expect(throws: VolumeError.self) { try store.shrink(spec.uuid, to: 4096) }
        try store.retire(spec.uuid)
        #expect(throws: VolumeError.self) { try store.create(disk.spec(2)) }
        #expect(try disk.erase(store, spec.uuid) == .done)
        #expect(try Files.list(root) == ["lost+found"])
        #expect(try disk.ready(store, disk.spec(2)) == root)
    }

    @Test(.enabled(if: Privilege.isRoot, "mounting needs root"))
    func anUnmountedMountDiskIsNotTakenForItsMountPoint() throws {
        let disk = try TestDisk(.directory)
        let root = "\(disk.root)/whole"
        try Files.makeDirectory(root)
        try Files.makeDirectory("\(disk.root)/elsewhere")
        try Mount.bind("\(disk.root)/elsewhere", at: root)
        let place = VolumeDisk.mount(root: root, workDirectory: disk.root)
        let spec = disk.spec()
        _ = try disk.ready(try VolumeStore(place), spec)
        try Mount.detach(root, isLazy: false)
        #expect(throws: VolumeError.lost(root)) { try VolumeStore(place).recover(spec.uuid) }
    }

    @Test func thePollerFindsWhatIsOverItsSize() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let over = disk.spec(1, name: "over", bytes: 1 << 20)
        let under = disk.spec(2, name: "under", bytes: 8 << 20)
        for spec in [over, under] {
            let path = try disk.ready(store, spec)
            #expect(try fill("\(path)/file", limit: 2 << 20).error == nil)
        }
        let poller = UsagePoller(store)
        let samples = poller.advance(entries: 100_000)
        #expect(samples.map(\.uuid) == [over.uuid, under.uuid])
        #expect(samples.map(\.isOverLimit) == [true, false])
        #expect(samples.allSatisfy { $0.usedBytes >= 2 << 20 && $0.usedInodes == 2 })
        // The count of a large tree is spread over several calls.
        for number in 0..<1500 {
            try Files.makeDirectory("\(try store.mount(over.uuid))/d\(number)")
        }
        let single = (0..<30).map { _ in poller.advance(entries: 1000) }
        #expect(single[0].isEmpty)
        #expect(Set(single.joined().map(\.uuid)) == [over.uuid, under.uuid])
        try store.retire(over.uuid)
        #expect(poller.advance(entries: 100_000).map(\.uuid).contains(under.uuid))
    }
}
