import Containers
import Foundation
import Glibc
import Linux
import Testing

@Suite(.enabled(if: RuncBench.isAvailable, "no runc containers here"), .timeLimit(.minutes(3)))
struct RuncVolumeTests {
    @Test func volumesAppearNestedAndReadOnlyAsAsked() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let (outer, inner, fixed) = try (
            bench.volume("outer"), bench.volume("inner"), bench.volume("fixed")
        )
        try "kept".write(toFile: "\(fixed)/f", atomically: false, encoding: .utf8)
        let script = """
            echo o > db/data/o; echo i > db/data/wal/i
            cat fixed/f /tmp/at/f /opt/f; echo x 2>/dev/null > fixed/f || echo refused
            """
        let spec = try bench.spec(
            "volumes", script,
            volumes: [
                .init(hostPath: inner, containerPath: "db/data/wal", isReadOnly: false),
                .init(hostPath: outer, containerPath: "db/data", isReadOnly: false),
                .init(hostPath: fixed, containerPath: "fixed", isReadOnly: true),
                .init(hostPath: fixed, containerPath: "/tmp/at", isReadOnly: false),
                .init(hostPath: fixed, containerPath: "/opt", isReadOnly: true),
            ])
        #expect(try await bench.output(spec, launcher) == "keptkeptkeptrefused\n")
        #expect(bench.text("volumes", "stderr") == "")
        #expect(try Files.list(outer) == ["o", "wal"])
        #expect(try Files.list(inner) == ["i"])
        #expect(!FileManager.default.fileExists(atPath: "/opt/f"))
    }

    @Test(arguments: [
        "/no/such/directory", "/", "/proc/x", "/dev/shm", "../up", "a/../../b", "", ".",
    ])
    func aContainerPathWithoutAPlaceIsRefused(_ path: String) throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let spec = try bench.spec(
            "refused", "true",
            volumes: [
                .init(hostPath: try bench.volume("v"), containerPath: path, isReadOnly: false)
            ])
        #expect(throws: ContainerError.self) { try launcher.launch(spec) }
        #expect(try launcher.recover().isEmpty)
        #expect(!FileManager.default.fileExists(atPath: "/no"))
    }

    /// A mount of another task's volume, from before the container's start, is nowhere in it.
    @Test func anotherTasksVolumeCanBeUnmountedWhileAContainerRuns() async throws {
        let bench = try RuncBench()
        let place = try bench.volume("mounted")
        let image = "\(bench.root)/image"
        let text =
            "truncate -s 8M \(image) && mkfs.ext4 -q \(image) && mount -o loop \(image) \(place)"
        let made = try Command("/bin/sh", ["-c", text]).run()
        try #require(made.isSuccess)
        let launcher = try bench.launcher()
        let device = try #require(try MountTable.current().top(at: place))
        try launcher.launch(bench.spec("other", "echo up; exec sleep 1000"))
        bench.awaitOutput("other")
        let pid = try #require(launcher.pid("other"))
        let seen = try MountTable.of(process: pid).entries + MountTable.current().below(bench.root)
        #expect(seen.filter { $0.device == device.device } == [device])
        try Mount.detach(place, isLazy: false)
        let number = device.device.minor
        // Set to clear itself by mount: gone with its last user.
        #expect(!FileManager.default.fileExists(atPath: "/sys/block/loop\(number)/loop"))
        launcher.kill("other")
        _ = await launcher.end("other")
    }

    @Test func theHostsRootIsMadeOnceAndGoesWithRelease() async throws {
        let bench = try RuncBench()
        func tree() throws -> [Int] {
            try MountTable.current().entries
                .filter { MountTable.isBelowOrSame($0.mountPoint, "\(bench.root)/run/root") }
                .map(\.id)
        }
        let first = try bench.launcher()
        let made = try tree()
        #expect(!made.isEmpty)
        try first.launch(bench.spec("runs", "echo up; exec sleep 1000"))
        bench.awaitOutput("runs")
        let second = try bench.launcher()
        #expect(try tree() == made)
        try Mount.detach("\(bench.root)/run/root", isLazy: true)
        let third = try bench.launcher()
        #expect(try tree().count == made.count)
        #expect(second.pid("runs") != nil)
        third.kill("runs")
        #expect(await third.end("runs").waitStatus == SIGKILL)
        third.remove("runs")
        try third.release()
        #expect(try tree().isEmpty)
    }
}
