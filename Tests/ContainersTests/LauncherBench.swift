import Containers
import Foundation
import Synchronization

/// A plain launcher on a directory of its own, and what tests ask of it.
final class LauncherBench: Sendable {
    let root: String
    let user: UserIdentity

    init(in directory: String = FileManager.default.temporaryDirectory.path) throws {
        root = "\(directory)/holdfast-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: root, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        user = try UserIdentity.current()
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// A launcher without memory, as a restarted agent has it.
    func launcher() throws -> PlainLauncher { try PlainLauncher(runtimeDirectory: root) }

    func sandbox(_ id: String) -> String { "\(root)/sandboxes/\(id)" }

    func spec(_ id: String, _ text: String, user: UserIdentity? = nil) throws -> ContainerSpec {
        try Sandbox.make(sandbox(id), owner: user ?? self.user)
        return ContainerSpec(
            id: id, sandbox: sandbox(id), user: user ?? self.user, command: .shell(text),
            environment: [.init("PATH", "/usr/bin:/bin"), .init("GREETING", "hello")],
            limits: .init(cpus: 1))
    }

    func text(_ id: String, _ name: String = "stdout") -> String {
        let bytes = FileManager.default.contents(atPath: "\(sandbox(id))/\(name)") ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits until the container's output has begun: its command runs.
    func awaitOutput(_ id: String) {
        while text(id).isEmpty { sched_yield() }
    }
}

extension PlainLauncher {
    /// The container's exit, awaited.
    func end(_ id: String) async -> ContainerExit {
        await withCheckedContinuation { continuation in
            watch(id) { continuation.resume(returning: $0) }
        }
    }
}
