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
}
