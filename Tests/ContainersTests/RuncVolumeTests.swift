import Containers
import Foundation
import Glibc
import Linux
import Testing

@Suite(.enabled(if: RuncBench.isAvailable, "no runc containers here"), .timeLimit(.minutes(3)))
struct RuncVolumeTests {
    @Test("A nested container_path works; read-only is read-only")
    func volumesAppearNestedAndReadOnlyAsAsked() async throws {
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

    @Test(
        "A container_path that climbs out or has no place is refused, not skipped",
        arguments: [
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
        let launcher = try bench.launcher()
        let place = try bench.volume("mounted")
        let image = "\(bench.root)/image"
        let text =
            "truncate -s 8M \(image) && mkfs.ext4 -q \(image) && mount -o loop \(image) \(place)"
        let made = try Command("/bin/sh", ["-c", text]).run()
        try #require(made.isSuccess)
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
        let launcher = try bench.launcher()
        #expect(try tree().isEmpty)
        try launcher.launch(bench.spec("runs", "echo up; exec sleep 1000"))
        // Other tests mount and unmount meanwhile; only what concerns the tree changes it.
        func plan() throws -> HostRootPlan {
            HostRootPlan(
                table: try MountTable.current(),
                hidden: ["\(bench.root)/work", "\(bench.root)/run"])
        }
        let made = try tree()
        let planned = try plan()
        #expect(!made.isEmpty)
        bench.awaitOutput("runs")
        #expect(try await bench.output(bench.spec("next", "echo x"), launcher) == "x\n")
        if try plan() == planned { #expect(try tree() == made) }
        // A later life of the agent makes its own, and the container keeps what it has.
        let later = try bench.launcher()
        #expect(try await bench.output(bench.spec("later", "echo y"), later) == "y\n")
        #expect(try !tree().isEmpty)
        let status = try later.execute(
            "runs", .shell("test -e /etc/passwd"), environment: [], timeoutMilliseconds: 60_000)
        #expect(status == 0)
        later.kill("runs")
        #expect(await later.end("runs").waitStatus == SIGKILL)
        for id in ["runs", "next", "later"] { later.remove(id) }
        try later.release()
        #expect(try tree().isEmpty)
    }

    /// What is mounted below the work directory later reaches the sandbox's copy of it.
    @Test func laterMountsBelowTheSandboxAppear() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let script = "mkdir m; echo up; until [ -e m/go ]; do sleep 0.1; done; exit 6"
        try launcher.launch(bench.spec("later", script))
        bench.awaitOutput("later")
        let place = "\(bench.sandbox("later"))/m"
        try Mount.attach("tmpfs", at: place, fileSystem: "tmpfs", flags: 0, options: "size=1m")
        _ = FileManager.default.createFile(atPath: "\(place)/go", contents: nil)
        #expect(await launcher.end("later").waitStatus == 6 << 8)
        #expect(try Mount.detach(place, isLazy: false))
    }
}
