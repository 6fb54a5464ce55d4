/// Where this machine keeps its control groups.
package struct CgroupLayout: Hashable, Sendable {
    package enum Version: String, Hashable, Sendable {
        /// A hierarchy a controller.
        case v1
        /// As v1, and a unified hierarchy without the controllers beside it.
        case hybrid
        case v2
    }

    package let version: Version
    /// The mount points of the v1 hierarchies by controller (`name=systemd` among them); in v2 each
    /// controller's is the unified one.
    package let controllers: [String: String]
    /// Nil in v1.
    package let unified: String?

    /// Nil where no hierarchy is mounted. `unifiedControllers` is the text of
    /// `cgroup.controllers` at the unified root.
    package init?(table: MountTable, unifiedControllers: (String) -> String?) {
        var controllers: [String: String] = [:]
        var unified: String?
        for entry in table.entries {
            if entry.fileSystem == "cgroup" {
                for option in entry.superOptions where !Self.plainOptions.contains(option) {
                    if controllers[option] == nil { controllers[option] = entry.mountPoint }
                }
            } else if entry.fileSystem == "cgroup2", unified == nil {
                unified = entry.mountPoint
            }
        }
        if let unified, controllers["memory"] == nil, controllers["cpu"] == nil {
            let names = unifiedControllers(unified) ?? ""
            for name in names.split(whereSeparator: \.isWhitespace) {
                controllers[String(name)] = unified
            }
            version = .v2
        } else if controllers.isEmpty {
            return nil
        } else {
            version = unified == nil ? .v1 : .hybrid
        }
        self.controllers = controllers
        self.unified = unified
    }

    private static let plainOptions: Set<String> = [
        "rw", "ro", "xattr", "noprefix", "clone_children", "favordynmods", "nsdelegate",
        "memory_recursiveprot",
    ]

    /// This machine's, now.
    package static func current() throws(SystemError) -> CgroupLayout? {
        CgroupLayout(table: try MountTable.current()) { unified in
            KernelText.line("\(unified)/cgroup.controllers")
        }
    }

    /// The distinct mount points, sorted.
    package var hierarchies: [String] {
        Set(controllers.values).union(unified.map { [$0] } ?? []).sorted()
    }

    /// Whether swap can be limited (v1 only: the kernel may be built or booted without).
    package var hasSwapLimit: Bool {
        guard version != .v2, let memory = controllers["memory"] else { return true }
        return FileStatus.exists("\(memory)/memory.memsw.limit_in_bytes")
    }
}

/// One control group, by the same path in every hierarchy.
package struct Cgroup: Hashable, Sendable {
    package let layout: CgroupLayout
    /// Begins with `/`.
    package let path: String

    package init(_ layout: CgroupLayout, _ path: String) {
        self.layout = layout
        self.path = path
    }

    func file(_ controller: String, _ name: String) -> String? {
        let root = layout.version == .v2 ? layout.unified : layout.controllers[controller]
        return root.map { "\($0)\(path)/\(name)" }
    }

    /// The file with a line `oom_kill N`.
    package var oomFile: String? {
        layout.version == .v2
            ? file("memory", "memory.events") : file("memory", "memory.oom_control")
    }

    /// CPU time of all its processes, ended ones too, in nanoseconds.
    package func cpuNanoseconds() -> Int64? {
        if layout.version == .v2 {
            return field("usage_usec", in: file("cpu", "cpu.stat")).map { $0 * 1000 }
        }
        return number(file("cpuacct", "cpuacct.usage"))
    }

    /// Memory without the page cache that can be taken back at once, in bytes.
    package func memoryBytes() -> Int64? {
        let isV2 = layout.version == .v2
        let usage = file("memory", isV2 ? "memory.current" : "memory.usage_in_bytes")
        guard let used = number(usage) else { return nil }
        let cache = isV2 ? "inactive_file" : "total_inactive_file"
        return max(0, used - (field(cache, in: file("memory", "memory.stat")) ?? 0))
    }

    /// Nil: none is set, or it can't be read.
    package func memoryLimitBytes() -> Int64? {
        number(
            file("memory", layout.version == .v2 ? "memory.max" : "memory.limit_in_bytes"))
    }

    /// How many processes and threads are in it.
    package func processes() -> Int? {
        number(file("pids", "pids.current")).map(Int.init)
    }

    private func number(_ path: String?) -> Int64? {
        path.flatMap(KernelText.line).flatMap { Int64($0) }
    }

    /// The number beside a name in a file of such lines.
    private func field(_ name: String, in path: String?) -> Int64? {
        guard let path, let text = try? KernelText.read(path, limit: 65_536) else { return nil }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == name { return Int64(words[1]) }
        }
        return nil
    }

    /// Removes it and the groups below it from every hierarchy, as far as they are empty.
    package func remove() {
        for hierarchy in layout.hierarchies { Self.removeTree(hierarchy + path) }
    }

    private static func removeTree(_ directory: String) {
        let names = (try? Files.list(directory, limit: 10_000)) ?? []
        for name in names {
            let child = "\(directory)/\(name)"
            if (try? FileStatus.of(child))?.kind == .directory { removeTree(child) }
        }
        _ = try? Files.removeDirectory(directory)
    }
}

extension Cgroup {
    /// Removes it from every hierarchy in which nothing is below it.
    package func removeIfEmpty() {
        for hierarchy in layout.hierarchies { _ = try? Files.removeDirectory(hierarchy + path) }
    }
}
