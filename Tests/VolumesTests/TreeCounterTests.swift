import Glibc
import Linux
import Testing

@testable import Volumes

/// A counter that remembers must say what a walk of the whole tree says.
@Suite struct TreeCounterTests {
    private let disk: TestDisk
    private let root: String
    private let watch = DirectoryWatch()

    init() throws {
        disk = try TestDisk(.directory)
        root = disk.root + "/tree"
        for name in ["", "/a", "/a/b", "/a/b/c", "/d"] { try Files.makeDirectory(root + name) }
        for name in ["/1", "/a/2", "/a/b/3", "/a/b/c/4", "/d/5"] { try write(name, 10_000) }
    }

    private func write(_ name: String, _ bytes: Int) throws {
        let file = try Descriptor.open(root + name, .create)
        try [UInt8](repeating: 7, count: bytes).withUnsafeBytes {
            try file.write($0, at: 0, root + name)
        }
    }

    /// A directory that was met under its old name is looked at again in the next round.
    private func count(_ counter: TreeCounter) throws -> UsageWalk.Usage {
        var usage: UsageWalk.Usage?
        for _ in 0..<3 where usage?.isComplete != true {
            watch.deliver()
            while true {
                if let found = try counter.advance(entries: 100) {
                    usage = found
                    break
                }
            }
        }
        return try #require(usage)
    }

    /// How many names a round looks at in all.
    private func effort(_ counter: TreeCounter) throws -> Int {
        watch.deliver()
        for steps in 1... where try counter.advance(entries: 1) != nil { return steps }
        return 0
    }

    @Test func saysWhatAWalkSays() throws {
        let counter = TreeCounter(root, watch: watch)
        #expect(try count(counter) == UsageWalk.measure(root))
        #expect(!counter.hasWork)
        #expect(try effort(counter) == 1)
    }

    @Test func noticesEachKindOfChange() throws {
        let counter = TreeCounter(root, watch: watch)
        _ = try count(counter)
        let changes: [(String, () throws -> Void)] = [
            ("a file grows in place", { try write("/a/b/c/4", 3_000_000) }),
            ("it is cut short", { truncate(root + "/a/b/c/4", 5) }),
            ("a new file", { try write("/a/new", 100_000) }),
            ("a removed one", { try Files.remove(root + "/d/5") }),
            ("a new directory", { try Files.makeDirectory(root + "/a/e") }),
            ("a file in it", { try write("/a/e/6", 50_000) }),
            ("a moved tree", { try Files.rename(root + "/a/b", to: root + "/d/b") }),
            ("a file in the moved tree", { try write("/d/b/c/7", 70_000) }),
            ("a renamed directory", { try Files.rename(root + "/d/b", to: root + "/d/x") }),
            ("a file below it", { try write("/d/x/c/8", 80_000) }),
            ("a second name elsewhere", { link(root + "/1", root + "/a/e/one") }),
            ("growth by that name", { try write("/a/e/one", 900_000) }),
            ("the first name goes", { try Files.remove(root + "/1") }),
            ("a symbolic link", { symlink("/", root + "/a/root") }),
            ("a removed tree", { _ = try DirectoryRemoval.advance(root + "/d/x", entries: 99) }),
        ]
        for (what, change) in changes {
            try change()
            #expect(try count(counter) == UsageWalk.measure(root), "\(what)")
        }
    }

    @Test func looksAtFilesWithHolesEachTime() throws {
        let counter = TreeCounter(root, watch: watch)
        try write("/d/holes", 1)
        truncate(root + "/d/holes", 1 << 20)
        _ = try count(counter)
        // A mapping writes without a call that could be noticed.
        let file = try OpenFile(path: root + "/d/holes", flags: O_RDWR)
        let memory = try #require(
            mmap(nil, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0))
        memset(memory, 7, 1 << 20)
        msync(memory, 1 << 20, Int32(MS_SYNC))
        munmap(memory, 1 << 20)
        let usage = try count(counter)
        #expect(usage == (try UsageWalk.measure(root)))
        #expect(usage.bytes > 1 << 20)
    }

    @Test func countsWithoutMarks() throws {
        let few = DirectoryWatch(limit: 2)
        let counter = TreeCounter(root, watch: few)
        _ = try counter.advance(entries: 1000)
        #expect(few.count == 2)
        try write("/a/b/c/9", 200_000)
        #expect(try counter.advance(entries: 1000) == UsageWalk.measure(root))
    }

    @Test func findsItsWayAfterLostNotices() throws {
        let most = KernelText.line("/proc/sys/fs/inotify/max_queued_events").flatMap { Int($0) }
        try #require((most ?? .max) <= 20_000, "this machine's queue of notices is too long")
        let counter = TreeCounter(root, watch: watch)
        for number in 0..<100 { try Files.makeDirectory("\(root)/a/q\(number)") }
        _ = try count(counter)
        // Each round of changes uses the marks up; the next count makes them anew, unread.
        for _ in 0..<120 {
            for number in 0..<100 { try write("/a/q\(number)/file", 10) }
            while try counter.advance(entries: 10_000) == nil {}
            counter.noteAnything()
        }
        try write("/d/last", 400_000)
        #expect(try count(counter) == UsageWalk.measure(root))
    }

    @Test func aRootThatIsGoneIsAnError() throws {
        let counter = TreeCounter(root, watch: watch)
        _ = try count(counter)
        try Files.rename(root, to: root + "-away")
        #expect(throws: SystemError.self) { try count(counter) }
        try Files.makeDirectory(root)
        #expect(try count(counter).inodes == 1)
        counter.noteChange(of: 12_345)
        #expect(watch.count == 1)
    }
}
