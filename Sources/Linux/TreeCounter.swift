internal import CLinux
internal import Glibc

/// Counts the disk usage of a directory tree again and again, as `UsageWalk` counts it once:
/// directories in which nothing has changed since the last count are not looked at.
///
/// A change is noticed by a `DirectoryWatch`. What that can't notice is looked at each time:
/// directories without a mark, and those with files that have holes or several names. Once an hour
/// everything is. Belongs to one thread, the watch's.
package final class TreeCounter {
    /// Which directory, whatever its name.
    struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// What is remembered of a directory.
    struct Node {
        let parent: Int?
        var name: [CChar]
        let identity: Identity
        var bytes: Int64 = 0
        var inodes: Int64 = 0
        var mark: Int32?
        var children: [Int] = []
        /// Bytes of its files with several names, by inode: each counts once in the tree.
        var linked: [UInt64: Int64] = [:]
        var hasHoles = false

        var needsLook: Bool { mark == nil || hasHoles || !linked.isEmpty }
    }

    /// Beyond it a tree is counted anew each time, without memory.
    static let nodesLimit = 100_000
    static let secondsBetweenFullCounts = 3600

    let path: String
    let watch: DirectoryWatch
    var nodes: [Int: Node] = [:]
    private var lastNode = 0
    private var root: Int?
    /// Directories that have to be looked at; nil: all, from the root on.
    private var changed: Set<Int>?
    private var restless: Set<Int> = []
    private var pending: [Int] = []
    private var isInRound = false
    /// Whether this round looks at all.
    private var isFull = false
    /// A file has got a second name: its first may have been counted as the only one.
    private var hasNewLinks = false
    /// What could not be looked at, and is still there.
    private var postponed: Set<Int> = []
    private var wasFullAt = 0
    private var total = UsageWalk.Usage()
    private var linkedNodes: Set<Int> = []
    /// What counts instead where the tree is too large to be remembered.
    private var walk: UsageWalk?
    private var isTooLarge = false

    package init(_ path: String, watch: DirectoryWatch) {
        self.path = path
        self.watch = watch
    }

    deinit {
        for (id, node) in nodes {
            if let mark = node.mark { watch.unmark(mark, of: id, in: self) }
        }
    }

    package func noteChange(of node: Int) {
        nodes[node]?.mark = nil
        changed?.insert(node)
    }

    package func noteAnything() {
        for id in nodes.keys { nodes[id]?.mark = nil }
        changed = nil
    }

    /// Whether the next count has anything to look at.
    package var hasWork: Bool {
        guard !isInRound, !isTooLarge, let changed, !isFullCountDue else { return true }
        return !changed.isEmpty || !restless.isEmpty
    }

    private var isFullCountDue: Bool {
        Self.seconds() - wasFullAt >= Self.secondsBetweenFullCounts
    }

    private static func seconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }

    /// Looks at about `entries` names; the sum once all changes have been looked at.
    ///
    /// A directory is read to its end, unless `isWanted` turns false. Throws where the root is
    /// gone.
    package func advance(
        entries: Int, isWanted: () -> Bool = { true }
    ) throws(SystemError) -> UsageWalk.Usage? {
        if isTooLarge { return try countWithoutMemory(entries) }
        if !isInRound { try begin() }
        var left = entries
        while let id = pending.popLast() {
            guard nodes[id] != nil else { continue }
            guard isWanted() else {
                pending.append(id)
                return nil
            }
            left -= look(at: id, isWanted)
            if nodes.count > Self.nodesLimit {
                forget()
                isTooLarge = true
                return nil
            }
            if left <= 0, !pending.isEmpty { return nil }
        }
        isInRound = false
        if hasNewLinks, !isFull {
            changed = nil
            return nil
        }
        guard root.map({ nodes[$0] != nil }) == true else {
            forget()
            throw SystemError("open", path, errno: ENOENT)
        }
        return sum()
    }

    private func countWithoutMemory(_ entries: Int) throws(SystemError) -> UsageWalk.Usage? {
        let current = walk ?? UsageWalk(path)
        walk = current
        do {
            guard let usage = try current.advance(entries: entries) else { return nil }
            walk = nil
            // It may have become smaller.
            if usage.inodes < Int64(Self.nodesLimit) { isTooLarge = false }
            return usage
        } catch {
            walk = nil
            throw error
        }
    }

    /// Gathers what has to be looked at.
    private func begin() throws(SystemError) {
        let status = try FileStatus.of(path)
        guard status.kind == .directory else { throw SystemError("open", path, errno: ENOTDIR) }
        let isSame = root.flatMap { nodes[$0] }.map {
            $0.identity == Identity(device: status.device, inode: status.inode)
        }
        if isSame != true || changed == nil || isFullCountDue { forget() }
        hasNewLinks = false
        postponed = []
        isFull = false
        if root != nil, let changed {
            pending = Array(changed.union(restless))
        } else {
            root = add(
                parent: nil, name: [],
                Identity(device: status.device, inode: status.inode))
            pending = root.map { [$0] } ?? []
            wasFullAt = Self.seconds()
            isFull = true
        }
        changed = []
        isInRound = true
    }

    private func forget() {
        if let root { drop(root) }
        root = nil
        total = UsageWalk.Usage()
        changed = nil
        restless = []
        linkedNodes = []
        pending = []
        isInRound = false
    }

    // MARK: nodes

    func add(parent: Int?, name: [CChar], _ identity: Identity) -> Int {
        lastNode += 1
        nodes[lastNode] = Node(parent: parent, name: name, identity: identity)
        return lastNode
    }

    /// Forgets a directory and all below it.
    func drop(_ id: Int) {
        var waiting = [id]
        while let id = waiting.popLast() {
            guard let node = nodes.removeValue(forKey: id) else { continue }
            total.bytes -= node.bytes
            total.inodes -= node.inodes
            restless.remove(id)
            linkedNodes.remove(id)
            changed?.remove(id)
            postponed.remove(id)
            if let mark = node.mark { watch.unmark(mark, of: id, in: self) }
            waiting += node.children
        }
    }

    /// Takes what was found in a directory.
    func settle(_ id: Int, _ node: Node, newChildren: [Int]) {
        guard let old = nodes[id] else { return }
        total.bytes += node.bytes - old.bytes
        total.inodes += node.inodes - old.inodes
        nodes[id] = node
        if node.needsLook { restless.insert(id) } else { restless.remove(id) }
        if node.linked.keys.contains(where: { old.linked[$0] == nil }) { hasNewLinks = true }
        if node.linked.isEmpty { linkedNodes.remove(id) } else { linkedNodes.insert(id) }
        pending += newChildren
    }

    /// It could not be looked at now: the sum is not exact, and the next count tries again.
    func postpone(_ id: Int) {
        postponed.insert(id)
        changed?.insert(id)
    }

    private func sum() -> UsageWalk.Usage {
        var sum = total
        sum.isComplete = postponed.isEmpty
        var linked: [UInt64: Int64] = [:]
        for id in linkedNodes {
            for (inode, bytes) in nodes[id]?.linked ?? [:] { linked[inode] = bytes }
        }
        for bytes in linked.values { sum.bytes += bytes }
        sum.inodes += Int64(linked.count)
        return sum
    }
}
