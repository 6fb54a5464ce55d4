import Linux
import Model
import Testing

@testable import Volumes

/// A copy of a volume's mount in another mount namespace keeps its loop device alive.
@Suite(.enabled(if: !TestBackend.images.isEmpty, "no loop images here"))
struct NamespaceTests {
    @Test(arguments: TestBackend.images)
    func destroySucceedsWhileAnotherContainerHasACopy(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        let other = try OtherNamespace("cd \"$1\" && exec 3>open", [path])
        defer { other.end() }
        try store.retire(spec.uuid)
        #expect(try FileStatus.ifPresent(path) == nil)
        guard case .waiting(let holders) = try store.erase(spec.uuid) else {
            Issue.record("the image of a living device was deleted")
            return
        }
        #expect(holders.contains { $0.device?.hasPrefix("/dev/loop") == true })
        #expect(try FileStatus.ifPresent(image) != nil)
        // The name is free for another volume meanwhile, also after a restart.
        let restarted = try disk.store()
        #expect(try restarted.recover(spec.uuid) == .deleting)
        let next = disk.spec(2)
        #expect(try disk.ready(restarted, next) == path)
        other.end()
        try eraseOnceFree(disk, restarted, spec.uuid)
        #expect(try FileStatus.ifPresent(image) == nil)
    }

    /// The kernel lets a dead process's mounts go a moment after its end was seen.
    private func eraseOnceFree(
        _ disk: TestDisk, _ store: VolumeStore, _ uuid: VolumeUUID
    ) throws {
        for _ in 0..<100 {
            if try store.erase(uuid) == .done { return }
        }
        Issue.record("the image was never let go")
    }

    @Test(arguments: TestBackend.images)
    func anImageWhoseDeviceLivesElsewhereIsNotTouchedAndTheHolderIsNamed(
        _ backend: TestBackend
    ) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("kept", to: "\(path)/file")
        let copy = "\(disk.root)/copy"
        try Files.makeDirectory(copy)
        let other = try OtherNamespace("mount --bind \"$1\" \"$2\"", [path, copy])
        defer { other.end() }
        try store.unmount(spec.uuid)
        let isHolder: (any Error) -> Bool = { error in
            guard case .stillAttached(let holders)? = error as? VolumeError else { return false }
            return holders.contains { $0.process == other.process && $0.mountPoint == copy }
        }
        #expect(performing: { try store.mount(spec.uuid) }, throws: isHolder)
        #expect(performing: { try disk.store().recover(spec.uuid) }, throws: isHolder)
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        #expect(try LoopDevice.holders(ofImage: image).map(\.process) == [other.process])
        other.end()
        try LoopDevice.proveDetached(image: image, patienceMilliseconds: 10_000)
        #expect(try store.mount(spec.uuid) == path)
        #expect(try readText("\(path)/file") == "kept")
    }

    @Test(
        .enabled(
            if: TestBackend.usable.contains(.loopExt4) && !Privilege.has(.sysResource),
            "ext4 grows while mounted here"))
    func aVolumeInUseElsewhereIsNotResizedAndStaysMounted() throws {
        let disk = try TestDisk(.loopExt4)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("kept", to: "\(path)/file")
        let copy = "\(disk.root)/copy"
        try Files.makeDirectory(copy)
        let other = try OtherNamespace("mount --bind \"$1\" \"$2\"", [path, copy])
        defer { other.end() }
        for bytes in [spec.bytes * 2, spec.bytes / 2] {
            #expect {
                bytes > spec.bytes
                    ? try store.grow(spec.uuid, to: bytes)
                    : try store.shrink(spec.uuid, to: bytes)
            } throws: { error in
                guard case .stillAttached? = error as? VolumeError else { return false }
                return true
            }
            #expect(try readText("\(path)/file") == "kept")
        }
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        #expect(try FileStatus.of(image).size == spec.bytes)
        #expect(try store.usage(spec.uuid).usedInodes ?? 0 > 0)
    }

    @Test func aDeletedImageIsStillRecognisedByItsInode() throws {
        let disk = try TestDisk(.directory)
        let image = "\(disk.root)/image"
        let file = try Descriptor.open(image, .createNew)
        try FileAllocation.setLength(file, bytes: 1 << 20, image)
        let loop = try LoopDevice.attach(file, image, sectorSize: 512)
        let link = "\(disk.root)/link"
        _ = try Command("ln", [image, link]).run()
        try Files.remove(image)
        #expect(try LoopDevice.holders(ofImage: link).map(\.device) == [loop.path])
    }

    @Test(arguments: TestBackend.images)
    func anUnmountedVolumeHasNoPathToWriteTo(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try store.unmount(spec.uuid)
        #expect(throws: SystemError.self) { _ = try Descriptor.open("\(path)/file", .create) }
        // Where the wrong thing is mounted it is not taken for the volume.
        try Files.makeDirectory(path)
        try Mount.bind("/dev/shm", at: path)
        #expect(throws: VolumeError.self) { try store.usage(spec.uuid) }
        #expect(try store.mount(spec.uuid) == path)
        #expect(try Files.list(path).isEmpty)
        #expect(try store.usage(spec.uuid).usableBytes <= spec.bytes)
    }
}
