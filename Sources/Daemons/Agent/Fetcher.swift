import Containers
import Foundation
import Glibc
import Linux
import MesosAPI

/// Brings a command's URIs into the sandbox: local files by copying, HTTP by curl; archives are
/// unpacked by tar.
enum Fetcher {
    static func fetch(
        _ uris: [Mesos_V1_CommandInfo.URI], into sandbox: String, owner: UserIdentity
    ) throws(ContainerError) {
        for uri in uris { try fetch(uri, into: sandbox, owner: owner) }
    }

    private static func fetch(
        _ uri: Mesos_V1_CommandInfo.URI, into sandbox: String, owner: UserIdentity
    ) throws(ContainerError) {
        let source = uri.value.hasPrefix("file://") ? String(uri.value.dropFirst(7)) : uri.value
        let name =
            uri.hasOutputFile
            ? uri.outputFile : source.split(separator: "/").last.map(String.init) ?? ""
        guard let parts = Sandbox.components(name), parts.count == 1 else {
            throw ContainerError("URI '\(uri.value)': no file name that stays in the sandbox")
        }
        let target = "\(sandbox)/\(name)"
        if source.hasPrefix("/") {
            try run("cp", ["--", source, target])
        } else if source.hasPrefix("http://") || source.hasPrefix("https://") {
            try run("curl", ["-fsSL", "-o", target, "--", source])
        } else {
            throw ContainerError(
                "URI '\(uri.value)': only file://, absolute paths, http:// and https:// are known")
        }
        if uri.extract,
            [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"].contains(where: {
                name.hasSuffix($0)
            })
        {
            try run("tar", ["--no-same-owner", "-xf", target, "-C", sandbox])
        }
        if uri.executable { _ = chmod(target, 0o755) }
        if geteuid() == 0 {
            try run("chown", ["-R", "-h", "\(owner.uid):\(owner.gid)", "--", sandbox])
        }
    }

    private static func run(_ program: String, _ arguments: [String]) throws(ContainerError) {
        let outcome: Command.Outcome
        do {
            outcome = try Command(program, arguments, timeoutMilliseconds: 600_000).run()
        } catch {
            throw ContainerError("fetching: \(error)")
        }
        guard outcome.isSuccess else {
            throw ContainerError("fetching: \(program): \(outcome.summary)")
        }
    }
}
