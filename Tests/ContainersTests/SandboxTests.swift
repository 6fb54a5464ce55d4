import Containers
import Foundation
import Linux
import Testing

@Suite(.timeLimit(.minutes(2))) struct SandboxTests {
    @Test func aReaderListsAndReadsButNeverLeaves() throws {
        let bench = try LauncherBench()
        try Sandbox.make(bench.sandbox("a"), owner: bench.user)
        let root = bench.sandbox("a")
        try Data("0123456789".utf8).write(to: URL(filePath: "\(root)/file"))
        try Files.makeDirectory("\(root)/sub")
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/link", withDestinationPath: "/etc")
        let reader = SandboxReader(root)
        #expect(try reader.list("").map(\.path) == ["file", "link", "sub"])
        #expect(try reader.list("/sub").isEmpty)
        let part = try reader.read("/file", offset: 8, length: 100)
        #expect(part.bytes == Array("89".utf8) && part.size == 10)
        #expect(try reader.read("file", offset: 50, length: 1).bytes.isEmpty)
        for path in ["link/passwd", "../a/file", "sub/../file", "link", "sub", "none"] {
            #expect(throws: SystemError.self) { try reader.read(path, offset: 0, length: 1) }
        }
        #expect(throws: SystemError.self) { try reader.list("link") }
        #expect(throws: SystemError.self) { try reader.list("..") }
        #expect(Files.linkTarget(Files.parent(of: root) + "/latest") == "a")
    }

    @Test func volumesAreLinksAtTheirContainerPaths() async throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        try Files.makeDirectory("\(bench.root)/data")
        var spec = try bench.spec("volume", "echo kept > deep/data/file")
        let data = "\(bench.root)/data"
        spec.volumes = [
            .init(hostPath: data, containerPath: "deep/data", isReadOnly: false)
        ]
        try launcher.launch(spec)
        #expect(await launcher.end("volume").waitStatus == 0)
        #expect(FileManager.default.fileExists(atPath: "\(data)/file"))
        spec.id = "climbs"
        for path in ["../out", "deep/../../out", ""] {
            spec.volumes[0].containerPath = path
            #expect(throws: ContainerError.self) { try launcher.launch(spec) }
        }
        #expect(try launcher.recover().map(\.id) == ["volume"])
    }

    @Test func unknownUsersAreTold() throws {
        #expect(throws: ContainerError.self) { try UserIdentity.lookup("no-such-user") }
        #expect(try UserIdentity.lookup("root").uid == 0)
        #expect(HostNames.user(0) == "root" && HostNames.group(0) == "root")
        #expect(HostNames.user(4_000_000_000) == "4000000000")
        #expect(HostNames.group(4_000_000_000) == "4000000000")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can become another user"))
    func aContainerRunsAsItsUser() async throws {
        let bench = try LauncherBench()
        let launcher = try bench.launcher()
        let nobody = try UserIdentity.lookup("nobody")
        try launcher.launch(bench.spec("nobody", "id -u; id -g; touch mine", user: nobody))
        #expect(await launcher.end("nobody").waitStatus == 0)
        #expect(bench.text("nobody") == "\(nobody.uid)\n\(nobody.gid)\n")
        let log = try FileStatus.of("\(bench.sandbox("nobody"))/stdout")
        #expect(log.uid == nobody.uid)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can mount a small file system"))
    func aFullDiskDropsOutputAndNeverBlocksTheTask() async throws {
        // Below /dev, where other tests' copies of the host's mounts leave it alone.
        let bench = try LauncherBench(in: "/dev/shm")
        let launcher = try bench.launcher()
        let spec = try bench.spec("full", "head -c 3000000 /dev/zero; exit 8")
        let mounted = mount("tmpfs", spec.sandbox, "tmpfs", 0, "size=64k")
        #expect(mounted == 0)
        defer { umount2(spec.sandbox, Int32(MNT_DETACH)) }
        try launcher.launch(spec)
        #expect(await launcher.end("full").waitStatus == 8 << 8)
        #expect(bench.text("full").utf8.count <= 65_536)
    }

    @Test func probesTellRefusedFromAnswered() {
        let refused = CheckProbe(port: 1, timeoutMilliseconds: 5_000)
        guard case .failed = refused.connect() else {
            Issue.record("port 1 is not refused")
            return
        }
        #expect(refused.get("no path") == .failed("'no path' is not a path"))
    }
}
