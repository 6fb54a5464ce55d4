import Glibc
import Linux
import Model
import Synchronization
import Testing

@testable import Volumes

/// Data comes into a volume and goes out of it as it is: renamed, never copied, never erased.
@Suite(.serialized) struct TransferTests {
    private func source(_ disk: TestDisk, bytes: Int = 8) throws -> String {
        // Beside the volumes: below the work directory nothing may be adopted but found things.
        let path = "\(disk.root)/volumes/found/legacy"
        try Files.makeDirectories(path)
        try DurableFile.write([UInt8](repeating: 7, count: bytes), to: "\(path)/row")
        return path
    }

    private func adoption(_ spec: VolumeSpec, _ source: String) -> Adoption {
        Adoption(role: spec.role, persistenceID: spec.persistenceID, source: source)
    }

    /// What came to the place meanwhile is not taken for the volume's own data.
    @Test(arguments: TestBackend.usable)
    func somethingElseAtItsPlaceStopsADetachment(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("precious", to: "\(path)/row")
        let target = try #require(try store.keepWhenDestroyed(spec.uuid, as: "x"))
        let place = TestBackend.images.contains(backend) ? "\(target).image" : target
        try Files.makeDirectories(place)
        #expect(throws: VolumeError.self) { try patiently { try store.retire(spec.uuid) } }
        #expect(!FileStatus.exists("\(target).json"))
        try Files.removeDirectory(place)
        let again = try store.mount(spec.uuid)
        #expect(try readText("\(again)/row") == "precious")
        try store.unmount(spec.uuid)
        try patiently { try store.retire(spec.uuid) }
        #expect(FileStatus.exists("\(target).json"))
    }

    @Test func anAdoptionThatDiedIsTheNextOnes() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let spec = disk.spec()
        let source = try source(disk)
        var died = adoption(spec, source)
        died.uuid = VolumeUUID("00000000-0000-4000-8000-000000000000")
        try store.adoptWhenCreated(died, bytes: spec.bytes)
        let path = try disk.ready(store, spec)
        #expect(FileStatus.exists("\(path)/row") && !FileStatus.exists(source))
    }

    @Test func aDirectoryBecomesAVolumeWithoutACopy() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let spec = disk.spec()
        let source = try source(disk)
        let inode = try FileStatus.of("\(source)/row").inode
        try store.adoptWhenCreated(adoption(spec, source), bytes: spec.bytes)
        let record = try store.create(spec)
        #expect(record.backend == .directory && record.state == .ready)
        try store.prepare(spec.uuid)
        let path = try store.mount(spec.uuid)
        #expect(try FileStatus.of("\(path)/row").inode == inode)
        #expect(!FileStatus.exists(source))
        #expect(try Files.list("\(disk.root)/volumes/adoptions").isEmpty)
        #expect(try store.create(spec) == record)
        // An ordinary volume from here on: a DESTROY erases it.
        try store.retire(spec.uuid)
        #expect(try disk.erase(store, spec.uuid) == .done)
        #expect(try Files.list("\(disk.root)/volumes/detached").isEmpty)
    }

    @Test func aDirectoryOutsideOfAWorkDirectoryThatIsAMountIsTaken() throws {
        guard Privilege.isRoot else { return }
        let disk = try TestDisk(.directory)
        try WorkDirectory.prepareMounts(disk.root)
        defer { try? WorkDirectory.releaseMounts(disk.root) }
        let store = try disk.store()
        let spec = disk.spec()
        let source = "\(Files.parent(of: disk.root))/legacy"
        try Files.makeDirectory(source)
        try writeText("precious", to: "\(source)/row")
        let inode = try FileStatus.of(source).inode
        #expect(throws: SystemError.self) {
            try Files.renameExclusively(source, to: "\(disk.root)/legacy")
        }
        try store.adoptWhenCreated(adoption(spec, source), bytes: spec.bytes)
        let path = try disk.ready(store, spec)
        #expect(try FileStatus.of(path).inode == inode && !FileStatus.exists(source))
        #expect(try readText("\(path)/row") == "precious")
    }

    @Test func anAdoptionIsKeptOverACrashAtEachStep() throws {
        let disk = try TestDisk(.directory)
        let spec = disk.spec()
        let source = try source(disk)
        try disk.store().adoptWhenCreated(adoption(spec, source), bytes: spec.bytes)
        // Before the rename; then after it, with no owner file yet.
        _ = try disk.store().create(spec)
        let paths = try disk.store().layout.paths(
            uuid: spec.uuid, role: spec.role, persistenceID: spec.persistenceID)
        try Files.remove(paths.owner)
        var bound = adoption(spec, source)
        bound.uuid = spec.uuid
        let store = try disk.store()
        store.adoptions.withLock { $0[paths.data] = bound }
        #expect(try store.create(spec).state == .ready)
        #expect(FileStatus.exists("\(paths.data)/row"))
        let again = try disk.store()
        #expect(try again.recover(spec.uuid) == .ready(.healthy))
    }

    @Test func anAdoptedVolumeWhoseOperationFailsIsNotErased() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let spec = disk.spec()
        try store.adoptWhenCreated(adoption(spec, try source(disk)), bytes: spec.bytes)
        try store.create(spec)
        try store.retire(spec.uuid)
        #expect(store.inventory().isEmpty)
        let kept = "\(disk.root)/volumes/detached/\(VolumeStore.adoptedName(spec.uuid))"
        #expect(FileStatus.exists("\(kept)/row"))
    }

    @Test func whatCannotBeRenamedOrIsTooMuchIsRefused() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let spec = disk.spec()
        let source = try source(disk, bytes: 60_000)
        let refused = { (path: String, bytes: Int64) in
            _ = #expect(throws: VolumeError.self) {
                try store.adoptWhenCreated(adoption(spec, path), bytes: bytes)
            }
        }
        refused(source, 100)
        refused("/proc/self", spec.bytes)
        refused("/dev/shm", spec.bytes)
        refused(disk.root, spec.bytes)
        refused("\(disk.root)/volumes/owners", spec.bytes)
        refused("relative", spec.bytes)
        refused("\(source)/row", spec.bytes)
        symlink(source, "\(disk.root)/volumes/found/link")
        refused("\(disk.root)/volumes/found/link", spec.bytes)
        try store.create(spec)
        refused(source, spec.bytes)
        #expect(FileStatus.exists("\(source)/row"))
    }

    @Test func anAdoptionCanBeTakenBack() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let spec = disk.spec()
        let source = try source(disk)
        try store.adoptWhenCreated(adoption(spec, source), bytes: spec.bytes)
        #expect(try store.cancelAdoption(role: spec.role, persistenceID: spec.persistenceID))
        #expect(try !store.cancelAdoption(role: spec.role, persistenceID: spec.persistenceID))
        let path = try disk.ready(store, spec)
        #expect(try Files.isEmptyDirectory(path))
        #expect(FileStatus.exists("\(source)/row"))
    }

    @Test(arguments: TestBackend.usable)
    func aDetachedVolumesDataIsKeptWithItsOwnerFile(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("precious", to: "\(path)/row")
        let target = try #require(try store.keepWhenDestroyed(spec.uuid, as: "legacy"))
        // Said before a crash, done after it.
        let again = try disk.store()
        try patiently { try again.retire(spec.uuid) }
        #expect(again.inventory().isEmpty && !FileStatus.exists(path))
        let owner = try #require(try DurableFile.read("\(target).json"))
        #expect(VolumeRecord(decoding: owner)?.uuid == spec.uuid)
        if backend.isThin {
            let device = try #require(Files.linkTarget("\(target).image"))
            #expect(BlockDevice.number(device) != nil)
        } else if TestBackend.images.contains(backend) {
            #expect(try FileStatus.of("\(target).image").size >= spec.bytes)
        } else {
            #expect(try readText("\(target)/row") == "precious")
        }
        #expect(try Files.list("\(disk.root)/volumes/owners").isEmpty)
        try again.retire(spec.uuid)
        #expect(FileStatus.exists("\(target).json"))
    }

    @Test func twoVolumesCannotBeKeptUnderOneName() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let (first, second) = (disk.spec(), disk.spec(2, name: "other"))
        for spec in [first, second] {
            try writeText("precious", to: "\(try disk.ready(store, spec))/row")
            try store.keepWhenDestroyed(spec.uuid, as: "legacy")
        }
        try store.retire(first.uuid)
        #expect(throws: VolumeError.self) { try store.retire(second.uuid) }
        let path = try store.mount(second.uuid)
        #expect(try readText("\(path)/row") == "precious")
        #expect(throws: VolumeError.self) {
            try store.keepWhenDestroyed(second.uuid, as: "legacy")
        }
        #expect(throws: VolumeError.self) { try store.keepWhenDestroyed(second.uuid, as: "../x") }
        try store.keepWhenDestroyed(second.uuid, as: nil)
        try store.retire(second.uuid)
        #expect(try disk.erase(store, second.uuid) == .done)
    }
}
