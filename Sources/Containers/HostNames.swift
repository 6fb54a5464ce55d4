internal import Glibc

/// Names of users and groups in the host's databases.
package enum HostNames {
    /// Its number where it has no name.
    package static func user(_ uid: UInt32) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return name(orNumber: uid) { buffer, size in
            guard getpwuid_r(uid, &entry, buffer, size, &found) == 0 else { return nil }
            return found?.pointee.pw_name
        }
    }

    /// Its number where it has no name.
    package static func group(_ gid: UInt32) -> String {
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        return name(orNumber: gid) { buffer, size in
            guard getgrgid_r(gid, &entry, buffer, size, &found) == 0 else { return nil }
            return found?.pointee.gr_name
        }
    }

    /// `find` returns a text that lies in the buffer.
    private static func name(
        orNumber number: UInt32,
        _ find: (UnsafeMutablePointer<CChar>, Int) -> UnsafeMutablePointer<CChar>?
    ) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64 << 10) { buffer in
            guard let start = buffer.baseAddress, let name = find(start, buffer.count) else {
                return String(number)
            }
            return String(cString: name)
        }
    }
}
