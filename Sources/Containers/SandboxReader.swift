internal import Glibc
package import Linux

/// Lists and reads files of a sandbox, for LIST_FILES and READ_FILE; never leaves it.
///
/// The task owns the directory and may put links anywhere: each component is opened without
/// following one, and `..` is refused. Volumes are read at their container paths, also where they
/// are links or mounted in the container only.
package struct SandboxReader: Sendable {
    package struct Entry: Equatable, Sendable {
        /// Relative to the sandbox.
        package var path: String
        /// With the kind's bits, as `st_mode`.
        package var mode: UInt32
        package var links: UInt64
        package var size: Int64
        package var modifiedSeconds: Int64
        package var uid: UInt32
        package var gid: UInt32
    }

    package static let entryLimit = 10_000
    package static let readLimit = 4 << 20

    package let root: String
    private let volumes: [(path: [String], hostPath: String)]

    /// `volumes`: the container's; those at absolute container paths are not in the sandbox.
    package init(_ root: String, volumes: [ContainerSpec.Volume] = []) {
        self.root = root
        self.volumes = volumes.compactMap { volume in
            guard case .inSandbox(let path)? = try? ContainerPath(volume.containerPath) else {
                return nil
            }
            return (path, volume.hostPath)
        }
    }

    /// What is in a directory, sorted by name; at most `entryLimit`.
    package func list(_ path: String) throws(SystemError) -> [Entry] {
        let parts = try components(path)
        let directory = try open(parts, O_RDONLY | O_DIRECTORY, path)
        let number = directory.number
        let names = try Files.list("/proc/self/fd/\(number)", limit: Self.entryLimit)
        return names.compactMap { name in
            var status = stat()
            guard fstatat(number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
            return Entry(
                path: (parts + [name]).joined(separator: "/"), mode: status.st_mode,
                links: UInt64(status.st_nlink), size: Int64(status.st_size),
                modifiedSeconds: Int64(status.st_mtim.tv_sec), uid: status.st_uid,
                gid: status.st_gid)
        }
    }

    /// Up to `length` bytes (at most `readLimit`) from an offset, and the file's size now.
    package func read(
        _ path: String, offset: Int64, length: Int
    ) throws(SystemError) -> (bytes: [UInt8], size: Int64) {
        // Not blocking: the name could be a FIFO's.
        let file = try open(try components(path), O_RDONLY | O_NONBLOCK, path)
        let status = try FileStatus.of(file, path)
        guard status.kind == .file else { throw SystemError("open", path, errno: EINVAL) }
        let rest = max(0, status.size - max(0, offset))
        let count = Int(min(rest, Int64(max(0, min(length, Self.readLimit)))))
        var bytes = [UInt8](repeating: 0, count: count)
        var failure: SystemError?
        let done = bytes.withUnsafeMutableBytes { buffer -> Int in
            do throws(SystemError) {
                return try file.read(into: buffer, at: max(0, offset), path)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return (Array(bytes.prefix(done)), status.size)
    }

    private func components(_ path: String) throws(SystemError) -> [String] {
        if path.utf8.allSatisfy({ $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ".") }),
            !path.contains("..")
        {
            return []
        }
        let parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
        guard !parts.contains(".."), !path.utf8.contains(0) else {
            throw SystemError("open", path, errno: EACCES)
        }
        return parts
    }

    /// The directory to begin at, the innermost volume's where one is on the way, and the rest.
    private func base(_ parts: [String]) -> (root: String, rest: ArraySlice<String>) {
        let volume = volumes.filter { parts.starts(with: $0.path) }
            .max { $0.path.count < $1.path.count }
        return (volume?.hostPath ?? root, parts.dropFirst(volume?.path.count ?? 0))
    }

    private func open(
        _ parts: [String], _ flags: Int32, _ path: String
    ) throws(SystemError) -> Descriptor {
        let (root, rest) = base(parts)
        var place = try Descriptor.openDirectory(root)
        for (index, part) in zip(rest.indices, rest) {
            let number = place.number
            let isLast = index == rest.endIndex - 1
            let how = isLast ? flags : O_RDONLY | O_DIRECTORY
            place = Descriptor(
                owning: try SystemError.check("open", path) {
                    openat(number, part, how | O_NOFOLLOW | O_CLOEXEC)
                })
        }
        return place
    }
}
