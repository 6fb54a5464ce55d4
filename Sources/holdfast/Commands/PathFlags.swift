import ArgumentParser
import Containers
import Daemons
import Foundation
import Model

/// What tasks may have of the host's files, and the groups of volumes that users share.
struct PathFlags: ParsableArguments {
    @Option(
        help: """
            A directory below which tasks may mount host paths for writing; may be repeated; '/' \
            is Mesos's behaviour. Read-only they may mount what they can see anyway.
            """)
    var hostPathWritable: [String] = []
    @Option(
        help: """
            Directories, parted by ':', below which a host path that a task names is made where it \
            is missing.
            """)
    var hostPathVolumeForceCreation = ""
    @Option(
        help: """
            Groups, like '[10000-20000]', of which each shared volume gets one when tasks of other \
            users than root use it.
            """)
    var volumeGidRange: String?

    /// Refuses relative paths, which would depend on where the agent was started.
    func rules(hostRoot: HostRootMode) throws -> HostPathRules {
        let creatable = hostPathVolumeForceCreation.split(separator: ":").map(String.init)
        let named =
            hostPathWritable.map { ("--host-path-writable", $0) }
            + creatable.map { ("--host-path-volume-force-creation", $0) }
        for (flag, path) in named
        where !path.hasPrefix("/") || path.split(separator: "/").contains("..") {
            throw CommandFailure("\(flag) \(path): use an absolute path without '..'")
        }
        // Tasks without an image can write all of it as it is.
        return HostPathRules(
            writable: hostRoot == .readWrite ? ["/"] : hostPathWritable, creatable: creatable)
    }

    /// Nil: shared volumes have no groups of their own.
    func groups(switchesUser: Bool) throws -> VolumeGroups? {
        guard let volumeGidRange else { return nil }
        guard switchesUser, geteuid() == 0 else {
            throw CommandFailure(
                "--volume-gid-range needs an agent that runs as root and with --switch-user")
        }
        do throws(Refusal) { return try VolumeGroups(parsing: volumeGidRange) } catch {
            throw CommandFailure("--volume-gid-range: \(error.message)")
        }
    }

    func check(switchesUser: Bool) throws {
        _ = try rules(hostRoot: .readOnly)
        _ = try groups(switchesUser: switchesUser)
    }

    /// As arguments of an `agent` process.
    var arguments: [String] {
        hostPathWritable.map { "--host-path-writable=\($0)" }
            + (hostPathVolumeForceCreation.isEmpty
                ? []
                : ["--host-path-volume-force-creation=\(hostPathVolumeForceCreation)"])
            + (volumeGidRange.map { ["--volume-gid-range=\($0)"] } ?? [])
    }
}
