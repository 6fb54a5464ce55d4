import Containers
import Foundation
import Glibc
import Linux
import Testing

/// What a running container is given, and what is taken from it again.
@Suite(.enabled(if: RuncBench.isAvailable, "no runc containers here"), .timeLimit(.minutes(3)))
struct RuncUpdateTests {
    let limits = ContainerSpec.Limits(cpus: 0.25, memoryBytes: 64 << 20)

    func volume(
        _ path: String, at place: String, isReadOnly: Bool = false
    ) -> ContainerSpec.Volume {
        .init(hostPath: path, containerPath: place, isReadOnly: isReadOnly)
    }

    /// A container that does nothing but be there.
    func start(
        _ id: String, _ bench: RuncBench, _ launcher: RuncLauncher,
        volumes: [ContainerSpec.Volume] = []
    ) throws {
        try launcher.launch(
            bench.spec(id, "echo up; exec sleep 1000", volumes: volumes, limits: limits))
        bench.awaitOutput(id)
    }

    /// Whether a command succeeds inside, in the sandbox.
    func check(
        _ text: String, in id: String, _ bench: RuncBench, _ launcher: RuncLauncher
    ) throws -> Bool {
        try launcher.execute(
            id, .shell("cd \(bench.sandbox(id)) && { \(text); }"), environment: [],
            timeoutMilliseconds: 60_000) == 0
    }

    @Test func volumesComeAndGoInARunningContainer() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let (first, second) = try (bench.volume("first"), bench.volume("second"))
        try start("task", bench, launcher)
        let one = volume(first, at: "a/data")
        try launcher.update("task", limits: limits, volumes: [one])
        #expect(try check("echo 1 > a/data/x", in: "task", bench, launcher))
        #expect(try Files.list(first) == ["x"])
        // The second one comes without a moment in which the first is gone.
        let before = try mounts(bench, "task")
        try launcher.update(
            "task", limits: limits, volumes: [volume(second, at: "b", isReadOnly: true), one])
        let both = try mounts(bench, "task")
        #expect(both.count == 2)
        #expect(before.allSatisfy(both.contains))
        #expect(try check("! echo 2 > b/x", in: "task", bench, launcher))
        // Asked again, also by an agent that has been started again: nothing changes.
        let later = try bench.launcher()
        try later.update(
            "task", limits: limits, volumes: [one, volume(second, at: "./b/", isReadOnly: true)])
        #expect(try mounts(bench, "task") == both)
        try later.update("task", limits: limits, volumes: [volume(second, at: "b")])
        #expect(try check("! test -e a/data/x && echo 3 > b/y", in: "task", bench, later))
        #expect(try Files.list(first) == ["x"])
        later.kill("task")
        _ = await later.end("task")
        later.remove("task")
        #expect(try mounts(bench, "task").isEmpty)
        #expect(try Files.list("\(bench.sandbox("task"))/b").isEmpty)
        #expect(try Files.list(second) == ["y"])
        #expect(throws: ContainerError.self) {
            try later.update("task", limits: limits, volumes: [one])
        }
    }

    private func mounts(_ bench: RuncBench, _ id: String) throws -> [MountEntry] {
        try MountTable.current().below(bench.sandbox(id))
    }

    /// Its file system can be unmounted on the host while the container runs.
    @Test func aVolumeThatIsTakenAwayIsFree() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let place = try bench.volume("image-volume")
        let image = "\(bench.root)/image"
        let text =
            "truncate -s 8M \(image) && mkfs.ext4 -q \(image) && mount -o loop \(image) \(place)"
        try #require(try Command("/bin/sh", ["-c", text]).run().isSuccess)
        let device = try #require(try MountTable.current().top(at: place)).device
        try start("task", bench, launcher)
        try launcher.update("task", limits: limits, volumes: [volume(place, at: "data")])
        #expect(try check("echo 1 > data/x", in: "task", bench, launcher))
        try launcher.update("task", limits: limits, volumes: [])
        let pid = try #require(launcher.pid("task"))
        #expect(try MountTable.of(process: pid).entries.allSatisfy { $0.device != device })
        try Mount.detach(place, isLazy: false)
        #expect(!FileManager.default.fileExists(atPath: "/sys/block/loop\(device.minor)/loop"))
        launcher.kill("task")
        _ = await launcher.end("task")
    }

    @Test func whatCannotBeIsRefusedAndHarmsNothing() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let (own, data) = try (bench.volume("own"), bench.volume("data"))
        try start("task", bench, launcher, volumes: [volume(own, at: "own")])
        func refusal(_ volumes: [ContainerSpec.Volume]) -> String {
            do {
                try launcher.update("task", limits: limits, volumes: volumes)
                return "accepted"
            } catch { return "\(error)" }
        }
        #expect(refusal([volume(data, at: "/data")]).contains("use a relative path"))
        #expect(refusal([volume(data, at: "../data")]).contains("'..'"))
        for place in ["own", "own/below"] {
            #expect(refusal([volume(data, at: place)]).contains("another one of this executor"))
        }
        #expect(refusal([volume(data, at: "x"), volume(own, at: "x")]).contains("is at x"))
        #expect(refusal([volume("\(bench.root)/gone", at: "x")]).contains("open_tree"))
        // A link of the task's does not lead the mount out of its sandbox.
        #expect(try check("ln -s /tmp out; rmdir x", in: "task", bench, launcher))
        #expect(refusal([volume(data, at: "out/x")]).contains("out"))
        #expect(try mounts(bench, "task").isEmpty)
        // The same place of the sandbox, as a path that begins with it, and shared by two tasks.
        let inside = volume(data, at: "\(bench.sandbox("task"))/x")
        #expect(refusal([inside, volume(data, at: "x", isReadOnly: true)]) == "accepted")
        #expect(try check("echo 1 > x/1 && echo 1 > own/1", in: "task", bench, launcher))
        launcher.kill("task")
        _ = await launcher.end("task")
        launcher.remove("task")
    }

    @Test func limitsFollow() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        try start("task", bench, launcher)
        let layout = try #require(try CgroupLayout.current())
        let group = Cgroup(layout, "\(launcher.cgroupParent)/task")
        #expect(group.memoryLimitBytes() == 64 << 20)
        let more = ContainerSpec.Limits(cpus: 2, memoryBytes: 256 << 20, processes: 100)
        try launcher.update("task", limits: more, volumes: [])
        #expect(group.memoryLimitBytes() == 256 << 20)
        // Less again, but never less than it uses.
        try launcher.update("task", limits: limits, volumes: [])
        #expect(group.memoryLimitBytes() == 64 << 20)
        let script = "head -c 50m /dev/zero > /dev/shm/x && head -c 50m /dev/zero > /tmp/x"
        try launcher.update("task", limits: more, volumes: [])
        #expect(try check(script, in: "task", bench, launcher))
        try launcher.update("task", limits: limits, volumes: [])
        #expect(group.memoryLimitBytes() == 256 << 20)
        #expect(launcher.pid("task") != nil)
        launcher.kill("task")
        _ = await launcher.end("task")
    }
}
