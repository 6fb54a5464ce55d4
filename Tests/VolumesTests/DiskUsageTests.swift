import Glibc
import Linux
import Testing

@testable import Volumes

/// What counts as use of a sandbox or a volume that nothing but a count limits.
@Suite struct DiskUsageTests {
    private let disk: TestDisk
    private let root: String

    init() throws {
        disk = try TestDisk(.directory)
        root = disk.root + "/tree"
        try Files.makeDirectory(root)
    }

    private func write(_ name: String, _ bytes: Int) throws {
        let file = try Descriptor.open(root + name, .create)
        try [UInt8](repeating: 7, count: bytes).withUnsafeBytes {
            try file.write($0, at: 0, root + name)
        }
    }

    private func counted() throws -> Int64 {
        let counter = TreeCounter(root, watch: DirectoryWatch())
        while true {
            if let found = try counter.advance(entries: 100) { return found.bytes }
        }
    }

    /// Scenario: disk_quota DiskUsageCollectorTest.File
    @Test func aFileCountsWhatItTakesOfTheDisk() throws {
        let empty = try counted()
        try write("/file", 8192)
        #expect(try counted() - empty == 8192)
        // A hole takes nothing.
        truncate(root + "/file", 1 << 30)
        #expect(try counted() - empty == 8192)
    }

    /// Scenario: disk_quota DiskUsageCollectorTest.Directory
    @Test func aDirectoryCountsAllThatIsBelowIt() throws {
        let empty = try counted()
        try Files.makeDirectory(root + "/a")
        try Files.makeDirectory(root + "/a/b")
        try write("/1", 8192)
        try write("/a/2", 8192)
        try write("/a/b/3", 8192)
        // Each directory takes a block of its own.
        #expect(try counted() - empty == 3 * 8192 + 2 * 4096)
    }

    /// Scenario: disk_quota DiskUsageCollectorTest.SymbolicLink
    @Test func aLinkIsNotFollowed() throws {
        let empty = try counted()
        try write("/file", 65536)
        symlink(root + "/file", root + "/link")
        symlink("/usr", root + "/elsewhere")
        #expect(try counted() - empty == 65536)
    }
}
