package import Linux
internal import Synchronization

/// Whether tasks without an image may write the host's files.
package enum HostRootMode: String, Equatable, Sendable {
    /// Writable are only the sandbox, the volumes, /tmp and /dev/shm of the task.
    case readOnly = "ro"
    /// As in Mesos: what the task's user may write.
    case readWrite = "rw"
}

/// The host's files as a root for containers: one tree of mounts in the runtime directory, made
/// once and shared by all containers.
///
/// When the host's mounts change in a way that concerns it, a new tree is made and the old one goes
/// with its last use; a container that runs keeps what it started with. Mounts made on the host
/// later do not appear in the tree by themselves: they would do so writable.
package final class HostRoot: Sendable {
    private struct Tree {
        let plan: HostRootPlan
        let path: String
        var users = 0
    }

    private struct State {
        var isMade = false
        var lastNumber = 0
        var current: Tree?
        var retired: [String: Int] = [:]
    }

    /// Holds the trees, one directory each.
    private let directory: String
    private let hidden: [String]
    private let mode: HostRootMode
    private let state = Mutex(State())

    /// Keeps its trees in `directory`; `hidden` names what no container sees: absolute paths
    /// without links, the work directory and `directory` among them or above it.
    package init(directory: String, mode: HostRootMode, hidden: [String]) {
        self.directory = directory
        self.mode = mode
        self.hidden = hidden
    }

    /// Calls `body` with the path of a tree that fits the host's mounts as they are now.
    package func use<Result>(
        _ body: (String) throws(ContainerError) -> Result
    ) throws(ContainerError) -> Result {
        let path = try acquire()
        defer { release(path) }
        return try body(path)
    }

    /// A directory for mounts that go with their use, beside the trees and treated like those: no
    /// container sees it, and what a former life of the agent has left in it is gone.
    func scratch() throws(ContainerError) -> String {
        try state.withLock { state throws(ContainerError) in
            do throws(SystemError) {
                if !state.isMade { try Self.makePlace(directory) }
                state.isMade = true
                return directory
            } catch {
                throw ContainerError("there is no place for mounts: \(error)")
            }
        }
    }

    /// Takes all trees away, also those of a former life of the agent; running containers keep
    /// theirs.
    package func remove() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            try Self.detachAll(directory)
            state = State()
        }
    }

    private func acquire() throws(ContainerError) -> String {
        try state.withLock { state throws(ContainerError) -> String in
            do throws(SystemError) {
                if !state.isMade { try Self.makePlace(directory) }
                state.isMade = true
                let plan = HostRootPlan(table: try MountTable.current(), hidden: hidden)
                if let current = state.current, current.plan != plan {
                    state.retired[current.path] = current.users
                    state.current = nil
                    if current.users == 0 { Self.drop(current.path, &state) }
                }
                var tree: Tree
                if let current = state.current {
                    tree = current
                } else {
                    state.lastNumber += 1
                    tree = Tree(plan: plan, path: "\(directory)/\(state.lastNumber)")
                    try make(plan, at: tree.path)
                }
                tree.users += 1
                state.current = tree
                return tree.path
            } catch {
                throw ContainerError("the host's files can't be prepared as a root: \(error)")
            }
        }
    }

    private func release(_ path: String) {
        state.withLock { state in
            if state.current?.path == path {
                state.current?.users -= 1
            } else if let users = state.retired[path] {
                state.retired[path] = users - 1
                if users == 1 { Self.drop(path, &state) }
            }
        }
    }

    private static func drop(_ path: String, _ state: inout State) {
        state.retired[path] = nil
        _ = try? Mount.detach(path, isLazy: true)
        _ = try? Files.removeDirectory(path)
    }

    /// All trees go with the small file system that they stand in.
    private static func detachAll(_ directory: String) throws(SystemError) {
        while try MountTable.current().top(at: directory) != nil {
            guard try Mount.detach(directory, isLazy: true) else { return }
        }
    }

    /// Mounts the place for trees, by whose name other agents leave them out of their own.
    private static func makePlace(_ directory: String) throws(SystemError) {
        try detachAll(directory)
        try Files.makeDirectories(directory, mode: 0o700)
        try Mount.attach(
            HostRootPlan.marker, at: directory, fileSystem: "tmpfs", flags: Mount.tenantFlags,
            options: "mode=700,size=64k")
        try Mount.setPropagation(.isolated, of: directory)
    }

    private func make(_ plan: HostRootPlan, at path: String) throws(SystemError) {
        try Files.makeDirectory(path, mode: 0o700)
        do throws(SystemError) {
            for point in plan.copies {
                try Self.copy(point, into: path)
            }
            for mask in plan.masks { try Self.hide(path + mask) }
            guard mode == .readOnly else { return }
            try MountTree.set(.readOnly, at: path, isRecursive: true)
            try Self.proveReadOnly(path)
        } catch {
            _ = try? Mount.detach(path, isLazy: true)
            _ = try? Files.removeDirectory(path)
            throw error
        }
    }

    private static func copy(_ point: String, into path: String) throws(SystemError) {
        let place = point == "/" ? path : path + point
        do throws(SystemError) {
            try MountTree.clone(point).attach(at: place)
        } catch {
            // A mount whose place is covered by another one: not to be seen on the host either.
            guard point != "/", error.isNotFound || error.errno == notADirectory else {
                throw error
            }
            return
        }
        // A copy of a shared mount is shared too: nothing mounted on the host later may come into
        // the tree.
        try MountTree.set(.isolated, at: place, isRecursive: false)
    }

    private static let notADirectory: Int32 = 20

    /// Puts an empty directory in a place, if there is one.
    private static func hide(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            try Mount.attach(
                "tmpfs", at: path, fileSystem: "tmpfs", flags: Mount.tenantFlags,
                options: "size=4k,nr_inodes=2,mode=755")
            try MountTree.set([.isolated, .readOnly], at: path, isRecursive: false)
        } catch {
            guard error.isNotFound else { throw error }
        }
    }

    /// Reads back what the kernel made of it: trusting a call that failed silently would let every
    /// task write the host.
    private static func proveReadOnly(_ path: String) throws(SystemError) {
        let table = try MountTable.current()
        guard let top = table.top(at: path) else {
            throw SystemError("mountinfo", path, errno: 2)
        }
        for entry in [top] + table.below(path) where !entry.options.contains("ro") {
            throw SystemError("mount_setattr", entry.mountPoint, errno: 30)
        }
    }
}
