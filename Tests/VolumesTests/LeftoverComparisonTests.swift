import Linux
import Model
import Testing

@testable import Volumes

/// What images, mounts, devices and registry say beyond the journal.
@Suite struct LeftoverComparisonTests {
    typealias World = ComparisonWorld

    @Test func imagesHaveTheBookedSize() throws {
        var world = try World(.loopExt4)
        world.putImage(World.bytes / 2)
        #expect(world.codes == [.imageShort])
        #expect(world.findings.first?.repair == .growImage)
        world.putImage(World.bytes * 2, inside: World.bytes)
        #expect(world.codes == [.imageLong])
        #expect(world.findings.first?.repair == .cutImage)
        // Its file system has grown, too: nothing may be cut.
        world.putImage(World.bytes * 2)
        #expect(world.codes == [.imageLong])
        #expect(world.findings.first?.repair == nil)
        world.putImage(World.bytes / 2, inside: World.bytes)
        #expect(world.codes == [.imageTruncated])
        #expect(world.findings.first?.repair == nil)
    }

    @Test func anImageIsMountedAtItsPath() throws {
        var world = try World(.loopExt4)
        world.store.mounts = []
        world.loops = []
        #expect(world.codes == [.volumeUnmounted])
        #expect(world.findings.first?.repair == .mount)
    }

    @Test func aMountOverAVolumeIsTakenOffAndTheVolumesOwnStays() throws {
        var world = try World(.loopExt4)
        let own = world.store.mounts
        world.store.mounts = [World.mount(2, minor: 5, at: world.paths.data)] + own
        #expect(world.codes == [.volumeUnmounted])
        #expect(world.findings.first?.repair == .unmount(world.paths.data, id: 2))
        world = try World(.directory)
        world.store.mounts = [World.mount(3, minor: 5, at: world.paths.data)]
        #expect(world.codes == [.mountStale])
        #expect(world.findings.first?.repair == .unmount(world.paths.data, id: 3))
    }

    @Test func mountsAndDevicesOfDestroyedVolumesAreStale() throws {
        var world = try World(.loopExt4)
        world.books = StorageBooks()
        world.forget()
        world.store.owners = []
        world.store.images = []
        #expect(world.codes == [.mountStale])
        world.store.mounts = []
        world.store.places = []
        world.loops = [
            LoopAttachment(
                path: "/dev/loop9", number: World.loop.number, device: 5, inode: 77,
                file: World.loop.file + " (deleted)")
        ]
        #expect(world.codes == [.loopStale])
        #expect(world.findings.first?.repair == .detachLoop("/dev/loop9"))
    }

    @Test func aSecondDeviceOfALiveImageIsStale() throws {
        var world = try World(.loopExt4)
        world.loops.append(
            LoopAttachment(
                path: "/dev/loop4", number: DeviceNumber(major: 7, minor: 4), device: 5,
                inode: 77, file: world.paths.image))
        #expect(world.codes == [.loopStale])
        #expect(world.findings.first?.subject == "/dev/loop4")
    }

    @Test func othersDevicesAreNotOurs() throws {
        var world = try World(.loopExt4)
        world.loops.append(
            LoopAttachment(
                path: "/dev/loop4", number: DeviceNumber(major: 7, minor: 4), device: 6,
                inode: 1, file: "/elsewhere/image (deleted)"))
        #expect(world.findings.isEmpty)
    }

    @Test func aVolumeThatTheJournalDoesNotHaveIsUnclaimedAndMovedOnlyWhenAsked() throws {
        var world = try World(.directory)
        world.books.journal = []
        world.books.registry = []
        #expect(world.codes == [.volumeUnclaimed])
        #expect(world.findings.first?.repair?.needsSetAside == true)
        // The master may have been told of it.
        world.books.registry = [World.row(state: "unclaimed")]
        #expect(world.codes == [.volumeUnclaimed])
    }

    @Test func strayThingsAreNamedEach() throws {
        var world = try World(.directory)
        world.store.places.append(
            .init(path: "/work/volumes/roles/x/y", isDirectory: true, inode: 9, isEmpty: false))
        world.store.images = [
            .init(
                path: "/work/volumes/images/z", device: 5, inode: 8, bytes: 1, fileSystem: nil)
        ]
        world.store.owners.append(.init(path: "/work/volumes/owners/z.json", record: nil))
        world.store.deleting = ["/work/volumes/deleting/z"]
        #expect(
            world.codes == [
                .deletingLeftover, .directoryUnclaimed, .imageUnclaimed, .ownerUnclaimed,
            ])
        #expect(world.findings.allSatisfy { $0.repair?.needsSetAside == true })
        world.books.moving = [VolumeUUID("z")]
        #expect(world.codes == [.directoryUnclaimed])
    }

    @Test func anEmptyDirectoryAndAMountDiskWithoutVolumeAreNothing() throws {
        var world = try World(.directory)
        world.store.places.append(
            .init(path: "/work/volumes/roles/x/y", isDirectory: true, inode: 9, isEmpty: true))
        #expect(world.findings.isEmpty)
        let disk = VolumeLayout(.mount(root: "/disk", workDirectory: "/work"))
        world.store = StoreObservation(disk: "/disk", layout: disk)
        world.store.places = [.init(path: "/disk", isDirectory: true, inode: 2, isEmpty: false)]
        world.books = StorageBooks()
        #expect(world.findings.isEmpty)
    }

    @Test func whatIsGivenUpIsErasedToTheEnd() throws {
        var world = try World(.directory)
        world.books = StorageBooks()
        world.record.state = .deleting
        world.store.known = [StoredVolume(record: world.record, paths: world.paths)]
        world.store.owners = [.init(path: world.paths.retired, record: world.record)]
        world.store.places = []
        world.store.deleting = [world.paths.deleting]
        #expect(world.codes == [.erasurePending])
        #expect(world.findings.first?.code.severity == .note)
        #expect(world.findings.first?.repair == .erase)
        world.store.erasing = [World.uuid]
        #expect(world.findings.isEmpty)
    }

    @Test func mountsOfContainersThatAreNoMoreAreStale() throws {
        var world = try World(.directory)
        world.containerMounts = [World.mount(9, minor: 9, at: "/work/slaves/A/runs/C/data")]
        #expect(world.codes == [.containerMountStale])
        world.books.containerPlaces = ["/work/slaves/A/runs/C"]
        #expect(world.findings.isEmpty)
    }

    @Test func registryAndJournalHaveTheSameVolumes() throws {
        var world = try World(.directory)
        world.books.registry = []
        #expect(world.codes == [.registryMissing])
        world.books.registry = [World.row(state: "unclaimed")]
        #expect(world.codes == [.registryMissing])
        world.books.registry = [World.row(role: "other", bytes: 5)]
        #expect(world.codes == [.registryDiffers])
        #expect(world.findings.first?.evidence.contains("other") == true)
        world.books.registry = [World.row(), World.row()]
        #expect(world.codes == [.uuidDuplicated])
        world.books.registry = nil
        #expect(world.findings.isEmpty)
        world.books.registry = [World.row(state: "lost")]
        world.books.journal = []
        #expect(world.codes == [.registryLost, .volumeUnclaimed])
    }

    @Test func oneVolumeOnTwoDisksIsToldWithTheWrongOne() throws {
        let world = try World(.directory)
        var other = StoreObservation(
            disk: "/disk", layout: VolumeLayout(.path(root: "/disk")))
        other.known = world.store.known
        var observation = StorageObservation()
        observation.stores = [world.store, other]
        let findings = StorageComparison.findings(world.books, observation)
        #expect(findings.map(\.code) == [.uuidDuplicated])
        #expect(findings.first?.disk == "/disk" && findings.first?.repair == .setAside(nil))
    }
}
