import Foundation
import Glibc
import Linux
import Model
import Testing

@testable import Volumes

/// The data of volumes that go to their end, on real disks.
@Suite(.serialized) struct WipeTests {
    private static let marker = Array("a very secret marker".utf8)

    private func wipe(_ mode: EraseMode, _ rate: UInt32? = nil) -> EraseOrder {
        EraseOrder(mode, mebibytesPerSecond: rate)
    }

    private func holdsMarker(_ path: String) throws -> Bool {
        try Data(contentsOf: URL(filePath: path)).range(of: Data(Self.marker)) != nil
    }

    @Test(arguments: TestBackend.images)
    func anOverwrittenImageHoldsNothingOfIt(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try DurableFile.write(Self.marker, to: "\(path)/secret")
        try store.unmount(spec.uuid)
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        #expect(try holdsMarker(image))
        let size = try FileStatus.of(image).size
        try store.wipe(spec.uuid, wipe(.overwrite))
        #expect(try !holdsMarker(image))
        #expect(try FileStatus.of(image).size == size)
        #expect(store.wipeProgress().map(\.doneBytes) == [size])
        #expect(throws: VolumeError.self) { try store.mount(spec.uuid) }
        try store.retire(spec.uuid)
        #expect(try disk.erase(store, spec.uuid) == .done)
        #expect(try Files.list("\(disk.root)/volumes/owners").isEmpty)
        #expect(store.wipeProgress().isEmpty)
    }

    @Test(arguments: TestBackend.images)
    func aDiscardedImageTakesNoSpace(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        _ = try disk.ready(store, spec)
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        #expect(try FileStatus.of(image).allocatedBytes >= spec.bytes)
        try store.wipe(spec.uuid, wipe(.discard))
        #expect(try FileStatus.of(image).allocatedBytes < 1 << 20)
        #expect(store.discards(spec.uuid))
    }

    @Test func aTreeIsOverwrittenWithoutTouchingOthersData() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        let outside = "\(disk.root)/outside"
        try DurableFile.write(Self.marker, to: outside)
        try Files.makeDirectories("\(path)/a/b/c")
        try DurableFile.write(Self.marker, to: "\(path)/a/b/c/secret")
        try Files.link(outside, to: "\(path)/a/link")
        #expect(symlink(outside, "\(path)/a/symbolic") == 0)
        // Somebody still has the file open: what it reads is overwritten.
        let open = try OpenFile(path: "\(path)/a/b/c/secret", flags: O_RDONLY)
        try store.wipe(spec.uuid, wipe(.overwrite))
        #expect(try open.readAll().allSatisfy { $0 == 0 })
        #expect(try Files.isEmptyDirectory(path))
        #expect(try DurableFile.read(outside) == Self.marker)
        #expect(store.wipeProgress().first?.isFinished == true)
        #expect(!store.discards(spec.uuid))
    }

    @Test func aLaterProcessGoesOnWhereTheFirstOneEnded() throws {
        guard TestBackend.images.contains(.loopExt4) else { return }
        let disk = try TestDisk(.loopExt4)
        let spec = disk.spec()
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        do {
            let store = try disk.store()
            let path = try disk.ready(store, spec)
            try DurableFile.write(Self.marker, to: "\(path)/secret")
            try store.unmount(spec.uuid)
        }
        // As a process leaves it that died when the first MiB was overwritten.
        let half = """
            {"mode": "overwrite", "mib_per_second": 0, "done": 1048576, "total": 16777216, \
            "finished": 0}
            """
        try writeText(half, to: "\(disk.root)/volumes/owners/\(spec.uuid).wipe")
        let store = try disk.store()
        #expect(store.wipeProgress().map(\.doneBytes) == [1 << 20])
        guard case .ready(.checked) = try store.recover(spec.uuid) else {
            Issue.record("a volume that is being erased is not left alone")
            return
        }
        #expect(throws: VolumeError.self) { try store.mount(spec.uuid) }
        let before = try OpenFile(path: image, flags: O_RDONLY).readAll().prefix(1 << 20)
        try store.wipe(spec.uuid, wipe(.overwrite))
        let after = try OpenFile(path: image, flags: O_RDONLY).readAll()
        #expect(after.prefix(1 << 20) == before)
        #expect(after.dropFirst(1 << 20).allSatisfy { $0 == 0 })
        try store.wipe(spec.uuid, wipe(.overwrite))
    }

    @Test func whatIsInUseOrIsToBeKeptIsNotErased() throws {
        guard TestBackend.images.contains(.loopExt4) else { return }
        let disk = try TestDisk(.loopExt4)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try DurableFile.write(Self.marker, to: "\(path)/secret")
        do {
            let held = try OpenFile(path: "\(path)/secret", flags: O_RDONLY)
            #expect(throws: VolumeError.self) { try store.wipe(spec.uuid, wipe(.overwrite)) }
            #expect(try held.readAll() == Self.marker)
        }
        try store.keepWhenDestroyed(spec.uuid, as: "precious")
        #expect(throws: VolumeError.self) { try store.wipe(spec.uuid, wipe(.overwrite)) }
        #expect(store.wipeProgress().isEmpty)
        #expect(try DurableFile.read("\(path)/secret") == Self.marker)
    }

    @Test(arguments: [TestBackend.btrfs].filter(TestBackend.usable.contains))
    func copyOnWriteIsNotTakenForOverwritten(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try DurableFile.write(Self.marker, to: "\(path)/secret")
        #expect(throws: VolumeError.self) { try store.wipe(spec.uuid, wipe(.overwrite)) }
        #expect(try DurableFile.read("\(path)/secret") == Self.marker)
    }

    @Test func aVolumeThatWasNeverUsedHasNothingToErase() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let spec = disk.spec()
        try store.create(spec)
        try store.wipe(spec.uuid, wipe(.overwrite))
        #expect(store.wipeProgress().isEmpty)
    }
}
