internal import Glibc

/// Tells which directories have changed since they were marked: one notice each, however much
/// happens in them afterwards (inotify with IN_ONESHOT), so that a busy writer costs nothing.
///
/// It notices what is made, removed, renamed, written or cut short by calls, through any mount. It
/// does not notice what a shared memory mapping writes into holes, nor what is written through
/// another name of a file in another directory. Belongs to one thread.
package final class DirectoryWatch {
    /// Who wants to know of a change.
    struct Owner {
        weak var tree: TreeCounter?
        let node: Int
    }

    private static let kinds =
        IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
        | IN_DELETE_SELF | IN_MOVE_SELF
    /// Of an event, before the name.
    private static let headerBytes = 16

    /// Below 0: this kernel or user has none, every directory has to be looked at each time.
    private var queue: Int32
    /// How many directories it watches at most: each keeps an inode in the kernel's memory.
    private let limit: Int
    private var owners: [Int32: Owner] = [:]

    /// At most `limit` directories; by default half of what the kernel gives a user.
    package init(limit: Int? = nil) {
        queue = Self.open()
        let most = KernelText.line("/proc/sys/fs/inotify/max_user_watches").flatMap { Int($0) }
        self.limit = limit ?? (most ?? 8192) / 2
    }

    deinit { if queue >= 0 { close(queue) } }

    private static func open() -> Int32 {
        inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    }

    /// How many directories are marked now.
    package var count: Int { owners.count }

    /// Marks an open directory until its first change; nil: there is no mark left for it.
    ///
    /// What changes between this call and the next look at the directory is noticed, too.
    func mark(_ directory: Int32, _ owner: Owner) -> Int32? {
        guard queue >= 0, owners.count < limit else { return nil }
        let mark = inotify_add_watch(
            queue, "/proc/self/fd/\(directory)",
            UInt32(Self.kinds) | UInt32(IN_ONESHOT) | UInt32(IN_ONLYDIR))
        guard mark >= 0 else { return nil }
        // The same mark as before where the directory has one: it was moved to another parent.
        owners[mark] = owner
        return mark
    }

    /// Takes a mark away, unless it belongs to another owner by now.
    func unmark(_ mark: Int32, of node: Int, in tree: TreeCounter) {
        guard let owner = owners[mark], owner.node == node,
            owner.tree == nil || owner.tree === tree
        else { return }
        owners[mark] = nil
        inotify_rm_watch(queue, mark)
    }

    /// Tells the owners what was noticed since the last call.
    package func deliver() {
        guard queue >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let length = read(queue, &buffer, buffer.count)
            guard length > 0 else { return }
            var place = 0
            while place + Self.headerBytes <= length {
                let event = buffer.withUnsafeBytes {
                    (
                        mark: $0.loadUnaligned(fromByteOffset: place, as: Int32.self),
                        kinds: $0.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self),
                        nameBytes: $0.loadUnaligned(fromByteOffset: place + 12, as: UInt32.self)
                    )
                }
                place += Self.headerBytes + Int(event.nameBytes)
                if event.kinds & UInt32(IN_Q_OVERFLOW) != 0 { return startAnew() }
                guard event.kinds & UInt32(IN_IGNORED) != 0 else { continue }
                // It comes once for each mark: used up, or gone with its directory.
                if let owner = owners.removeValue(forKey: event.mark) {
                    owner.tree?.noteChange(of: owner.node)
                }
            }
        }
    }

    /// Notices were lost: anything may have changed.
    private func startAnew() {
        close(queue)
        queue = Self.open()
        let lost = owners.values
        owners = [:]
        for owner in lost { owner.tree?.noteAnything() }
    }
}
