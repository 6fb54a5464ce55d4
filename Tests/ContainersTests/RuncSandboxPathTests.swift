import Containers
import Foundation
import Glibc
import Linux
import Testing

/// Volumes of type SANDBOX_PATH in real containers.
@Suite(.enabled(if: RuncBench.isAvailable, "no runc containers here"), .timeLimit(.minutes(3)))
struct RuncSandboxPathTests {
    private func volume(
        _ path: [String], at containerPath: String, isReadOnly: Bool = false
    ) -> ContainerSpec.Volume {
        .init(
            hostPath: "/" + path.joined(separator: "/"), containerPath: containerPath,
            isReadOnly: isReadOnly, source: .sandbox(path))
    }

    /// Scenario: volume_sandbox_path_isolator VolumeSandboxPathIsolatorTest.ROOT_SelfType
    /// Scenario: volume_sandbox_path_isolator VolumeSandboxPathIsolatorTest.ROOT_SelfTypeReadOnly
    @Test func aPlaceInTheSandboxIsSeenElsewhereAsItsModeSays() async throws {
        let bench = try RuncBench()
        let script = """
            echo rows > /opt/f; cat own/data/f also/f; echo x 2>/dev/null > also/f || echo refused
            """
        let spec = try bench.spec(
            "self", script,
            volumes: [
                volume(["own", "data"], at: "/opt"),
                volume(["own", "data"], at: "also", isReadOnly: true),
            ])
        #expect(try await bench.output(spec, bench.launcher()) == "rows\nrows\nrefused\n")
        #expect(bench.text("self", "stderr") == "")
        let kept = "\(bench.sandbox("self"))/own/data/f"
        #expect(try String(contentsOfFile: kept, encoding: .utf8) == "rows\n")
    }

    /// Scenario: volume_sandbox_path_isolator VolumeSandboxPathIsolatorTest.ROOT_UNPRIVILEGED_USER_SelfTypeOwnership
    @Test func itBelongsToTheTasksUser() async throws {
        let bench = try RuncBench()
        let user = try UserIdentity.lookup("nobody")
        let spec = try bench.spec(
            "owner", "echo x > /opt/f && cat /opt/f", user: user,
            volumes: [volume(["own", "data"], at: "/opt")])
        #expect(try await bench.output(spec, bench.launcher()) == "x\n")
        for name in ["own", "own/data", "own/data/f"] {
            let status = try FileStatus.of("\(bench.sandbox("owner"))/\(name)")
            #expect(status.uid == user.uid && status.gid == user.gid, "\(name)")
        }
    }

    @Test func aFetchedFileCanBeOneAndALinkCanNot() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        var spec = try bench.spec("file", "cat conf/it", volumes: [volume(["f"], at: "conf/it")])
        try "text".write(toFile: "\(spec.sandbox)/f", atomically: false, encoding: .utf8)
        #expect(try await bench.output(spec, launcher) == "text")
        spec = try bench.spec("link", "true", volumes: [volume(["l", "x"], at: "at")])
        #expect(symlink("/etc", "\(spec.sandbox)/l") == 0)
        #expect(throws: ContainerError.self) { try launcher.launch(spec) }
        #expect(!FileStatus.exists("/etc/x"))
    }

    /// A task of a running executor gets a place of the executor's sandbox, and no link of the
    /// executor's leads it elsewhere.
    ///
    /// Scenario: volume_sandbox_path_isolator VolumeSandboxPathIsolatorTest.ROOT_UNPRIVILEGED_USER_ParentTypeOwnership
    @Test func aParentsPlaceComesWithATaskAndBelongsToTheExecutorsUser() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let user = try UserIdentity.lookup("nobody")
        let script = """
            ln -s /etc bad; echo up
            until [ -e one/go ]; do sleep 0.1; done; echo x > two/f; exec sleep 1000
            """
        try launcher.launch(bench.spec("parent", script, user: user))
        defer { launcher.kill("parent") }
        bench.awaitOutput("parent")
        let limits = ContainerSpec.Limits(cpus: 0.5)
        let given = [volume(["shared"], at: "one"), volume(["shared"], at: "two")]
        for _ in 1...2 {
            try launcher.update("parent", limits: limits, volumes: given)
            #expect(
                try MountTable.current().below(bench.sandbox("parent")).count == 2, "once each")
        }
        let shared = "\(bench.sandbox("parent"))/shared"
        #expect(try FileStatus.of(shared).uid == user.uid)
        try "".write(toFile: "\(shared)/go", atomically: false, encoding: .utf8)
        while !FileStatus.exists("\(shared)/f") { sched_yield() }
        #expect(throws: ContainerError.self) {
            try launcher.update(
                "parent", limits: limits, volumes: given + [volume(["bad", "x"], at: "three")])
        }
        #expect(!FileStatus.exists("/etc/x"))
        try launcher.update("parent", limits: limits, volumes: [])
        #expect(try MountTable.current().below(bench.sandbox("parent")).isEmpty)
        #expect(try Files.list(shared) == ["f", "go"], "what was shared stays")
    }
}
