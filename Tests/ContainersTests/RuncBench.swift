import Containers
import Foundation
import Linux
import Testing

/// A runc launcher on a work directory of its own.
final class RuncBench: Sendable {
    /// Whether runc's containers can be made here; the reason is printed where they can't.
    static let isAvailable: Bool = {
        do {
            let bench = try RuncBench()
            _ = try bench.launcher()
            return true
        } catch {
            print("runc tests are skipped: \(error)")
            return false
        }
    }()

    /// Whether every controller is in one tree here.
    static let isUnified = (try? CgroupLayout.current())?.version == .v2

    let root: String
    let user = UserIdentity(name: "root", uid: 0, gid: 0, groups: [], home: "/root")

    init() throws {
        root = "/var/tmp/holdfast-\(UUID().uuidString)"
        for name in ["work", "run"] {
            try FileManager.default.createDirectory(
                atPath: "\(root)/\(name)", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755])
        }
    }

    deinit {
        if let launcher = try? launcher() {
            for found in (try? launcher.recover()) ?? [] { launcher.remove(found.id) }
            try? launcher.release()
        }
        for entry in (try? MountTable.current().below(root)) ?? [] {
            _ = try? Mount.detach(entry.mountPoint, isLazy: true)
        }
        try? FileManager.default.removeItem(atPath: root)
    }

    /// A launcher without memory, as a restarted agent has it.
    func launcher(_ mode: HostRootMode = .readOnly) throws -> RuncLauncher {
        let made = try Launchers.make(
            kind: .runc, runtimeDirectory: "\(root)/run", workDirectory: "\(root)/work",
            hostRoot: mode)
        return try #require(made as? RuncLauncher)
    }

    func sandbox(_ id: String) -> String { "\(root)/work/sandboxes/\(id)" }

    func spec(
        _ id: String, _ text: String, user: UserIdentity? = nil,
        volumes: [ContainerSpec.Volume] = [], limits: ContainerSpec.Limits = .init(cpus: 0.5)
    ) throws -> ContainerSpec {
        try Sandbox.make(sandbox(id), owner: user ?? self.user)
        return ContainerSpec(
            id: id, sandbox: sandbox(id), user: user ?? self.user, command: .shell(text),
            environment: [.init("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")], volumes: volumes,
            limits: limits)
    }

    /// Runs a command to its end and returns what it wrote to stdout.
    func output(_ spec: ContainerSpec, _ launcher: RuncLauncher) async throws -> String {
        try launcher.launch(spec)
        _ = await launcher.end(spec.id)
        return text(spec.id)
    }

    func text(_ id: String, _ name: String = "stdout") -> String {
        let bytes = FileManager.default.contents(atPath: "\(sandbox(id))/\(name)") ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A directory in the work directory, as a volume's data.
    func volume(_ name: String) throws -> String {
        let path = "\(root)/work/volumes/\(name)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// Waits until the container's output has begun: its command runs.
    func awaitOutput(_ id: String) {
        let record = "\(root)/run/containers/\(id)/pid"
        func isRunning() -> Bool {
            (try? KernelText.read(record)).flatMap { ProcessRecord(text: $0) }?.isPresent == true
        }
        while text(id).isEmpty, isRunning() { sched_yield() }
        let said = text(id, "stderr")
        if !said.isEmpty { Issue.record("container \(id): \(said)") }
    }
}

extension RuncLauncher {
    /// The container's exit, awaited.
    func end(_ id: String) async -> ContainerExit {
        await withCheckedContinuation { continuation in
            watch(id) { continuation.resume(returning: $0) }
        }
    }
}
