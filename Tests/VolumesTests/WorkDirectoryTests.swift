import Linux
import Testing

@testable import Volumes

@Suite struct WorkDirectoryTests {
    @Test(.enabled(if: Privilege.isRoot, "mounting needs root"))
    func theWorkDirectoryIsSharedOnceAndReleasedWithAllBelowIt() throws {
        let disk = try TestDisk(.directory)
        let root = disk.root
        let before = try MountTable.current().entries.filter { $0.mountPoint.hasPrefix(root) }
        #expect(before.isEmpty)
        try WorkDirectory.prepareMounts(root)
        try WorkDirectory.prepareMounts(root)
        let table = try MountTable.current()
        #expect(table.entries.filter { $0.mountPoint == root }.count == 1)
        let top = try #require(table.top(at: root))
        #expect(top.peerGroup != nil)
        #expect(table.isSelfBind(top))
        try Files.makeDirectories("\(root)/inner/place")
        try Mount.bind("/dev/shm", at: "\(root)/inner")
        try WorkDirectory.releaseMounts(root)
        try WorkDirectory.releaseMounts(root)
        let after = try MountTable.current().entries.filter { $0.mountPoint.hasPrefix(root) }
        #expect(after.isEmpty)
        #expect(try FileStatus.ifPresent("\(root)/inner/place") != nil)
    }

    @Test(arguments: TestBackend.images)
    func volumesThatWereMountedBeforeAreNotHidden(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("kept", to: "\(path)/file")
        try Files.makeDirectory("\(disk.root)/own")
        try Mount.bind("/dev/shm", at: "\(disk.root)/own")
        let open = try Descriptor.open("\(path)/file")
        #expect(throws: SystemError.self) { try WorkDirectory.prepareMounts(disk.root) }
        #expect(try FileStatus.of(open, path).size == 4)
        _ = consume open
        try WorkDirectory.prepareMounts(disk.root)
        #expect(try disk.store().recover(spec.uuid) == .ready(.healthy))
        #expect(try readText("\(path)/file") == "kept")
        try WorkDirectory.releaseMounts(disk.root)
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        try LoopDevice.proveDetached(image: image)
        let left = try MountTable.current().below(disk.root).map(\.mountPoint)
        #expect(left == ["\(disk.root)/own"])
    }

    @Test(.enabled(if: Privilege.isRoot, "mounting needs root"))
    func aContainerThatFollowsTheWorkDirectorySeesALaterVolume() throws {
        let disk = try TestDisk(.directory)
        try WorkDirectory.prepareMounts(disk.root)
        try Files.makeDirectory("\(disk.root)/late")
        let other = try OtherNamespace(
            "mount --make-rslave \"$1\" || exit 1", [disk.root], propagation: "unchanged")
        defer { other.end() }
        try Mount.bind("/dev/shm", at: "\(disk.root)/late")
        let seen = try MountTable.of(process: other.process)
        #expect(seen.top(at: "\(disk.root)/late") != nil)
        try Mount.detach("\(disk.root)/late", isLazy: false)
        let left = try MountTable.of(process: other.process)
        #expect(left.top(at: "\(disk.root)/late") == nil)
    }

    @Test func linesOfMountinfoAreUnderstood() throws {
        let text = """
            22 27 0:21 / /proc rw,relatime - proc proc rw
            30 27 8:1 /a\\040b /mnt/x\\011y rw shared:7 master:3 - ext4 /dev/sda1 rw,prjquota
            31 30 8:1 /a\\040b/sub /mnt/x\\011y/sub rw shared:8 - ext4 /dev/sda1 rw
            32 31 8:1 /other /mnt/x\\011y/sub rw - ext4 /dev/sda1 rw
            broken
            1 2 3 / / rw - ext4
            """
        let table = MountTable(text: text)
        #expect(table.entries.count == 4)
        let entry = try #require(table.top(at: "/mnt/x\ty"))
        #expect(entry.root == "/a b" && entry.peerGroup == 7)
        #expect(entry.device == DeviceNumber(major: 8, minor: 1))
        #expect(entry.superOptions.contains("prjquota"))
        #expect(table.isSelfBind(table.entries[2]))
        #expect(!table.isSelfBind(table.entries[3]))
        #expect(table.containing("/mnt/x\ty/sub/file")?.id == 32)
        #expect(table.containing("/mnt/x\tyz") == nil)
        #expect(table.below("/mnt/x\ty").map(\.id) == [32, 31])
    }
}
