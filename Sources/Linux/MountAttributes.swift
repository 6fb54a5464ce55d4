internal import CLinux

extension Mount {
    /// Shows a directory or file at another place, without the mounts below it and apart from all
    /// propagation; read-only, if asked, before anyone can see it. Kernel 5.12 or later.
    package static func bindIsolated(
        _ source: String, at path: String, isReadOnly: Bool
    ) throws(SystemError) {
        try SystemError.check("mount_setattr", path) {
            clinux_bind_isolated(source, path, isReadOnly ? 1 : 0)
        }
    }
}
