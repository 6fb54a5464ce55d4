internal import Glibc

extension UserIdentity {
    private static let groupLimit: Int32 = 256

    /// The user of that name in the host's user database.
    package static func lookup(_ name: String) throws(ContainerError) -> UserIdentity {
        try find("user '\(name)'") { getpwnam_r(name, $0, $1, $2, $3) }
    }

    /// Whom this process runs as.
    package static func current() throws(ContainerError) -> UserIdentity {
        let uid = geteuid()
        return try find("user id \(uid)") { getpwuid_r(uid, $0, $1, $2, $3) }
    }

    private typealias Find = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    private static func find(_ what: String, _ call: Find) throws(ContainerError) -> UserIdentity {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var size = 4096
        while size <= 1 << 20 {
            var buffer = [CChar](repeating: 0, count: size)
            let (code, user) = buffer.withUnsafeMutableBufferPointer { bytes in
                guard let start = bytes.baseAddress else { return (EINVAL, UserIdentity?.none) }
                let code = call(&entry, start, size, &found)
                // The entry's texts lie in the buffer.
                return (code, code == 0 && found != nil ? UserIdentity(entry) : nil)
            }
            if let user { return user }
            if code == ERANGE {
                size *= 4
                continue
            }
            guard code == 0 || code == ENOENT || code == ESRCH else {
                throw ContainerError("\(what): \(String(cString: strerror(code)))")
            }
            break
        }
        throw ContainerError("\(what) does not exist on this host")
    }

    private init(_ entry: passwd) {
        var count = Self.groupLimit
        var groups = [gid_t](repeating: 0, count: Int(count))
        getgrouplist(entry.pw_name, entry.pw_gid, &groups, &count)
        self.init(
            name: String(cString: entry.pw_name), uid: entry.pw_uid, gid: entry.pw_gid,
            groups: Array(groups.prefix(Int(min(count, Self.groupLimit)))),
            home: String(cString: entry.pw_dir))
    }
}

extension UserIdentity {
    /// Whom a task runs as: its user with `--switch-user`, else the agent's own. Without root only
    /// the agent's own is possible.
    package static func ofTask(
        _ name: String?, switchesUser: Bool
    ) throws(ContainerError) -> UserIdentity {
        guard switchesUser, let name, !name.isEmpty else { return try current() }
        let wanted = try lookup(name)
        guard wanted.uid == geteuid() || geteuid() == 0 else {
            throw ContainerError("only root can start a task of user '\(name)'")
        }
        return wanted
    }
}
