internal import Glibc
internal import Linux

/// The choice of a launcher for this host.
package enum Launchers {
    package enum Kind: String, Equatable, Sendable {
        /// runc where it works, otherwise plain processes.
        case auto
        case runc
        case plain
    }

    /// Tries what the host can do. `hiding`: directories besides the work directory, such as the
    /// roots of mount disks, of which tasks must see nothing.
    package static func make(
        kind: Kind, runtimeDirectory: String, workDirectory: String,
        hostRoot: HostRootMode = .readOnly, hiding: [String] = [], supervisor: String? = nil
    ) throws(ContainerError) -> any Launcher {
        let supervision = Supervision(
            directory: "\(runtimeDirectory)/containers", program: supervisor)
        switch kind {
        case .plain: return try PlainLauncher(supervision)
        case .runc:
            return try runc(supervision, runtimeDirectory, workDirectory, hostRoot, hiding)
        case .auto:
            do {
                return try runc(supervision, runtimeDirectory, workDirectory, hostRoot, hiding)
            } catch {
                return try PlainLauncher(supervision)
            }
        }
    }

    private static func runc(
        _ supervision: Supervision, _ runtimeDirectory: String, _ workDirectory: String,
        _ hostRoot: HostRootMode, _ hiding: [String]
    ) throws(ContainerError) -> RuncLauncher {
        guard geteuid() == 0 else { throw ContainerError("runc containers need root") }
        let places = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin"]
        let candidates = places.map { directory in "\(directory)/runc" }
        guard let runtime = candidates.first(where: { path in access(path, X_OK) == 0 })
        else { throw ContainerError("runc is not installed (Debian package runc)") }
        do throws(SystemError) {
            for directory in [runtimeDirectory, "\(runtimeDirectory)/runc"] {
                try Files.makeDirectories(directory, mode: 0o700)
            }
        } catch {
            throw ContainerError("runtime directory: \(error)")
        }
        let root = HostRoot(
            path: "\(runtimeDirectory)/root", mode: hostRoot, workDirectory: workDirectory,
            hiding: [runtimeDirectory] + hiding)
        return try RuncLauncher(
            supervision: supervision, root: root, runtime: runtime,
            runtimeDirectory: runtimeDirectory)
    }
}
