import Glibc

/// Directory entries: names that are made, moved and removed durably.
package enum Files {
    /// The names in a directory, sorted, without `.` and `..`.
    package static func list(_ directory: String) throws(SystemError) -> [String] {
        guard let stream = opendir(directory) else {
            throw SystemError("opendir", directory, errno: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno == 0 { break }
                throw SystemError("readdir", directory, errno: errno)
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes a directory and those above it where missing, each durable in its parent.
    package static func makeDirectories(
        _ path: String, mode: UInt32 = 0o755
    ) throws(SystemError) {
        if mkdir(path, mode) == 0 { return try syncDirectory(parent(of: path)) }
        switch errno {
        case EEXIST:
            var status = stat()
            if stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR { return }
            throw SystemError("mkdir", path, errno: ENOTDIR)
        case ENOENT where parent(of: path) != path:
            try makeDirectories(parent(of: path), mode: mode)
            try makeDirectories(path, mode: mode)
        default:
            throw SystemError("mkdir", path, errno: errno)
        }
    }

    /// Gives a file another name, atomically taking the place of what bore it.
    package static func rename(_ source: String, to target: String) throws(SystemError) {
        if Glibc.rename(source, target) != 0 {
            throw SystemError("rename", source, errno: errno)
        }
    }

    /// Removes a file; false where none is.
    @discardableResult
    package static func remove(_ path: String) throws(SystemError) -> Bool {
        if unlink(path) == 0 { return true }
        if errno == ENOENT { return false }
        throw .last("unlink", path)
    }

    /// Makes the names in a directory durable.
    package static func syncDirectory(_ path: String) throws(SystemError) {
        try OpenFile(path: path, flags: O_RDONLY | O_DIRECTORY).synchronize()
    }

    /// The directory that holds `path`.
    package static func parent(of path: String) -> String {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }
}
