import Linux
import Model
import Testing

@testable import Volumes

/// A process that ends between two steps is a store that is dropped after some of them; a reboot
/// also takes the mounts.
@Suite struct CrashTests {
    /// What a crash right before the last owner file was written leaves.
    private func rewind(
        _ store: VolumeStore, _ uuid: VolumeUUID, to state: VolumeState
    ) throws {
        var volume = try store.volume(uuid)
        if state == .deleting {
            return try Files.rename(volume.paths.owner, to: volume.paths.retired)
        }
        volume.record.state = state
        try DurableFile.write(volume.record.encoded(), to: volume.paths.owner)
    }

    @Test(arguments: TestBackend.images)
    func createdButNotPrepared(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let spec = disk.spec()
        try disk.store().create(spec)
        let restarted = try disk.store()
        #expect(try restarted.recover(spec.uuid) == .unfinished)
        #expect(try Files.list(try restarted.mount(spec.uuid)).isEmpty)
        #expect(try restarted.status(spec.uuid).record.state == .ready)
    }

    @Test(arguments: TestBackend.images)
    func createdTwiceStartsAgain(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let spec = disk.spec()
        try disk.store().create(spec)
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        try writeText("left by an unfinished preparation", to: image)
        let path = try disk.ready(try disk.store(), spec)
        #expect(try Files.list(path).isEmpty)
        #expect(try FileStatus.of(image).size == spec.bytes)
        #expect(try Files.list("\(disk.root)/volumes/found").isEmpty)
    }

    @Test func anUnusedDirectoryIsNotOnRecordUntilItIsPrepared() throws {
        let disk = try TestDisk(.directory)
        let spec = disk.spec()
        let store = try disk.store()
        try store.create(spec)
        #expect(try store.status(spec.uuid).record.state == .creating)
        let owners = "\(disk.root)/volumes/owners"
        #expect(try Files.list(owners).isEmpty)
        // Killed: the directory may be there or not; both ways it is made again, empty.
        for isLost in [false, true] {
            let again = try disk.store()
            #expect(try again.create(spec).state == .creating)
            let data = try again.status(spec.uuid).path
            #expect(try Files.list(data).isEmpty)
            if isLost { try Files.removeDirectory(data) }
        }
        let last = try disk.store()
        try last.create(spec)
        try last.prepare(spec.uuid)
        #expect(try Files.list(owners) == ["\(spec.uuid).json"])
        #expect(try last.status(spec.uuid).record.state == .ready)
        guard case .ready = try disk.store().recover(spec.uuid) else {
            Issue.record("a prepared volume is not ready after a restart")
            return
        }
    }

    @Test func anUnusedDirectoryThatIsDestroyedLeavesNoTrace() throws {
        let disk = try TestDisk(.directory)
        let spec = disk.spec()
        let store = try disk.store()
        try store.create(spec)
        let data = try store.status(spec.uuid).path
        try store.retire(spec.uuid)
        #expect(throws: VolumeError.notFound(spec.uuid)) { try store.status(spec.uuid) }
        #expect(try FileStatus.ifPresent(data) == nil)
        // Somebody's file in its place is not ours to delete.
        try store.create(spec)
        try writeText("a stranger's", to: "\(data)/file")
        try store.retire(spec.uuid)
        #expect(try FileStatus.ifPresent(data) == nil)
        let found = try Files.list("\(disk.root)/volumes/found")
        #expect(found == ["\(spec.persistenceID)-1"])
        #expect(try store.erase(spec.uuid) == .done)
    }

    @Test(arguments: TestBackend.images)
    func preparedButNotOnRecord(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        // As if formatting, mounting and some of the journal had come to the disk, and no more.
        try writeText("remainder", to: "\(path)/file")
        try rewind(store, spec.uuid, to: .creating)
        let restarted = try disk.store()
        #expect(try restarted.recover(spec.uuid) == .unfinished)
        try restarted.prepare(spec.uuid)
        #expect(try Files.list(path).isEmpty)
        #expect(try fill("\(path)/file", limit: 4 << 20).error == nil)
        // The same again, after a reboot, and with another volume's CREATE in its place.
        try rewind(restarted, spec.uuid, to: .creating)
        try Mount.detach(path, isLazy: false)
        let other = disk.spec(2)
        let third = try disk.store()
        #expect(try Files.list(try disk.ready(third, other)).isEmpty)
        #expect(third.inventory().map(\.record.uuid) == [other.uuid])
    }

    @Test(arguments: TestBackend.usable)
    func directoryMadeButNotOnRecord(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        if backend.hasImageName { return }
        // The data directory stands, its owner file does not.
        try Files.remove("\(disk.root)/volumes/owners/\(spec.uuid).json")
        let again = try disk.ready(try disk.store(), spec)
        #expect(again == path)
        #expect(try Files.list(path).isEmpty)
        #expect(try fill("\(path)/file", limit: 4 << 20).error == nil)
    }

    @Test(arguments: TestBackend.usable)
    func retiredButNotWithdrawn(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("old", to: "\(path)/file")
        try rewind(store, spec.uuid, to: .deleting)
        let restarted = try disk.store()
        #expect(try restarted.erase(spec.uuid) == .unfinished)
        #expect(try restarted.recover(spec.uuid) == .deleting)
        #expect(try FileStatus.ifPresent(path) == nil)
        #expect(try disk.erase(restarted, spec.uuid) == .done)
        #expect(try Files.list("\(disk.root)/volumes/owners").isEmpty)
    }

    @Test(arguments: TestBackend.usable)
    func retiredAndReplacedBeforeItsRecovery(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let old = disk.spec(1)
        let path = try disk.ready(store, old)
        try writeText("old", to: "\(path)/file")
        try rewind(store, old.uuid, to: .deleting)
        let restarted = try disk.store()
        let new = disk.spec(2)
        #expect(try disk.ready(restarted, new) == path)
        try writeText("new", to: "\(path)/file")
        #expect(try restarted.recover(old.uuid) == .deleting)
        #expect(try disk.erase(restarted, old.uuid) == .done)
        #expect(try readText("\(path)/file") == "new")
        #expect(try Files.list("\(disk.root)/volumes/found").isEmpty)
    }

    @Test func erasureGoesOnWhereItEnded() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        for number in 0..<50 { try writeText("x", to: "\(path)/file-\(number)") }
        try store.retire(spec.uuid)
        #expect(try store.erase(spec.uuid, entries: 20) == .unfinished)
        let left = try Files.list("\(disk.root)/volumes/deleting/\(spec.uuid)").count
        #expect(left == 30)
        let restarted = try disk.store()
        #expect(try restarted.recover(spec.uuid) == .deleting)
        #expect(try disk.erase(restarted, spec.uuid) == .done)
        #expect(try Files.list("\(disk.root)/volumes/deleting").isEmpty)
    }

    @Test(arguments: TestBackend.images)
    func aRebootMountsWhatWasMounted(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let spec = disk.spec()
        let path = try disk.ready(try disk.store(), spec)
        try writeText("kept", to: "\(path)/file")
        try patiently { try Mount.detach(path, isLazy: false) }
        // Somebody writes where the volume should be.
        try writeText("stray", to: "\(path)/stray")
        let restarted = try disk.store()
        #expect(throws: VolumeError.self) { try restarted.usage(spec.uuid) }
        #expect(try restarted.recover(spec.uuid) == .ready(.healthy))
        #expect(try Files.list(path) == ["file"])
        #expect(try readText("\(path)/file") == "kept")
        #expect(try readText("\(disk.root)/volumes/found/data-1/stray") == "stray")
    }

    @Test(arguments: TestBackend.images)
    func aVolumeThatLostPowerIsCheckedBeforeItIsMounted(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("kept", to: "\(path)/file")
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        // The image as it is while mounted, which is how a power cut leaves it.
        let copy = "\(disk.root)/copy"
        _ = try Command("cp", ["--sparse=always", image, copy]).run()
        try store.unmount(spec.uuid)
        try Files.rename(copy, to: image)
        let result = try disk.store().recover(spec.uuid)
        if case .ready(.checked) = result {
            #expect(backend == .loopExt4)
        } else {
            // XFS replays its log while mounting.
            #expect(backend == .loopXFS && result == .ready(.healthy))
        }
        #expect(try readText("\(path)/file") == "kept")
        #expect(try Files.list(path) == ["file"])
    }

    @Test(arguments: TestBackend.images)
    func whatIsNoFileSystemIsLeftForAPerson(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        _ = try disk.ready(store, spec)
        try store.unmount(spec.uuid)
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        let file = try Descriptor.open(image, .readWrite)
        try FileAllocation.setLength(file, bytes: 0, image)
        #expect(throws: VolumeError.self) { try disk.store().recover(spec.uuid) }
        try FileAllocation.setLength(file, bytes: spec.bytes, image)
        #expect(throws: VolumeError.self) { try disk.store().recover(spec.uuid) }
        #expect(try FileStatus.ifPresent("\(disk.root)/volumes/roles/eng db/data") == nil)
        try Files.remove(image)
        #expect(throws: VolumeError.lost(image)) { try disk.store().recover(spec.uuid) }
    }

    @Test(arguments: TestBackend.usable)
    func grownButNotOnRecord(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("kept", to: "\(path)/file")
        let larger = spec.bytes + (16 << 20)
        let volume = try store.volume(spec.uuid)
        try store.backend(volume.record.backend).grow(volume, to: larger)
        let restarted = try disk.store()
        #expect(try restarted.recover(spec.uuid) == .ready(.healthy))
        #expect(try restarted.status(spec.uuid).record.spec.bytes == spec.bytes)
        try restarted.grow(spec.uuid, to: larger)
        #expect(try restarted.status(spec.uuid).record.spec.bytes == larger)
        #expect(try readText("\(path)/file") == "kept")
    }

    @Test(.enabled(if: TestBackend.usable.contains(.loopExt4), "no ext4 on loop here"))
    func aVolumeIsRetiredAndErasedOnAFullDisk() throws {
        let outer = try TestDisk(.loopExt4)
        let small = try outer.ready(try outer.store(), outer.spec())
        let store = try VolumeStore(.root(workDirectory: small), preference: .directory)
        let spec = outer.spec(2, bytes: 1 << 20)
        let path = try outer.ready(store, spec)
        #expect(try fill("\(path)/file", limit: 64 << 20).error?.isNoSpace == true)
        // The last blocks, that the large writes did not fit in.
        for number in 0..<2000 {
            guard let file = try? Descriptor.open("\(path)/\(number)", .createNew) else { break }
            let bytes = [UInt8](repeating: 1, count: 1024)
            guard (try? bytes.withUnsafeBytes { try file.write($0, at: 0, path) }) != nil,
                (try? file.sync(path)) != nil
            else { break }
        }
        #expect(throws: SystemError.self) { try writeText("x", to: "\(small)/x") }
        try store.retire(spec.uuid)
        let restarted = try VolumeStore(.root(workDirectory: small), preference: .directory)
        #expect(try restarted.recover(spec.uuid) == .deleting)
        #expect(try outer.erase(restarted, spec.uuid) == .done)
        #expect(restarted.inventory().isEmpty && restarted.unreadable.isEmpty)
        try writeText("room again", to: "\(small)/x")
    }

    @Test func ownerFilesThatCannotBeReadAreShownAndKept() throws {
        let disk = try TestDisk(.directory)
        let spec = disk.spec()
        _ = try disk.ready(try disk.store(), spec)
        let broken = "\(disk.root)/volumes/owners/broken.json"
        try writeText("{\"format\": 1, \"uuid\": ", to: broken)
        // A file under another volume's name is not believed either.
        let renamed = "\(disk.root)/volumes/owners/renamed.json"
        let owner = try readText("\(disk.root)/volumes/owners/\(spec.uuid).json")
        try writeText(owner ?? "", to: renamed)
        let restarted = try disk.store()
        #expect(restarted.unreadable == [broken, renamed])
        #expect(restarted.inventory().count == 1)
        #expect(try FileStatus.ifPresent(broken) != nil)
    }
}
