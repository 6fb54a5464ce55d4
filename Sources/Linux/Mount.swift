internal import Glibc

/// Mounting and unmounting in this process's namespace.
package enum Mount {
    /// How mounts made below one copy of a tree reach its other copies.
    package enum Propagation: Sendable {
        case shared
        case slave
        case isolated

        fileprivate var flag: Int {
            switch self {
            case .shared: 1 << 20  // MS_SHARED
            case .slave: 1 << 19  // MS_SLAVE
            case .isolated: 1 << 18  // MS_PRIVATE
            }
        }
    }

    /// Flags of a mount that holds a tenant's data: no set-id programs, no device files.
    package static let tenantFlags = UInt(MS_NOSUID | MS_NODEV)

    /// Mounts a device's file system.
    package static func attach(
        _ device: String, at path: String, fileSystem: String, flags: UInt, options: String
    ) throws(SystemError) {
        try SystemError.check("mount", path) {
            mount(device, path, fileSystem, flags, options)
        }
    }

    /// Shows a directory at another place as well.
    package static func bind(
        _ source: String, at path: String, isRecursive: Bool = false
    ) throws(SystemError) {
        let flags = UInt(MS_BIND) | (isRecursive ? UInt(MS_REC) : 0)
        try SystemError.check("mount", path) { mount(source, path, nil, flags, nil) }
    }

    package static func setPropagation(
        _ propagation: Propagation, of path: String, isRecursive: Bool = false
    ) throws(SystemError) {
        let flags = UInt(propagation.flag) | (isRecursive ? UInt(MS_REC) : 0)
        try SystemError.check("mount", path) { mount(nil, path, nil, flags, nil) }
    }

    /// Unmounts what is mounted at a path; false where nothing is.
    ///
    /// Lazily: the place is free at once, the file system is let go when its last user is gone.
    /// Otherwise EBUSY while a file on it is open.
    @discardableResult
    package static func detach(_ path: String, isLazy: Bool) throws(SystemError) -> Bool {
        do {
            let flags = Int32(UMOUNT_NOFOLLOW) | (isLazy ? Int32(MNT_DETACH) : 0)
            try SystemError.check("umount2", path) { umount2(path, flags) }
            return true
        } catch {
            guard error.errno == EINVAL || error.isNotFound else { throw error }
            return false
        }
    }
}
