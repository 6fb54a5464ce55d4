internal import CLinux
internal import Glibc

extension TreeCounter {
    /// Paths are opened in pieces of this many bytes at most: the kernel takes 4,095.
    private static let pieceBytes = 2_000
    private static let linkedLimit = 100_000
    private static let entriesBetweenQuestions = 1000

    /// Reads one directory anew; how many names that were.
    func look(at id: Int, _ isWanted: () -> Bool) -> Int {
        guard var node = nodes[id] else { return 1 }
        let opened = open(id)
        guard opened >= 0 else {
            // Gone: then its parent has changed, too. Anything else is tried again.
            if errno == EXDEV, node.parent != nil { drop(id) } else { postpone(id) }
            return 1
        }
        var status = stat()
        guard fstat(opened, &status) == 0, Identity(status) == node.identity else {
            close(opened)
            postpone(id)
            return 1
        }
        // Before the first name is read: what changes from here on is noticed.
        node.mark = watch.mark(opened, DirectoryWatch.Owner(tree: self, node: id))
        nodes[id]?.mark = node.mark
        guard let stream = fdopendir(opened) else {
            close(opened)
            postpone(id)
            return 1
        }
        defer { closedir(stream) }
        // An empty tree uses nothing: its root's first block is none of what was stored.
        let own = node.parent == nil ? Int64(status.st_blksize) : 0
        node.bytes = max(0, Int64(status.st_blocks) * 512 - own)
        node.inodes = 1
        node.linked = [:]
        node.hasHoles = false
        var directories: [(name: [CChar], identity: Identity)] = []
        var count = 1
        while let raw = readdir(stream) {
            let entry = DirectoryEntry(raw)
            if entry.isSelfOrParent { continue }
            count += 1
            if count % Self.entriesBetweenQuestions == 0, !isWanted() {
                postpone(id)
                return count
            }
            var status = stat()
            guard fstatat(opened, entry.name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                directories.append((entry.name, Identity(status)))
            } else {
                Self.count(status, in: &node)
            }
        }
        let new = match(directories, in: &node, id)
        settle(id, node, newChildren: new)
        return count
    }

    private static func count(_ status: stat, in node: inout Node) {
        let bytes = Int64(status.st_blocks) * 512
        if status.st_mode & S_IFMT == S_IFREG,
            bytes + Int64(status.st_blksize) <= Int64(status.st_size)
        {
            node.hasHoles = true
        }
        if status.st_nlink > 1, node.linked.count < linkedLimit {
            node.linked[UInt64(status.st_ino)] = bytes
        } else {
            node.bytes += bytes
            node.inodes += 1
        }
    }

    /// Keeps the directories that were there before, forgets those that are gone; the new ones.
    private func match(
        _ found: [(name: [CChar], identity: Identity)], in node: inout Node, _ id: Int
    ) -> [Int] {
        var known: [Identity: Int] = [:]
        for child in node.children {
            if let identity = nodes[child]?.identity { known[identity] = child }
        }
        var children: [Int] = []
        var new: [Int] = []
        for (name, identity) in found {
            if let child = known.removeValue(forKey: identity) {
                nodes[child]?.name = name
                children.append(child)
            } else {
                let child = add(parent: id, name: name, identity)
                children.append(child)
                new.append(child)
            }
        }
        for child in known.values { drop(child) }
        node.children = children
        return new
    }

    /// Opens a directory by the names on the way to it, never through a symbolic link or into
    /// another mount; below 0 with errno where that fails.
    private func open(_ id: Int) -> Int32 {
        var names: [[CChar]] = []
        var step = nodes[id]
        while let node = step, let parent = node.parent {
            names.append(node.name)
            step = nodes[parent]
        }
        var current = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        var piece: [CChar] = []
        while current >= 0, let name = names.popLast() {
            piece += name.dropLast()
            if piece.count < Self.pieceBytes, !names.isEmpty {
                piece.append(CChar(bitPattern: UInt8(ascii: "/")))
                continue
            }
            piece.append(0)
            let next = clinux_open_beneath(current, piece)
            let reason = errno
            close(current)
            errno = reason
            current = next
            piece = []
        }
        return current
    }
}

extension TreeCounter.Identity {
    fileprivate init(_ status: stat) {
        self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}
