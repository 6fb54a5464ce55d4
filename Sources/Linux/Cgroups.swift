internal import Glibc

/// The control groups of this host: which controller is in which tree.
///
/// v1: a tree for each controller; v2: one tree; hybrid: v1 trees beside a v2 tree that may lack
/// controllers and still kills whole groups.
package struct Cgroups: Equatable, Sendable {
    /// v1 trees by controller, as `memory`; names of nameless trees start with `name=`.
    package let trees: [String: String]
    /// The v2 tree.
    package let unified: String?

    /// Looks at a mount table.
    package init(_ table: MountTable) {
        var trees: [String: String] = [:]
        var unified: String?
        for entry in table.entries where MountTable.isBelowOrSame(entry.mountPoint, Self.root) {
            switch entry.fileSystem {
            case "cgroup":
                for option in entry.superOptions where option != "rw" && option != "ro" {
                    trees[option] = entry.mountPoint
                }
            case "cgroup2": unified = entry.mountPoint
            default: continue
            }
        }
        self.trees = trees
        self.unified = unified
    }

    private static let root = "/sys/fs/cgroup"

    /// This host's, as mounted now.
    package static func current() throws(SystemError) -> Cgroups {
        Cgroups(try MountTable.current())
    }

    /// Every tree's root, each once, sorted.
    package var roots: [String] {
        var roots = Set(trees.values)
        if let unified { roots.insert(unified) }
        return roots.sorted()
    }

    /// The directory of a group in a controller's tree; nil: there is no such controller.
    package func directory(_ controller: String, _ group: String) -> String? {
        if let tree = trees[controller] { return tree + group }
        guard trees.isEmpty, let unified else { return nil }
        return unified + group
    }

    private var isUnified: Bool { trees.isEmpty && unified != nil }

    /// How often the kernel killed a process of the group for its memory limit.
    package func outOfMemoryKills(_ group: String) -> Int64 {
        let file = isUnified ? "memory.events" : "memory.oom_control"
        return value(of: "oom_kill", in: "memory", group, file) ?? 0
    }

    package func processes(_ group: String) -> Int? {
        number("pids", group, "pids.current").map { Int($0) }
    }

    /// What the group holds without pages of files that can be dropped.
    package func memoryBytes(_ group: String) -> Int64? {
        let name = isUnified ? "memory.current" : "memory.usage_in_bytes"
        guard let all = number("memory", group, name) else { return nil }
        let inactive = isUnified ? "inactive_file" : "total_inactive_file"
        return max(0, all - (value(of: inactive, in: "memory", group, "memory.stat") ?? 0))
    }

    package func cpuNanoseconds(_ group: String) -> Int64? {
        if isUnified {
            return value(of: "usage_usec", in: "cpu", group, "cpu.stat").map { $0 * 1000 }
        }
        return number("cpuacct", group, "cpuacct.usage")
    }

    /// Whether memory and swap can be limited together, and there is swap to be limited.
    package var limitsSwap: Bool {
        let devices = (try? KernelText.read("/proc/swaps"))?.split(separator: "\n").count ?? 0
        guard devices > 1 else { return false }
        guard let memory = trees["memory"] else { return isUnified }
        return access("\(memory)/memory.memsw.limit_in_bytes", F_OK) == 0
    }

    /// Kills all processes of the group at once; a frozen group is thawed, for it would not die.
    package func kill(_ group: String) {
        if let unified { Self.write("1", to: "\(unified)\(group)/cgroup.kill") }
        if let frozen = trees["freezer"] {
            Self.write("THAWED", to: "\(frozen)\(group)/freezer.state")
        } else if let unified {
            Self.write("0", to: "\(unified)\(group)/cgroup.freeze")
        }
        for root in roots { Self.killMembers("\(root)\(group)") }
    }

    /// Removes an ended group from all trees; false: a process is still in it.
    @discardableResult
    package func remove(_ group: String) -> Bool {
        roots.reduce(true) { isGone, root in Self.removeTree("\(root)\(group)") && isGone }
    }

    /// The kernel lets a dead process's group go a moment after its end was seen.
    private static func removeTree(_ path: String) -> Bool {
        for child in (try? Files.list(path)) ?? [] {
            let below = "\(path)/\(child)"
            if (try? FileStatus.of(below))?.kind == .directory { _ = removeTree(below) }
        }
        for _ in 0..<200 {
            if rmdir(path) == 0 || errno == ENOENT { return true }
            guard errno == EBUSY else { return false }
            usleep(5_000)
        }
        return false
    }

    private static func killMembers(_ directory: String) {
        // Rounds, because a process may fork while the list is read.
        for _ in 0..<100 {
            let text = (try? KernelText.read("\(directory)/cgroup.procs")) ?? ""
            let members = text.split(separator: "\n").compactMap { Int32($0) }
            if members.isEmpty { return }
            for member in members where member > 1 {
                guard let process = PidFD(member) else { continue }
                process.signal(SIGKILL)
                _ = process.waitForEnd(milliseconds: 100)
            }
        }
    }

    private func number(_ controller: String, _ group: String, _ file: String) -> Int64? {
        directory(controller, group).flatMap { KernelText.line("\($0)/\(file)") }
            .flatMap { Int64($0) }
    }

    /// The number behind a name in a file of "NAME NUMBER" lines.
    private func value(
        of name: String, in controller: String, _ group: String, _ file: String
    ) -> Int64? {
        guard let directory = directory(controller, group),
            let text = try? KernelText.read("\(directory)/\(file)")
        else { return nil }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == name { return Int64(words[1]) }
        }
        return nil
    }

    private static func write(_ text: String, to path: String) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = Glibc.write(file, text, text.utf8.count)
        close(file)
    }
}
