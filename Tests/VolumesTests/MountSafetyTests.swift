import Linux
import Testing

@testable import Volumes

/// What is mounted below a directory is not the directory's, whoever removes it.
@Suite(.enabled(if: Privilege.isRoot, "mounting needs root"))
struct MountSafetyTests {
    @Test("MESOS-7366: a sandbox is not removed through a mount, and a volume's data stays")
    func removalStopsAtMounts() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let volume = try disk.ready(store, disk.spec())
        try Files.makeDirectories("\(volume)/deep/er")
        try writeText("precious", to: "\(volume)/deep/er/row")
        let sandbox = "\(disk.root)/sandboxes/task"
        let places = ["\(sandbox)/data", "\(sandbox)/nested/data/wal"]
        for place in places {
            try Files.makeDirectories(place)
            try Mount.bind(volume, at: place)
        }
        try writeText("log", to: "\(sandbox)/stdout")
        #expect(throws: SystemError.self) {
            while try !DirectoryRemoval.advance(sandbox, entries: 10) {}
        }
        #expect(try readText("\(volume)/deep/er/row") == "precious")
        for place in places {
            #expect(try readText("\(place)/deep/er/row") == "precious")
            #expect(try Mount.detach(place, isLazy: false))
        }
        while try !DirectoryRemoval.advance(sandbox, entries: 10) {}
        #expect(try FileStatus.ifPresent(sandbox) == nil)
        #expect(try readText("\(volume)/deep/er/row") == "precious")
    }

    @Test("A failing DESTROY stops nothing: it ends when what held it up is gone")
    func failingErasure() throws {
        let disk = try TestDisk(.directory)
        let store = try disk.store()
        let volume = try disk.ready(store, disk.spec(1))
        try writeText("own", to: "\(volume)/own")
        let outside = "\(disk.root)/outside"
        for path in [outside, "\(volume)/inner"] { try Files.makeDirectories(path) }
        try writeText("theirs", to: "\(outside)/row")
        try Mount.bind(outside, at: "\(volume)/inner")
        try store.retire(disk.spec(1).uuid)
        for _ in 0..<2 {
            #expect(throws: VolumeError.self) { try disk.erase(store, disk.spec(1).uuid) }
        }
        #expect(try readText("\(outside)/row") == "theirs")
        // Its name is free, and other volumes come and go, also in a process that comes after.
        let next = try disk.ready(try disk.store(), disk.spec(2))
        #expect(try Files.list(next).isEmpty)
        for mount in try MountTable.current().below(disk.root) {
            try Mount.detach(mount.mountPoint, isLazy: false)
        }
        #expect(try disk.erase(store, disk.spec(1).uuid) == .done)
        #expect(try readText("\(outside)/row") == "theirs")
        #expect(try Files.list(next).isEmpty)
    }
}
