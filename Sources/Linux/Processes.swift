internal import Glibc

/// What /proc/PID/stat tells of a process.
package struct ProcessStatus: Equatable, Sendable {
    package var pid: Int32
    package var parent: Int32
    package var session: Int32
    package var isZombie: Bool
    /// Of the process and its reaped children.
    package var cpuNanoseconds: Int64
    package var residentBytes: Int64
    /// Clock ticks since boot: tells it from a later process of the same pid.
    package var startTime: UInt64
}

/// The processes of this host, as /proc shows them.
package enum Processes {
    /// Nil: no such process.
    package static func status(_ pid: Int32) -> ProcessStatus? {
        guard let bytes = try? DurableFile.read("/proc/\(pid)/stat", limit: 4096),
            let bracket = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        // The command in brackets may hold anything, also spaces and brackets.
        let fields = String(decoding: bytes[(bracket + 1)...], as: UTF8.self)
            .split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard fields.count > 21, let parent = Int32(fields[1]), let session = Int32(fields[3]),
            let start = UInt64(fields[19]), let pages = Int64(fields[21])
        else { return nil }
        let ticks = fields[11...14].reduce(Int64(0)) { $0 + (Int64($1) ?? 0) }
        let perSecond = Int64(sysconf(Int32(_SC_CLK_TCK)))
        return ProcessStatus(
            pid: pid, parent: parent, session: session,
            isZombie: fields[0] == "Z" || fields[0] == "X",
            cpuNanoseconds: ticks * (1_000_000_000 / max(1, perSecond)),
            residentBytes: pages * Int64(sysconf(Int32(_SC_PAGESIZE))), startTime: start)
    }

    /// All processes of a session that are not zombies, by pid.
    package static func ofSession(_ session: Int32) -> [ProcessStatus] {
        all().filter { $0.session == session && !$0.isZombie }
    }

    /// Every process of the host, by pid as text.
    package static func all() -> [ProcessStatus] {
        let names = (try? Files.list("/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap { status($0) }
    }

    /// Changes with each boot of the host; empty where the kernel does not tell.
    package static func bootID() -> String {
        KernelText.line("/proc/sys/kernel/random/boot_id") ?? ""
    }

    /// The processes below one, parents first.
    package static func descendants(of root: Int32) -> [ProcessStatus] {
        let children = Dictionary(grouping: all(), by: \.parent)
        var found: [ProcessStatus] = []
        var next = children[root] ?? []
        while !next.isEmpty {
            found += next
            next = next.flatMap { $0.pid == root ? [] : children[$0.pid] ?? [] }
        }
        return found
    }

    /// Kills a session's processes until none is left; false: the kernel keeps one alive.
    ///
    /// Rounds, because a process may fork while the list is read.
    @discardableResult
    package static func killSession(_ session: Int32) -> Bool {
        guard session > 1 else { return true }
        for _ in 0..<100 {
            let members = ofSession(session)
            if members.isEmpty { return true }
            for member in members {
                guard let process = ProcessHandle(pid: member.pid) else { continue }
                // Looked at again: the pid could have been taken by another since.
                guard status(member.pid)?.startTime == member.startTime else { continue }
                process.send(SIGKILL)
                _ = process.waitForEnd(withinMilliseconds: 100)
            }
        }
        return ofSession(session).isEmpty
    }
}
