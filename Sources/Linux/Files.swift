internal import CLinux
internal import Glibc

/// Calls on names: make, rename, remove, list, own; none follows a link in the last component.
package enum Files {
    /// Makes one directory; false where something is already there.
    @discardableResult
    package static func makeDirectory(
        _ path: String, mode: UInt32 = 0o755
    ) throws(SystemError) -> Bool {
        do {
            try SystemError.check("mkdir", path) { mkdir(path, mode) }
            return true
        } catch {
            guard error.errno == EEXIST else { throw error }
            return false
        }
    }

    /// Makes a directory and those above it that are missing, each durable in its parent.
    package static func makeDirectories(
        _ path: String, mode: UInt32 = 0o755
    ) throws(SystemError) {
        do {
            if try makeDirectory(path, mode: mode) { try syncDirectory(parent(of: path)) }
        } catch {
            guard error.isNotFound, parent(of: path) != path else { throw error }
            try makeDirectories(parent(of: path), mode: mode)
            try makeDirectory(path, mode: mode)
            try syncDirectory(parent(of: path))
        }
    }

    /// Makes the names in a directory durable; calls for the same path at one time share a sync.
    package static func syncDirectory(_ path: String) throws(SystemError) {
        try DirectorySync.shared.sync(path) { () throws(SystemError) in
            try Descriptor.openDirectory(path).sync(path)
        }
    }

    /// Gives a file a second name; EEXIST where that is taken.
    package static func link(_ path: String, to name: String) throws(SystemError) {
        try SystemError.check("link", path) { Glibc.link(path, name) }
    }

    /// Renames, replacing what is there.
    package static func rename(_ path: String, to target: String) throws(SystemError) {
        try SystemError.check("rename", path) { Glibc.rename(path, target) }
    }

    /// Renames; fails with EEXIST where the new name is taken.
    package static func renameExclusively(
        _ path: String, to target: String
    ) throws(SystemError) {
        try SystemError.check("renameat2", path) {
            clinux_rename_exclusive(AT_FDCWD, path, AT_FDCWD, target)
        }
    }

    /// Removes a file; false where none is.
    @discardableResult
    package static func remove(_ path: String) throws(SystemError) -> Bool {
        try absentIsFalse("unlink", path) { unlink(path) }
    }

    /// Removes an empty directory; false where none is.
    @discardableResult
    package static func removeDirectory(_ path: String) throws(SystemError) -> Bool {
        try absentIsFalse("rmdir", path) { rmdir(path) }
    }

    private static func absentIsFalse(
        _ call: String, _ path: String, _ body: () -> Int32
    ) throws(SystemError) -> Bool {
        do {
            try SystemError.check(call, path, body)
            return true
        } catch {
            guard error.isNotFound else { throw error }
            return false
        }
    }

    /// Sets owner and permission bits of a directory itself, and only what differs.
    package static func own(
        directory path: String, uid: UInt32, gid: UInt32, mode: UInt32
    ) throws(SystemError) {
        let directory = try Descriptor.openDirectory(path)
        let number = directory.number
        let now = try FileStatus.of(directory, path)
        if now.uid != uid || now.gid != gid {
            try SystemError.check("fchown", path) { fchown(number, uid, gid) }
        }
        // After fchown, which takes set-id bits away.
        if now.mode != mode || now.uid != uid || now.gid != gid {
            try SystemError.check("fchmod", path) { fchmod(number, mode) }
        }
    }

    /// The names in a directory, sorted, without `.` and `..`; at most `limit` of them.
    package static func list(
        _ path: String, limit: Int = 1_000_000
    ) throws(SystemError) -> [String] {
        guard let stream = opendir(path) else { throw .last("opendir", path) }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(stream) {
            let text = DirectoryEntry(entry).text
            if text != ".", text != ".." { names.append(text) }
        }
        return names.sorted()
    }

    /// Whether a directory holds nothing.
    package static func isEmptyDirectory(_ path: String) throws(SystemError) -> Bool {
        try list(path, limit: 1).isEmpty
    }

    /// The path without its last component; `/` is its own parent.
    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The path's last component.
    package static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// The path without symbolic links, as mount tables name it.
    package static func realPath(_ path: String) throws(SystemError) -> String {
        guard let real = realpath(path, nil) else { throw .last("realpath", path) }
        defer { free(real) }
        return String(cString: real)
    }

    /// The path that a symbolic link holds; nil where none is.
    package static func linkTarget(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            let count = buffer.baseAddress.map { readlink(path, $0, buffer.count) } ?? -1
            guard count > 0 else { return nil }
            return String(
                decoding: buffer[..<count].lazy.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }
}

/// One name that readdir gave, in the file system's own bytes: they need not be UTF-8.
struct DirectoryEntry {
    /// Ends with a zero byte.
    let name: [CChar]
    let inode: UInt64

    init(_ entry: UnsafeMutablePointer<dirent>) {
        inode = UInt64(entry.pointee.d_ino)
        name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
            tuple.withMemoryRebound(to: CChar.self, capacity: 256) { start in
                Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1))
            }
        }
    }

    /// The name as text; what is not UTF-8 in it is replaced.
    var text: String {
        String(decoding: name.dropLast().lazy.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    var isSelfOrParent: Bool { name == [46, 0] || name == [46, 46, 0] }
}
