internal import Glibc

/// The choice of a launcher for this host.
package enum Launchers {
    package enum Kind: String, Equatable, Sendable {
        /// runc where it works, otherwise plain processes.
        case auto
        case runc
        case plain
    }

    /// Tries what the host can do. `hiding`: directories besides the work directory, such as the
    /// roots of other disks, of which tasks must see nothing. `rejected` is told why runc was not
    /// taken.
    package static func make(
        kind: Kind, runtimeDirectory: String, workDirectory: String,
        hostRoot: HostRootMode = .readOnly, hostPaths: HostPathRules = HostPathRules(),
        hiding: [String] = [], supervisor: String? = nil,
        rejected: (ContainerError) -> Void = { _ in }
    ) throws(ContainerError) -> any Launcher {
        let supervisor = supervisor ?? SupervisedContainers.usualSupervisor
        let runtimeDirectory = canonical(runtimeDirectory)
        var options = RuncLauncher.Options(
            workDirectory: canonical(workDirectory), runtimeDirectory: runtimeDirectory)
        options.hiddenDirectories = hiding.map(canonical)
        options.hostRoot = hostRoot
        options.hostPaths = hostPaths
        options.supervisor = supervisor
        if kind == .runc { return try RuncLauncher(options) }
        if kind == .auto {
            do throws(ContainerError) {
                return try RuncLauncher(options)
            } catch {
                rejected(error)
            }
        }
        var rules = hostPaths
        rules.hidden += [options.workDirectory, runtimeDirectory] + options.hiddenDirectories
        return try PlainLauncher(
            runtimeDirectory: runtimeDirectory, supervisor: supervisor, hostPaths: rules)
    }

    /// Without symbolic links, as the kernel's table of mounts has it; as it is where nothing is
    /// there.
    private static func canonical(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
