import Glibc
import Linux
import Testing

@testable import Volumes

@Suite struct LinuxTests {
    @Test func aCommandsEndAndOutputAreCaught() throws {
        let good = try Command("sh", ["-c", "echo out; echo err >&2"]).run()
        #expect(good.isSuccess && good.output == "out\n" && good.errors == "err\n")
        let bad = try Command("sh", ["-c", "exit 7"]).run()
        #expect(bad.ending == .exited(7))
        let killed = try Command("sh", ["-c", "kill -9 $$"]).run()
        #expect(killed.ending == .killed(signal: SIGKILL))
        let loud = try Command("sh", ["-c", "head -c 1000000 /dev/zero"]).run()
        #expect(loud.isSuccess && loud.output.utf8.count == Command.outputLimit)
        #expect(throws: SystemError("posix_spawn", "no-such-program", errno: ENOENT)) {
            try Command("no-such-program", []).run()
        }
    }

    @Test func aCommandThatHangsIsKilledWithItsChildren() throws {
        let disk = try TestDisk(.directory)
        let path = "\(disk.root)/child"
        let script = "sleep 600 & echo $! > \(path); wait"
        let outcome = try Command("sh", ["-c", script], timeoutMilliseconds: 1500).run()
        #expect(outcome.ending == .timedOut)
        let child = try #require(try readText(path).flatMap { Int32($0.dropLast()) })
        // Killed at least; init may be slow to take its remains away.
        var isDead = false
        for _ in 0..<100_000 where !isDead {
            let state = KernelText.line("/proc/\(child)/stat") ?? ""
            isDead = state.isEmpty || state.contains(" Z ") || state.contains(" X ")
            sched_yield()
        }
        #expect(isDead)
    }

    @Test func aDaemonThatKeepsTheOutputOpenDoesNotHoldUpItsStarter() throws {
        let disk = try TestDisk(.directory)
        let path = "\(disk.root)/child"
        let script = "setsid sleep 600 & echo $! > \(path)"
        let outcome = try Command("sh", ["-c", script], timeoutMilliseconds: 60_000).run()
        #expect(outcome.isSuccess)
        if let child = try readText(path).flatMap({ Int32($0.dropLast()) }) { kill(child, SIGKILL) }
    }

    @Test func aTreeOfAnyDepthIsCountedAndRemoved() throws {
        let disk = try TestDisk(.directory)
        let top = "\(disk.root)/deep"
        try Files.makeDirectory(top)
        var here = open(top, O_RDONLY | O_DIRECTORY)
        for _ in 0..<3000 {
            guard mkdirat(here, "a-directory-with-a-long-name", 0o755) == 0 else { break }
            let next = openat(here, "a-directory-with-a-long-name", O_RDONLY | O_DIRECTORY)
            close(here)
            here = next
        }
        close(openat(here, "file", O_CREAT | O_WRONLY, 0o600))
        close(here)
        let usage = try UsageWalk.measure(top)
        #expect(usage.inodes == 3002 && usage.isComplete)
        var steps = 1
        while try !DirectoryRemoval.advance(top, entries: 500) { steps += 1 }
        #expect(steps > 3)
        #expect(try FileStatus.ifPresent(top) == nil)
    }

    @Test func countingKnowsLinksAndDoesNotFollowThem() throws {
        let disk = try TestDisk(.directory)
        let top = "\(disk.root)/tree"
        try Files.makeDirectory(top)
        // A volume of a few bytes can be shrunk while nothing is stored in it.
        #expect(try UsageWalk.measure(top).bytes == 0)
        #expect(try fill("\(top)/file", limit: 1 << 20).error == nil)
        let alone = try UsageWalk.measure(top)
        #expect(alone.bytes >= 1 << 20 && alone.inodes == 2)
        #expect(link("\(top)/file", "\(top)/second") == 0)
        #expect(try UsageWalk.measure(top) == alone)
        #expect(symlink("/usr", "\(top)/usr") == 0)
        #expect(try UsageWalk.measure(top).inodes == 3)
        while try !DirectoryRemoval.advance(top, entries: 10) {}
        #expect(try FileStatus.ifPresent("/usr/bin/env") != nil)
    }

    @Test(.enabled(if: Privilege.isRoot, "immutable files need root"))
    func immutableAndOddlyNamedFilesAreRemovedAndMountsAreNotEntered() throws {
        let disk = try TestDisk(.directory)
        let top = "\(disk.root)/tree"
        try Files.makeDirectories("\(top)/inner")
        try writeText("x", to: "\(top)/inner/fixed")
        for path in ["\(top)/inner/fixed", "\(top)/inner"] {
            #expect(try Command("chattr", ["+i", path]).run().isSuccess)
        }
        close(open("\(top)/\u{7F}\n", O_CREAT | O_WRONLY, 0o600))
        let invalid: [CChar] = Array(top.utf8CString.dropLast()) + [0x2F, -1, -2, 0]
        close(open(invalid, O_CREAT | O_WRONLY, 0o600))
        try Files.makeDirectory("\(top)/mounted")
        try Mount.bind("/dev/shm", at: "\(top)/mounted")
        try writeText("outside", to: "\(top)/mounted/holdfast-kept-\(getpid())")
        #expect(throws: SystemError.self) {
            while try !DirectoryRemoval.advance(top, entries: 10) {}
        }
        #expect(try readText("/dev/shm/holdfast-kept-\(getpid())") == "outside")
        try Files.remove("/dev/shm/holdfast-kept-\(getpid())")
        try Mount.detach("\(top)/mounted", isLazy: false)
        while try !DirectoryRemoval.advance(top, entries: 10) {}
        #expect(try FileStatus.ifPresent(top) == nil)
    }

    @Test func aDurableFileIsTheOldOneAfterAFailedWrite() throws {
        let disk = try TestDisk(.directory)
        let path = "\(disk.root)/file"
        try writeText("old", to: path)
        // The name aside is taken by a directory: the write fails in its first step.
        try Files.makeDirectory("\(path).new")
        #expect(throws: SystemError.self) { try writeText("new", to: path) }
        #expect(try readText(path) == "old")
        try Files.removeDirectory("\(path).new")
        try writeText("new", to: path)
        #expect(try readText(path) == "new")
        #expect(throws: SystemError("read", path, errno: EFBIG)) {
            try DurableFile.read(path, limit: 2)
        }
        #expect(try DurableFile.read("\(path)-absent") == nil)
    }

    @Test func systemErrorsSayWhatFailedOnWhat() {
        let error = SystemError("mount", "/data", errno: EBUSY)
        #expect("\(error)" == "mount /data: Device or resource busy")
        #expect(error.isBusy && !error.isNoSpace)
        #expect(SystemError("pwrite", "f", errno: EDQUOT).isNoSpace)
    }

    @Test func diskSpaceIsThatOfTheFileSystem() throws {
        let space = try DiskSpace.of("/tmp")
        #expect(space.totalBytes > 0 && space.availableBytes <= space.totalBytes)
        #expect(space.usedBytes + space.availableBytes <= space.totalBytes)
        #expect(throws: SystemError("statfs", "/no/such/place", errno: ENOENT)) {
            try DiskSpace.of("/no/such/place")
        }
    }
}
