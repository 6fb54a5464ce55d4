import Containers
import Foundation
import Linux
import Testing

@Suite(.timeLimit(.minutes(2))) struct PlainLauncherTests {
    @Test func theWaitStatusIsTheCommands() async throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        try launcher.launch(bench.spec("three", "echo $GREETING; echo bad >&2; pwd; exit 3"))
        #expect(await launcher.end("three") == ContainerExit(waitStatus: 3 << 8))
        #expect(bench.text("three") == "hello\n\(bench.sandbox("three"))\n")
        #expect(bench.text("three", "stderr") == "bad\n")
        try launcher.launch(bench.spec("nine", "kill -9 $$"))
        #expect(await launcher.end("nine") == ContainerExit(waitStatus: 9))
    }

    @Test func aProgramThatIsMissingIsAnErrorAndLeavesNothing() throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        var spec = try bench.spec("missing", "")
        spec.command = .program("/no/such/program", ["program"])
        #expect(throws: ContainerError.self) { try launcher.launch(spec) }
        #expect(try launcher.recover().isEmpty)
    }

    @Test func signalsReachTheGroupAndKillTheSession() async throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        let text = "trap 'exit 7' TERM; echo up; while :; do sleep 1000 & wait; done"
        try launcher.launch(bench.spec("term", text))
        bench.awaitOutput("term")
        launcher.signal("term", 15)
        #expect(await launcher.end("term").waitStatus == 7 << 8)

        try launcher.launch(bench.spec("kill", "sleep 1000 & echo up; wait"))
        bench.awaitOutput("kill")
        let pid = try #require(launcher.pid("kill"))
        #expect((launcher.usage("kill")?.processes ?? 0) >= 1)
        launcher.kill("kill")
        #expect(await launcher.end("kill").waitStatus == 9)
        #expect(Processes.ofSession(pid).isEmpty)
        #expect(launcher.pid("kill") == nil)
    }

    @Test func whatTheFirstProcessLeavesBehindIsKilled() async throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        try launcher.launch(bench.spec("left", "setsid sleep 1000 & echo $!"))
        #expect(await launcher.end("left").waitStatus == 0)
        let pid = try #require(Int32(bench.text("left").dropLast()))
        #expect(Processes.status(pid)?.isZombie ?? true)
    }

    @Test func logsAreRotatedBySize() async throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        var spec = try bench.spec(
            "logs", "i=0; while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); done")
        spec.logBytes = 200
        spec.logFiles = 2
        try launcher.launch(spec)
        _ = await launcher.end("logs")
        let names = try Files.list(bench.sandbox("logs"))
        #expect(names == ["stderr", "stdout", "stdout.1", "stdout.2"])
        for name in names { #expect(bench.text("logs", name).utf8.count <= 200) }
        #expect(bench.text("logs").hasSuffix("line 99\n"))
        let last = bench.text("logs", "stdout.1") + bench.text("logs")
        #expect(last.hasPrefix("line ") && last.contains("\nline 90\n"))
    }

    @Test func containersOutliveTheLauncher() async throws {
        let bench = try LauncherBench()
        do {
            let first = try bench.launcher()
            try first.launch(bench.spec("runs", "echo up; sleep 1000"))
            try first.launch(bench.spec("done", "exit 5"))
            _ = await first.end("done")
        }
        let second = try bench.launcher()
        let found = try second.recover()
        #expect(found.map(\.id) == ["done", "runs"])
        #expect(found.first?.exit == ContainerExit(waitStatus: 5 << 8))
        #expect(found.last?.exit == nil)
        #expect(await second.end("done").waitStatus == 5 << 8)
        second.kill("runs")
        _ = await second.end("runs")
        second.remove("runs")
        second.remove("done")
        #expect(try second.recover().isEmpty)
    }

    @Test func aKilledSupervisorLeavesTheStatusUnknown() async throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        try launcher.launch(bench.spec("orphan", "echo up; sleep 1000"))
        bench.awaitOutput("orphan")
        let record = try #require(
            FileManager.default.contents(atPath: "\(bench.root)/containers/orphan/supervisor"))
        let words = String(decoding: record, as: UTF8.self).split(separator: " ")
        let supervisor = try #require(words.first.flatMap { Int32($0) })
        ProcessHandle(pid: supervisor)?.send(9)
        #expect(launcher.pid("orphan") != nil)
        async let end = launcher.end("orphan")
        launcher.kill("orphan")
        #expect(await end == ContainerExit(waitStatus: nil))
    }

    @Test func aCheckRunsInTheSandboxAndEndsInTime() async throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        try launcher.launch(bench.spec("checked", "echo up; sleep 1000"))
        bench.awaitOutput("checked")
        func check(_ text: String, _ limit: Int64) throws -> Int32? {
            try launcher.execute(
                "checked", .shell(text), environment: [.init("WANT", "up")],
                timeoutMilliseconds: limit)
        }
        #expect(try check("test \"$(/bin/cat stdout)\" = $WANT", 60_000) == 0)
        #expect(try check("exit 6", 60_000) == 6 << 8)
        #expect(try check("/bin/sleep 1000 & wait", 50) == nil)
        launcher.kill("checked")
        _ = await launcher.end("checked")
        #expect(throws: ContainerError.self) { try check("true", 1) }
    }

    @Test func volumesComeAndGoAsLinks() async throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        let limits = ContainerSpec.Limits(cpus: 1)
        try launcher.launch(bench.spec("task", "echo up; sleep 1000"))
        bench.awaitOutput("task")
        let place = { (name: String) in "\(bench.sandbox("task"))/\(name)" }
        func give(_ target: String, _ path: String) throws {
            try bench.launcher().update(
                "task", limits: limits,
                volumes: [.init(hostPath: target, containerPath: path, isReadOnly: false)])
        }
        try give("/one", "a/data")
        #expect(Files.linkTarget(place("a/data")) == "/one")
        try give("/two", "a/data")
        #expect(Files.linkTarget(place("a/data")) == "/two")
        #expect(throws: ContainerError.self) { try give("/two", "/data") }
        // What is the task's own stays, also where a volume was.
        try Files.replaceLink(place("a/data"), target: "/own")
        #expect(throws: ContainerError.self) { try give("/one", "a/data") }
        #expect(Files.linkTarget(place("a/data")) == "/own")
        try give("/one", "b")
        try launcher.update("task", limits: limits, volumes: [])
        #expect(Files.linkTarget(place("b")) == nil)
        #expect(Files.linkTarget(place("a/data")) == "/own")
        launcher.kill("task")
        _ = await launcher.end("task")
        #expect(throws: ContainerError.self) { try give("/one", "b") }
        launcher.remove("task")
    }
}
