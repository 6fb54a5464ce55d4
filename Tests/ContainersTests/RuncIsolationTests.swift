import Containers
import Foundation
import Glibc
import Linux
import Testing

/// What a container on the host's files can't see, write or exceed.
@Suite(.enabled(if: RuncBench.isAvailable, "no runc containers here"), .timeLimit(.minutes(3)))
struct RuncIsolationTests {
    @Test func rootInAContainerCannotWriteTheHost() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let script = """
            for d in / /etc /usr /var/tmp /root /run /sys /proc/sys/kernel \(bench.root); do
              touch $d/holdfast-probe 2>/dev/null && echo "wrote $d"
            done
            for d in / /etc /usr /tmp \(bench.root)/work; do
              mount -o remount,rw,bind $d 2>/dev/null && echo "remounted $d"
            done
            umount -l \(bench.root)/work 2>/dev/null && echo "unmounted"
            mknod /tmp/disk b 254 0 && cat /tmp/disk >/dev/null 2>&1 && echo "read the disk"
            while read -r _ _ _ _ at options _; do
              case "$options" in rw*) case "$at" in
                /proc|/proc/*|/dev|/dev/*|/tmp|"$PWD") ;; *) echo "writable $at" ;;
              esac ;; esac
            done < /proc/self/mountinfo
            echo end
            """
        let said = try await bench.output(bench.spec("root", script), launcher)
        #expect(said == "end\n")
        #expect(bench.text("root", "stderr") == "")
    }

    @Test func ownMemoryFileSystemsAreWritable() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let nobody = try UserIdentity.lookup("nobody")
        var limits = ContainerSpec.Limits(cpus: 0.5)
        limits.temporaryBytes = 1 << 20
        let script = """
            for d in /tmp /dev/shm .; do echo x > $d/f && cat $d/f; done
            stat -c %a /tmp /dev/shm
            dd if=/dev/zero of=/tmp/full bs=64k count=64 2>/dev/null || echo full
            id -u; id -g; grep -c '^CapBnd:.0000000000000000$' /proc/self/status
            grep NoNewPrivs /proc/self/status
            """
        let spec = try bench.spec("own", script, user: nobody, limits: limits)
        let said = try await bench.output(spec, launcher)
        #expect(
            said == "x\nx\nx\n1777\n1777\nfull\n\(nobody.uid)\n\(nobody.gid)\n1\nNoNewPrivs:\t1\n")
    }

    @Test func otherTasksAndTheirVolumesAreInvisible() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let neighbour = try bench.volume("neighbour")
        try "secret".write(toFile: "\(neighbour)/f", atomically: false, encoding: .utf8)
        try launcher.launch(
            bench.spec(
                "first", "echo up; exec sleep 1000",
                volumes: [.init(hostPath: neighbour, containerPath: "data", isReadOnly: false)]))
        bench.awaitOutput("first")
        let first = bench.sandbox("first")
        let script = """
            cat \(neighbour)/f \(first)/stdout \(first)/data/f 2>/dev/null
            echo x 2>/dev/null > \(neighbour)/f
            ls \(bench.root)/work \(bench.root)/work/sandboxes
            ls /proc/1/root\(bench.root)/run
            ls -d /proc/[0-9]* | wc -l
            """
        let said = try await bench.output(bench.spec("second", script), launcher)
        let lines = said.split(separator: "\n", omittingEmptySubsequences: true)
        #expect(lines.prefix(4).joined(separator: " ").hasSuffix("sandboxes: second"))
        #expect(!said.contains("first") && !said.contains("secret"))
        #expect((Int(lines.last ?? "") ?? 100) <= 4)
        #expect(try String(contentsOfFile: "\(neighbour)/f", encoding: .utf8) == "secret")
    }

    @Test func exceedingTheMemoryLimitIsTold() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        var limits = ContainerSpec.Limits(cpus: 0.5, memoryBytes: 32 << 20)
        limits.temporaryBytes = 256 << 20
        let script = "exec dd if=/dev/zero of=/tmp/f bs=1M count=200"
        try launcher.launch(bench.spec("memory", script, limits: limits))
        let exit = await launcher.end("memory")
        #expect(exit == ContainerExit(waitStatus: SIGKILL, isOutOfMemory: true))
        #expect(
            try launcher.recover() == [FoundContainer(id: "memory", exit: exit)])
    }

    @Test func processesAreLimited() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let limits = ContainerSpec.Limits(cpus: 0.5, processes: 4)
        let script = "for i in 1 2 3 4 5 6; do sleep 1000 & done; echo all"
        let spec = try bench.spec("processes", script, limits: limits)
        #expect(try await bench.output(spec, launcher) == "")
        #expect(bench.text("processes", "stderr").lowercased().contains("fork"))
    }
}
