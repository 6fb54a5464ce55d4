import Containers
import Foundation
import Glibc
import Linux
import Testing

/// Limits, counts and ends of containers where every controller is in one tree: on a machine with
/// pure cgroup v2, as in User-Mode Linux (`Tests/linux/uml.sh`).
@Suite(
    .enabled(if: RuncBench.isUnified && RuncBench.isAvailable, "no pure cgroup v2 here"),
    .timeLimit(.minutes(3)))
struct UnifiedCgroupTests {
    private func group(_ id: String, _ launcher: RuncLauncher) throws -> String {
        let layout = try #require(try CgroupLayout.current())
        return "\(try #require(layout.unified))\(launcher.cgroupParent)/\(id)"
    }

    @Test func limitsAreInTheContainersGroupAndItReadsThem() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        #expect(launcher.shortcomings.isEmpty)
        let limits = ContainerSpec.Limits(
            cpus: 0.5, isCPUHard: true, memoryBytes: 48 << 20, processes: 20)
        let script = """
            cd /sys/fs/cgroup && cat memory.max cpu.max pids.max memory.swap.max 2>/dev/null
            echo 1 2>/dev/null > memory.max || echo refused; echo up >&2; exec sleep 1000
            """
        try launcher.launch(bench.spec("limits", script, limits: limits))
        while bench.text("limits", "stderr").isEmpty { sched_yield() }
        let inside = bench.text("limits").split(separator: "\n").map(String.init)
        #expect(inside.prefix(3) == ["\(48 << 20)", "50000 100000", "20"])
        #expect(inside.last == "refused")
        let group = try group("limits", launcher)
        for (name, wanted) in [
            ("memory.max", "\(48 << 20)"), ("cpu.max", "50000 100000"), ("pids.max", "20"),
        ] {
            #expect(KernelText.line("\(group)/\(name)") == wanted, "\(name)")
        }
        // 512 of v1's shares on v2's scale.
        #expect(KernelText.line("\(group)/cpu.weight") == "20")
        let layout = try #require(try CgroupLayout.current())
        let cgroup = Cgroup(layout, "\(launcher.cgroupParent)/limits")
        #expect(cgroup.memoryLimitBytes() == 48 << 20)
        #expect(cgroup.processes() == launcher.usage("limits")?.processes)

        let larger = ContainerSpec.Limits(
            cpus: 1, isCPUHard: true, memoryBytes: 64 << 20, processes: 20)
        try launcher.update("limits", limits: larger, volumes: [])
        #expect(KernelText.line("\(group)/memory.max") == "\(64 << 20)")
        #expect(KernelText.line("\(group)/cpu.max") == "100000 100000")
        launcher.kill("limits")
        _ = await launcher.end("limits")
    }

    @Test func aBusyTaskIsThrottled() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let limits = ContainerSpec.Limits(cpus: 0.05, isCPUHard: true)
        try launcher.launch(
            bench.spec("busy", "echo up; while :; do :; done", limits: limits))
        bench.awaitOutput("busy")
        let path = "\(try group("busy", launcher))/cpu.stat"
        func throttled() throws -> Int {
            let lines = try KernelText.read(path).split(separator: "\n")
            let line = lines.first { $0.hasPrefix("nr_throttled ") }
            return line.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
        }
        while try throttled() < 3 { sched_yield() }
        #expect(try #require(launcher.usage("busy")).cpuNanoseconds > 0)
        launcher.kill("busy")
        #expect(await launcher.end("busy").waitStatus == SIGKILL)
    }

    @Test func moreThanTheMemoryEndsAndIsTold() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        var limits = ContainerSpec.Limits(cpus: 0.5, memoryBytes: 32 << 20)
        limits.temporaryBytes = 256 << 20
        try launcher.launch(
            bench.spec("memory", "exec dd if=/dev/zero of=/tmp/f bs=1M count=200", limits: limits))
        #expect(
            await launcher.end("memory")
                == ContainerExit(waitStatus: SIGKILL, isOutOfMemory: true))
    }

    @Test func killReachesEveryProcessAndTheGroupGoes() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        try launcher.launch(
            bench.spec("many", "setsid sleep 1000 & setsid sleep 1000 & echo up; wait"))
        bench.awaitOutput("many")
        let group = try group("many", launcher)
        let listed = try KernelText.read("\(group)/cgroup.procs").split(separator: "\n")
        let inside = Processes.descendants(of: try #require(launcher.pid("many")))
        #expect(inside.count >= 2)
        for process in inside { #expect(listed.contains("\(process.pid)")) }
        launcher.kill("many")
        #expect(await launcher.end("many").waitStatus == SIGKILL)
        for process in inside {
            let now = Processes.status(process.pid)
            #expect(now == nil || now?.isZombie == true || now?.startTime != process.startTime)
        }
        launcher.remove("many")
        #expect(!FileStatus.exists(group))
    }
}
