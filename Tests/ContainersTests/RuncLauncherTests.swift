import Containers
import Foundation
import Glibc
import Linux
import Testing

@Suite(.enabled(if: RuncBench.isAvailable, "no runc containers here"), .timeLimit(.minutes(3)))
struct RuncLauncherTests {
    @Test func theWaitStatusIsTheCommands() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        try launcher.launch(
            bench.spec("three", "pwd; echo bad >&2; [ $$ -gt 1 ] && echo child; exit 3"))
        #expect(await launcher.end("three") == ContainerExit(waitStatus: 3 << 8))
        #expect(bench.text("three") == "\(bench.sandbox("three"))\nchild\n")
        #expect(bench.text("three", "stderr") == "bad\n")
        #expect(launcher.shortcomings.isEmpty)
        launcher.remove("three")
        #expect(try launcher.recover().isEmpty)
        try launcher.release()
        let left = try #require(try CgroupLayout.current()).hierarchies.flatMap {
            (try? Files.list("\($0)/holdfast")) ?? []
        }
        #expect(!left.contains(Files.name(of: launcher.cgroupParent)))
    }

    @Test func aProgramThatIsMissingIsAnErrorAndLeavesNothing() throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        var spec = try bench.spec("missing", "")
        spec.command = .program("/no/such/program", ["program"])
        let error = #expect(throws: ContainerError.self) { try launcher.launch(spec) }
        #expect(error?.text.contains("/no/such/program") == true)
        #expect(try launcher.recover().isEmpty)
    }

    @Test func signalsReachTheFirstProcessHandledOrNot() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let text = "trap 'exit 7' TERM; echo up; while :; do sleep 1000 & wait; done"
        try launcher.launch(bench.spec("handles", text))
        bench.awaitOutput("handles")
        launcher.signal("handles", SIGTERM)
        #expect(await launcher.end("handles").waitStatus == 7 << 8)

        try launcher.launch(bench.spec("leaves", "echo up; exec sleep 1000"))
        bench.awaitOutput("leaves")
        launcher.signal("leaves", SIGTERM)
        #expect(await launcher.end("leaves").waitStatus == SIGTERM)

        // The shell waits for its child, and both get the signal.
        let both =
            "sh -c 'trap \"echo child; exit 0\" TERM; echo up; while :; do sleep 0.1; done'; :"
        try launcher.launch(bench.spec("group", both))
        bench.awaitOutput("group")
        launcher.signal("group", SIGTERM)
        #expect(await launcher.end("group").waitStatus == SIGTERM)
    }

    @Test func killEndsEveryProcess() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let text = "setsid sleep 1000 & sleep 1000 & echo up; wait"
        try launcher.launch(bench.spec("many", text))
        bench.awaitOutput("many")
        let pid = try #require(launcher.pid("many"))
        let inside = Processes.descendants(of: pid)
        #expect(inside.count >= 2)
        let usage = try #require(launcher.usage("many"))
        #expect(usage.processes == inside.count + 1)
        #expect(usage.memoryBytes > 0 && usage.cpuNanoseconds > 0)
        launcher.kill("many")
        #expect(await launcher.end("many").waitStatus == SIGKILL)
        for process in inside {
            let now = Processes.status(process.pid)
            #expect(now == nil || now?.isZombie == true || now?.startTime != process.startTime)
        }
        #expect(launcher.pid("many") == nil)
    }

    @Test func containersOutliveTheLauncher() async throws {
        let bench = try RuncBench()
        do {
            let first = try bench.launcher()
            try first.launch(
                bench.spec("runs", "echo up; until [ -e go ]; do sleep 0.1; done; exit 4"))
            try first.launch(bench.spec("done", "exit 5"))
            _ = await first.end("done")
            bench.awaitOutput("runs")
        }
        let second = try bench.launcher()
        #expect(
            try second.recover() == [
                FoundContainer(id: "done", exit: ContainerExit(waitStatus: 5 << 8)),
                FoundContainer(id: "runs", exit: nil),
            ])
        _ = FileManager.default.createFile(atPath: "\(bench.sandbox("runs"))/go", contents: nil)
        #expect(await second.end("runs").waitStatus == 4 << 8)
    }

    @Test func aKilledSupervisorLeavesTheStatusUnknownAndIsTidiedUp() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        try launcher.launch(bench.spec("orphan", "echo up; exec sleep 1000"))
        bench.awaitOutput("orphan")
        let state = "\(bench.root)/run/containers/orphan"
        let record = try #require(ProcessRecord(text: KernelText.read("\(state)/supervisor")))
        record.open()?.send(SIGKILL)
        #expect(launcher.pid("orphan") != nil)
        async let end = launcher.end("orphan")
        launcher.kill("orphan")
        #expect(await end == ContainerExit(waitStatus: nil))
        launcher.remove("orphan")
        #expect(!FileManager.default.fileExists(atPath: "\(bench.root)/run/runc/orphan"))
        #expect(try launcher.recover().isEmpty)
    }

    @Test func quotasCannotBeLeftByIoctl() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let script =
            "touch f; chattr +A f 2>/dev/null && echo changed; lsattr f >/dev/null && echo ok"
        #expect(try await bench.output(bench.spec("quota", script), launcher) == "ok\n")
    }

    @Test func commandsRunInsideAsTheContainersUser() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let nobody = try UserIdentity.lookup("nobody")
        try launcher.launch(bench.spec("host", "echo up; exec sleep 1000", user: nobody))
        bench.awaitOutput("host")
        let path = ContainerSpec.Variable("PATH", "/usr/bin:/bin")
        let text = "echo $(id -un) $(pwd) $WORD > inside; exit 9"
        let status = try launcher.execute(
            "host", .shell(text), environment: [path, .init("WORD", "hi")],
            timeoutMilliseconds: 60_000)
        #expect(status == 9 << 8)
        #expect(bench.text("host", "inside") == "nobody \(bench.sandbox("host")) hi\n")
        let slow = try launcher.execute(
            "host", .shell("sleep 777"), environment: [path], timeoutMilliseconds: 500)
        #expect(slow == nil)
        launcher.kill("host")
        _ = await launcher.end("host")
        #expect(throws: ContainerError.self) {
            try launcher.execute("host", .shell("true"), environment: [], timeoutMilliseconds: 1)
        }
    }

    @Test func theRuntimeIsPatientButNotTheCommand() async throws {
        let bench = try RuncBench()
        let runc = try #require(Command.find("runc"))
        let script = """
            #!/bin/sh
            echo "$(nice) $(cat /proc/self/timerslack_ns) $*" >>"$0.calls"
            exec \(runc) "$@"
            """
        let runtime = "\(bench.root)/runtime"
        try #require(
            FileManager.default.createFile(
                atPath: runtime, contents: Data(script.utf8),
                attributes: [.posixPermissions: 0o755]))
        var options = RuncLauncher.Options(
            workDirectory: "\(bench.root)/work", runtimeDirectory: "\(bench.root)/run")
        options.runtime = runtime
        let launcher = try RuncLauncher(options)
        let usual = "50000\n"
        // Both the command and what it starts.
        let text = "cat /proc/self/timerslack_ns; sh -c 'cat /proc/self/timerslack_ns; nice'"
        let nice = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
        let output = try await bench.output(bench.spec("slack", text), launcher)
        #expect(output == "\(usual)\(usual)\(nice)\n")
        launcher.remove("slack")
        let calls = try KernelText.read("\(runtime).calls").split(separator: "\n")
        let words = calls.map { $0.split(separator: " ") }
        try #require(calls.count == 2 && calls[0].contains(" run "), "\(calls)")
        #expect(calls[1].contains(" delete "))
        #expect(words.allSatisfy { (Int64($0[1]) ?? 0) > 1_000_000 })
        // What starts goes before what is tidied up.
        #expect(words.map { Int32($0[0]) } == [nice, min(19, nice + 10)])
    }
}
