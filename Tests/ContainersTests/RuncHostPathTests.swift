import Containers
import Foundation
import Glibc
import Linux
import Testing

/// Volumes of type HOST_PATH in real containers.
@Suite(.enabled(if: RuncBench.isAvailable, "no runc containers here"), .timeLimit(.minutes(3)))
struct RuncHostPathTests {
    private let bench: RuncBench
    /// A directory of the host that tasks may write.
    private var place: String { "\(bench.root)/host" }

    init() throws {
        bench = try RuncBench()
        try Files.makeDirectory(place, mode: 0o777)
    }

    private func launcher(creatable: [String] = []) throws -> RuncLauncher {
        let rules = HostPathRules(writable: [place], creatable: creatable)
        let made = try Launchers.make(
            kind: .runc, runtimeDirectory: "\(bench.root)/run",
            workDirectory: "\(bench.root)/work", hostPaths: rules)
        return try #require(made as? RuncLauncher)
    }

    private func volume(
        _ path: String, at containerPath: String, isReadOnly: Bool = false
    ) -> ContainerSpec.Volume {
        .init(hostPath: path, containerPath: containerPath, isReadOnly: isReadOnly, source: .host)
    }

    private func write(_ text: String, _ path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    /// Why a launch is refused; nothing is left of it.
    private func refusal(
        _ volume: ContainerSpec.Volume, _ launcher: RuncLauncher
    ) throws -> String {
        let spec = try bench.spec("refused", "true", volumes: [volume])
        let error = #expect(throws: ContainerError.self) { try launcher.launch(spec) }
        #expect(try !launcher.recover().map(\.id).contains("refused"))
        #expect(try pins().isEmpty)
        return error?.text ?? ""
    }

    /// What stands between the host's paths and containers; only while one starts.
    private func pins() throws -> [String] {
        try MountTable.current().below("\(bench.root)/run/root").map(\.mountPoint)
            .filter { $0.hasSuffix(".0") }
    }

    /// Scenario: volume_host_path_isolator VolumeHostPathIsolatorTest.ROOT_VolumeFromHost
    /// Scenario: volume_host_path_isolator VolumeHostPathIsolatorTest.ROOT_ReadOnlyVolumeFromHost
    /// Scenario: volume_host_path_isolator VolumeHostPathIsolatorTest.ROOT_VolumeFromHostSandboxMountPoint
    @Test func aDirectoryOfTheHostIsReadAndWrittenAsItsModeSays() async throws {
        let launcher = try launcher()
        try write("host", "\(place)/f")
        let script = """
            cat /opt/f in/side/f; echo task > in/side/g
            echo x 2>/dev/null > /opt/f || echo refused; echo x 2>/dev/null > ro/f || echo again
            """
        let spec = try bench.spec(
            "host", script,
            volumes: [
                volume(place, at: "/opt", isReadOnly: true), volume(place, at: "in/side"),
                volume("\(bench.root)/host", at: "ro", isReadOnly: true),
            ])
        #expect(try await bench.output(spec, launcher) == "hosthostrefused\nagain\n")
        #expect(bench.text("host", "stderr") == "")
        #expect(try String(contentsOfFile: "\(place)/g", encoding: .utf8) == "task\n")
        #expect(try pins().isEmpty)
        #expect(try Files.list("\(bench.sandbox("host"))/in/side").isEmpty, "mounted inside only")
    }

    /// Scenario: volume_host_path_isolator VolumeHostPathIsolatorTest.ROOT_FileVolumeFromHost
    /// Scenario: volume_host_path_isolator VolumeHostPathIsolatorTest.ROOT_FileVolumeFromHostSandboxMountPoint
    @Test func aFileOfTheHostIsAVolumeToo() async throws {
        let launcher = try launcher()
        try write("one\n", "\(place)/f")
        let spec = try bench.spec(
            "file", "cat deep/f /etc/hostname; echo two >> deep/f",
            volumes: [
                volume("\(place)/f", at: "deep/f"),
                volume("\(place)/f", at: "/etc/hostname", isReadOnly: true),
            ])
        #expect(try await bench.output(spec, launcher) == "one\none\n")
        #expect(bench.text("file", "stderr") == "")
        #expect(try String(contentsOfFile: "\(place)/f", encoding: .utf8) == "one\ntwo\n")
        // A file has no place where a directory is, nor the other way round.
        #expect(try refusal(volume("\(place)/f", at: "/opt"), launcher).contains("no file /opt"))
        #expect(
            try refusal(volume(place, at: "/etc/hostname"), launcher)
                .contains("no directory /etc/hostname"))
    }

    /// Scenario: volume_host_path_isolator VolumeHostPathIsolatorTest.ROOT_VolumeFromHostForceCreation
    @Test func aMissingDirectoryIsMadeWhereThatIsAllowed() async throws {
        let user = try UserIdentity.lookup("nobody")
        let launcher = try launcher(creatable: ["\(place)/made"])
        let spec = try bench.spec(
            "made", "echo x > at/f", user: user, volumes: [volume("\(place)/made/a/b", at: "at")])
        #expect(try await bench.output(spec, launcher) == "")
        #expect(bench.text("made", "stderr") == "")
        #expect(try FileStatus.of("\(place)/made/a/b/f").uid == user.uid)
        for path in ["\(place)/other", "\(place)/madeup", "\(place)/made"] {
            _ = try? FileManager.default.removeItem(atPath: "\(place)/made")
            let text = try refusal(volume(path, at: "at"), launcher)
            #expect(text.contains("does not exist"), "\(text)")
            #expect(!FileStatus.exists(path))
        }
        // Nothing is made where a link leads.
        try Files.makeDirectory("\(place)/made", mode: 0o755)
        #expect(symlink("/tmp", "\(place)/made/link") == 0)
        let name = "holdfast-\(UUID().uuidString)"
        let text = try refusal(volume("\(place)/made/link/\(name)", at: "at"), launcher)
        #expect(text.contains("can't be made"), "\(text)")
        #expect(!FileStatus.exists("/tmp/\(name)"))
    }

    /// What is mounted later is seen inside; BIDIRECTIONAL is refused (VolumeWishTests).
    ///
    /// Scenario: volume_host_path_isolator VolumeHostPathIsolatorTest.ROOT_MountPropagation
    @Test func mountsOfTheHostReachTheContainer() async throws {
        let launcher = try launcher()
        try Mount.bind(place, at: place)
        try Mount.setPropagation(.shared, of: place)
        try Files.makeDirectory("\(place)/m", mode: 0o755)
        let script = "echo up; until [ -e at/m/go ]; do sleep 0.1; done; exit 6"
        try launcher.launch(bench.spec("later", script, volumes: [volume(place, at: "at")]))
        bench.awaitOutput("later")
        try Mount.attach("tmpfs", at: "\(place)/m", fileSystem: "tmpfs", flags: 0, options: "")
        try write("", "\(place)/m/go")
        #expect(await launcher.end("later").waitStatus == 6 << 8)
        // And leave it: nothing of the container holds them.
        #expect(try Mount.detach("\(place)/m", isLazy: false))
        #expect(try Mount.detach(place, isLazy: false))
    }

    @Test func whatATaskMayNotHaveIsRefusedWithTheReason() throws {
        let launcher = try launcher()
        let link = "\(place)/link"
        #expect(symlink("/etc", link) == 0)
        let table: [(String, Bool, String)] = [
            ("/etc", false, "may write below \(place) (--host-path-writable)"),
            (link, false, "which is /etc, can be mounted with mode RO only"),
            ("/proc/1", true, "the kernel's"), ("/sys", true, "the kernel's"),
            ("/dev/shm", false, "the kernel's"), ("/", true, "the agent's own files"),
            ("\(bench.root)/work", true, "the agent's own files"),
            ("\(bench.root)/work/sandboxes", true, "the agent's own files"),
            ("\(bench.root)/run", true, "the agent's own files"),
            (bench.root, true, "the agent's own files"),
            ("/no/such", true, "does not exist"),
        ]
        for (path, isReadOnly, words) in table {
            let text = try refusal(volume(path, at: "at", isReadOnly: isReadOnly), launcher)
            #expect(text.contains(words), "\(path): \(text)")
        }
        let launcherOfNothing = try bench.launcher()
        #expect(
            try refusal(volume(place, at: "at"), launcherOfNothing).contains("may write nowhere"))
    }

    /// A link in the path's place after the look would lead the runtime elsewhere.
    @Test func whatWasLookedAtIsWhatIsMounted() throws {
        try Files.makeDirectory("\(place)/d", mode: 0o755)
        try write("right", "\(place)/d/f")
        let held = try PinnedPath("\(place)/d")
        try Files.rename("\(place)/d", to: "\(place)/old")
        #expect(symlink("/etc", "\(place)/d") == 0)
        #expect(held.location == "\(place)/d")
        let target = "\(bench.root)/target"
        try Files.makeDirectory(target, mode: 0o755)
        try held.mounts(isRecursive: true).attach(at: target)
        defer { _ = try? Mount.detach(target, isLazy: true) }
        #expect(try Files.list(target) == ["f"])
    }
}
