import Linux
import Model
import Testing

@testable import Volumes

/// What every backend must do, run on each that this machine has.
@Suite struct VolumeBackendContract {
    /// Scenario: persistent_volume_tests PersistentVolumeTest.PreparePersistentVolume
    @Test(arguments: TestBackend.usable)
    func aNewVolumeIsEmptyAndItsRootBelongsToItsUser(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        var spec = disk.spec()
        spec.owner = VolumeOwner(uid: 1234, gid: 2345, mode: 0o700)
        try store.create(spec)
        try store.prepare(spec.uuid)
        let path = try store.mount(spec.uuid)
        #expect(path == "\(disk.root)/volumes/roles/eng db/data")
        #expect(try Files.list(path).isEmpty)
        let root = try FileStatus.of(path)
        #expect(root.mode == 0o700)
        // A plain user's agent has no one else to give it to.
        if Privilege.isRoot { #expect(root.uid == 1234 && root.gid == 2345) }
        #expect(try store.status(spec.uuid).record.state == .ready)

        try writeText("inside", to: "\(path)/file")
        try store.setOwner(spec.uuid, VolumeOwner(uid: 55, gid: 66, mode: 0o750))
        let now = try FileStatus.of(path)
        #expect(now.mode == 0o750)
        if Privilege.isRoot { #expect(now.uid == 55 && now.gid == 66) }
        #expect(try FileStatus.of("\(path)/file").uid != 55)
        #expect(try disk.store().status(spec.uuid).record.spec.owner.uid == 55)
    }

    @Test(arguments: TestBackend.enforced)
    func theKernelStopsAVolumeAtItsSizeAndItsNeighbourGoesOn(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let full = try disk.ready(store, disk.spec(1, name: "full"))
        let neighbour = try disk.ready(store, disk.spec(2, name: "neighbour"))
        let result = try fill("\(full)/file", limit: 2 * backend.bytes)
        #expect(result.error?.isNoSpace == true)
        #expect(result.bytes <= backend.bytes)
        #expect(result.bytes > backend.bytes / 2)
        #expect(try store.status(disk.spec(1).uuid).enforcement == .kernel)
        let other = try fill("\(neighbour)/file", limit: 4 << 20)
        #expect(other.error == nil)
        let outside = try fill("\(disk.root)/outside", limit: 4 << 20)
        #expect(outside.error == nil)
        let usage = try store.usage(disk.spec(1).uuid)
        #expect(usage.usedBytes <= backend.bytes && usage.usedBytes > backend.bytes / 2)
        #expect(usage.usableBytes <= backend.bytes)
    }

    @Test("CREATE adopts no stale data: it is kept elsewhere", arguments: TestBackend.usable)
    func whatStoodInAVolumesPlaceIsKeptElsewhereAndNeverAdopted(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let place = "\(disk.root)/volumes/roles/eng db/data"
        for number in 1...2 {
            try Files.makeDirectories(place)
            try writeText("stale \(number)", to: "\(place)/old")
            let uuid = disk.spec(number).uuid
            var fresh = spec
            fresh.uuid = uuid
            let path = try disk.ready(store, fresh)
            #expect(try Files.list(path).isEmpty)
            let found = "\(disk.root)/volumes/found/data-\(number)"
            #expect(try readText("\(found)/old") == "stale \(number)")
            try store.retire(uuid)
            #expect(try disk.erase(store, uuid) == .done)
        }
    }

    @Test(arguments: TestBackend.usable)
    func aVolumeThatTheBooksLostIsSetAsideWithItsOwnerFile(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let lost = disk.spec(1)
        try writeText("precious", to: "\(try disk.ready(store, lost))/file")
        let next = disk.spec(2)
        let path = try disk.ready(store, next)
        #expect(try Files.list(path).isEmpty)
        #expect(throws: VolumeError.notFound(lost.uuid)) { try store.usage(lost.uuid) }
        let found = "\(disk.root)/volumes/found/data-1"
        let owner = try DurableFile.read("\(found).json").flatMap { VolumeRecord(decoding: $0) }
        #expect(owner?.uuid == lost.uuid)
        let kept = backend.hasImageName ? "\(found).image" : "\(found)/file"
        #expect(try FileStatus.ifPresent(kept) != nil)
    }

    @Test(arguments: TestBackend.usable)
    func aRepeatedCreateIsTheSameVolumeAndADifferentOneIsRefused(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("kept", to: "\(path)/file")
        #expect(try store.create(spec).state == .ready)
        #expect(try readText("\(path)/file") == "kept")
        var larger = spec
        larger.bytes += 4096
        #expect(throws: VolumeError.self) { try store.create(larger) }
        #expect(try readText("\(path)/file") == "kept")
    }

    @Test(arguments: TestBackend.usable)
    func dataOutlivesARestartOfTheAgent(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let spec = disk.spec()
        let path = try disk.ready(try disk.store(), spec)
        try writeText("kept", to: "\(path)/file")
        let restarted = try disk.store()
        #expect(restarted.inventory().map(\.record.uuid) == [spec.uuid])
        #expect(try restarted.recover(spec.uuid) == .ready(.healthy))
        #expect(try readText("\(path)/file") == "kept")
    }

    @Test(arguments: TestBackend.usable)
    func retireFreesThePlaceAtOnceAndEraseLeavesNothing(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let old = disk.spec(1)
        let path = try disk.ready(store, old)
        try writeText("old", to: "\(path)/file")
        try Files.makeDirectories("\(path)/a/b/c")
        try store.retire(old.uuid)
        #expect(try FileStatus.ifPresent(path) == nil)
        let new = disk.spec(2)
        #expect(try disk.ready(store, new) == path)
        try writeText("new", to: "\(path)/file")
        #expect(try disk.erase(store, old.uuid) == .done)
        #expect(try readText("\(path)/file") == "new")
        #expect(try Files.list("\(disk.root)/volumes/owners") == ["\(new.uuid).json"])
        #expect(try Files.list("\(disk.root)/volumes/deleting").isEmpty)
        #expect(try Files.list("\(disk.root)/volumes/found").isEmpty)
        let images = TestBackend.images.contains(backend) ? [new.uuid.value] : []
        #expect(try Files.list("\(disk.root)/volumes/images") == images)
        // Repeated after a lost answer.
        try store.retire(old.uuid)
        #expect(try store.erase(old.uuid) == .done)
    }

    @Test(arguments: TestBackend.usable)
    func moreThanTheDiskHasIsRefusedAndLeavesNothing(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec(bytes: try disk.totalBytes() + (1 << 30))
        #expect {
            try store.create(spec)
        } throws: { error in
            if case .noSpace? = error as? VolumeError { return true }
            return false
        }
        #expect(try Files.list("\(disk.root)/volumes/owners").isEmpty)
        #expect(try Files.list("\(disk.root)/volumes/images").isEmpty)
        #expect(store.inventory().isEmpty)
        #expect(try FileStatus.ifPresent("\(disk.root)/volumes/roles/eng db/data") == nil)
    }

    @Test(arguments: TestBackend.usable)
    func namesThatClimbOutAreRefused(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        for name in [
            "..", ".", "", "a/b", "../../../etc", "a\u{0}b", String(repeating: "x", count: 256),
        ] {
            #expect(throws: VolumeError.self, "\(name)") {
                try store.create(disk.spec(name: name))
            }
        }
        for role in ["..", ".", "", "a\u{0}b"] {
            #expect(throws: VolumeError.self, "\(role)") {
                try store.create(disk.spec(role: role))
            }
        }
        var spec = disk.spec()
        for uuid in ["../x", "", "a/b", ".."] {
            spec.uuid = VolumeUUID(uuid)
            #expect(throws: VolumeError.self, "\(uuid)") { try store.create(spec) }
        }
        // As Mesos writes a role: one directory, whatever is in it.
        let path = try disk.ready(store, disk.spec(role: "../up"))
        #expect(path == "\(disk.root)/volumes/roles/.. up/data")
        #expect(try Files.list("\(disk.root)/volumes/found").isEmpty)
    }
}
