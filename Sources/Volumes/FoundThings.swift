internal import Linux
internal import Synchronization

/// The place for what stood where a volume was to be made: moved there, never deleted.
struct FoundThings: Sendable {
    private static let attempts = 100_000
    private static let mountsAtOnePlace = 16
    private static let turn = Mutex(())

    let directory: String

    /// Frees a path: an empty directory is removed, a mount detached, anything else moved here.
    ///
    /// Returns the new name of what was moved.
    func clear(_ path: String) throws(VolumeError) -> String? {
        guard try uncover(path) else { return nil }
        let isEmpty = try VolumeError.wrap { () throws(SystemError) -> Bool in
            guard try FileStatus.of(path).kind == .directory,
                try Files.isEmptyDirectory(path)
            else { return false }
            return try Files.removeDirectory(path)
        }
        if isEmpty { return nil }
        return try move(named: Files.name(of: path)) { target throws(VolumeError) in
            try VolumeError.wrap { () throws(SystemError) in
                try Files.renameExclusively(path, to: target)
                try Files.syncDirectory(Files.parent(of: path))
            }
        }
    }

    /// Takes mounts off a path; false if nothing is left there.
    private func uncover(_ path: String) throws(VolumeError) -> Bool {
        try VolumeError.wrap { () throws(SystemError) -> Bool in
            let parent = try FileStatus.ifPresent(Files.parent(of: path))
            for _ in 0..<Self.mountsAtOnePlace {
                guard let status = try FileStatus.ifPresent(path) else { return false }
                guard status.device != parent?.device, try Mount.detach(path, isLazy: true)
                else { return true }
            }
            return true
        }
    }

    /// Calls `body` with a free path here, `name-1`, `name-2`..., and makes the names durable.
    func move(
        named name: String, _ body: (String) throws(VolumeError) -> Void
    ) throws(VolumeError) -> String {
        let stem = Self.shortened(name)
        return try Self.turn.withLock { _ throws(VolumeError) -> String in
            for number in 1...Self.attempts {
                let target = "\(directory)/\(stem)-\(number)"
                let isTaken = try VolumeError.wrap { () throws(SystemError) -> Bool in
                    for suffix in ["", ".image", ".json"]
                    where try FileStatus.ifPresent(target + suffix) != nil { return true }
                    return false
                }
                if isTaken { continue }
                try body(target)
                try VolumeError.wrap { () throws(SystemError) in
                    try Files.syncDirectory(directory)
                }
                return target
            }
            throw .conflict("\(directory) holds too many things named \(stem)")
        }
    }

    /// Leaves room for a number and a suffix in a name of 255 bytes.
    private static func shortened(_ name: String) -> String {
        var name = name
        while name.utf8.count > 230 { name.removeLast() }
        return name
    }
}
