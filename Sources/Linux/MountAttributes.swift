internal import CLinux
internal import Glibc

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

    /// Makes one mount read-only; other mounts of its file system stay as they are.
    package static func makeReadOnly(_ path: String) throws(SystemError) {
        let flags = UInt(MS_REMOUNT | MS_BIND | MS_RDONLY) | tenantFlags
        try SystemError.check("mount", path) { mount(nil, path, nil, flags, nil) }
    }
}
